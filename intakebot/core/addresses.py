"""Where the house's own pages are."""

from __future__ import annotations

from urllib.parse import urlencode


def sign_in_back(public_url: str, forge: str) -> str:
    """Where the forge's own pages send the browser back to."""
    return f"{public_url}/sign-in/at/{forge}/back"


def pull_page(public_url: str, repo: str, number: int) -> str:
    return f"{public_url}/pulls/{repo}/{number}"


def agency_page(public_url: str, agency: str) -> str:
    return f"{public_url}/agency?{urlencode({'name': agency})}"
