"""The report on A4, by WeasyPrint. The same report gives the same bytes."""

from __future__ import annotations

from intakebot.model import OperatorError
from intakebot.report.build import Report
from intakebot.report.html import to_html

CURE = (
    "install it with its libraries (pip install weasyprint; apt-get install libpango-1.0-0 "
    "libpangoft2-1.0-0), or print the HTML report from a browser"
)


def to_pdf(report: Report) -> bytes:
    """Raises OperatorError where WeasyPrint is not here, or lacks a library."""
    return printed(to_html(report), report.inputs[:16].encode())


def printed(page: str, identifier: bytes) -> bytes:
    """Whatever the page asks for is not fetched."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise OperatorError(f"PDF needs WeasyPrint: {error}; {CURE}") from error
    nowhere = URLFetcher(allowed_protocols=())  # all that a report shows is in it
    made: bytes = HTML(string=page, url_fetcher=nowhere).write_pdf(pdf_identifier=identifier)
    return made
