"""Markdown by strangers as HTML: no raw HTML, no images, no scripts, links that vouch for nobody.

The one place where text becomes markup.
"""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST = 20_000  # characters that are rendered; longer text is shown as it was written
TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_READER.disable("image")  # an image would tell its host who reads this page, and when


def rendered(text: str) -> Markup:
    readable = text.encode("utf-8", "backslashreplace").decode()
    if len(readable) > LONGEST:
        return Markup("<pre>{}</pre>").format(readable)
    clean = nh3.clean(
        _READER.render(readable),
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return Markup(clean)  # noqa: S704 - nh3 has just cleaned it
