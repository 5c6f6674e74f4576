"""The report on A4, by WeasyPrint. The same report gives the same bytes."""

from __future__ import annotations

from typing import Any, NoReturn

from intakebot.model import OperatorError
from intakebot.report.build import Report
from intakebot.report.html import to_html

CURE = (
    "install it with its libraries (pip install 'intakebot[pdf]'; apt-get install libpango-1.0-0 "
    "libpangoft2-1.0-0), or print the HTML report from a browser"
)


def to_pdf(report: Report) -> bytes:
    """Raises OperatorError where WeasyPrint is not here, or lacks a library."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise OperatorError(f"PDF needs WeasyPrint: {error}; {CURE}") from error
    page = HTML(string=to_html(report), url_fetcher=_nothing)
    made: bytes = page.write_pdf(pdf_identifier=report.inputs[:16].encode())
    return made


def _nothing(url: str, *_: Any, **__: Any) -> NoReturn:
    """All that a report shows is in it."""
    raise ValueError(f"nothing is fetched: {url[:80]}")
