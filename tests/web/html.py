"""A page as a browser would take it."""

from __future__ import annotations

from html.parser import HTMLParser

from flask.testing import FlaskClient

# The one script of the pages; the policy lets no other run.
OURS: tuple[str, dict[str, str | None]] = ("script", {"src": "/static/live.js", "defer": None})


class Html(HTMLParser):
    """Collects what a browser would act on, and the text it would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def active(self) -> list[str]:
        """Everything that could run, load from elsewhere, or leave by script."""
        tags = list(self.tags)
        if OURS in tags:
            tags.remove(OURS)  # one of it
        found = [tag for tag, _ in tags if tag in ("script", "iframe", "object", "embed")]
        found += [tag for tag, _ in self.tags if tag in ("style", "base", "svg", "math", "video")]
        for tag, attributes in self.tags:
            found += [name for name in attributes if name.startswith("on") or name == "style"]
            for name in ("href", "src", "action", "formaction"):
                target = (attributes.get(name) or "").strip().lower()
                if target.startswith(("javascript:", "data:", "vbscript:")):
                    found.append(target)
                if tag == "img" and not target.startswith("/static/"):
                    found += [target] if name == "src" else []
        return found


def shown(client: FlaskClient, path: str) -> Html:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return Html(answer.text)
