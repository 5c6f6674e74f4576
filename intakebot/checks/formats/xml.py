"""XML as untrusted reports bring it: bounded in depth, with no entities and no DTD.

The document is refused at its DOCTYPE, so nothing of one ever reaches the parser's expansion.
"""

from __future__ import annotations

from collections.abc import Collection
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from intakebot.checks.formats.reports import BadReport, message

MAX_DEPTH = 50


class Refused(Exception):
    pass


class Careful(TreeBuilder):
    depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise Refused("it has a DOCTYPE, which reports don't need")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"its elements are more than {MAX_DEPTH} deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def read(data: bytes, what: str, roots: Collection[str]) -> Element:
    """The root element; raises BadReport for what is not whole, or has another root."""
    parser = XMLParser(target=Careful())  # noqa: S314 - Careful takes no DTD
    try:
        parser.feed(data)
        root: Element = parser.close()
    except (ParseError, Refused, ValueError, LookupError) as error:
        raise BadReport(f"not {what}: {error}", data) from error
    if root.tag not in roots:
        raise BadReport(f"not {what}: its root is <{message(root.tag)}>", data)
    return root
