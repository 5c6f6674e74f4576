"""Where the house's own pages are."""

from __future__ import annotations


def pull_page(public_url: str, repo: str, number: int) -> str:
    return f"{public_url}/pulls/{repo}/{number}"
