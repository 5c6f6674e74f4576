"""No two of the house set the same repository up, or take it back, at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from intakebot.flow.connect_words import Desk
from intakebot.forges.bitbucket_cloud.admin import Repository
from intakebot.model import TryLater
from intakebot.store.locks import only_one


class Busy(TryLater):
    """Somebody of this house is at work on the same repository."""


@contextmanager
def alone(desk: Desk, repo: Repository) -> Iterator[None]:
    """Nobody else of this house connects or disconnects the repository meanwhile, else Busy."""
    with only_one(desk.database, f"connect {repo.id}") as free:
        if not free:
            raise Busy(f"somebody else is connecting or disconnecting {repo.name} right now")
        yield
