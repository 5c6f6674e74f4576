"""What people would do through us in their own name, and have to do at Bitbucket Cloud."""

from __future__ import annotations

from typing import NoReturn

from intakebot.model import ContributorError


def only_there(page: str) -> NoReturn:
    """No token of ours may speak for somebody, and nobody's words are put in the bot's mouth."""
    raise ContributorError(
        f"Bitbucket Cloud lets nobody speak in your name. Please do it there: {page}"
    )
