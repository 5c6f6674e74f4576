"""Brings commits that the mirror here lacks, beside the requests: a fetch may take minutes."""

from __future__ import annotations

from threading import Lock, Thread

from intakebot import log
from intakebot.flow.house import House
from intakebot.model import OperatorError, Pull, TryLater
from intakebot.repo.change import tree_of
from intakebot.repo.git import Git, GitFailed
from intakebot.repo.mirror import NoSuchCommit, Unreadable
from intakebot.store.listing import PullLine
from intakebot.store.pages import Evidence

MOST_FETCHES = 2  # at once


class Fetches:
    def __init__(self, house: House) -> None:
        self._house = house
        self._running: set[tuple[int, str]] = set()
        self._lock = Lock()

    def start(self, line: PullLine, seen: Evidence, live: Pull) -> None:
        key = (line.id, seen.head)
        with self._lock:
            if key in self._running or len(self._running) >= MOST_FETCHES:
                return
            self._running.add(key)
        Thread(target=self._fetch, args=(key, line, seen, live), daemon=True).start()

    def _fetch(self, key: tuple[int, str], line: PullLine, seen: Evidence, live: Pull) -> None:
        try:
            mirror = self._house.mirror(line.repo)
            mirror.fetch(live.repo.clone_url, seen.base, "base")
            source = live.source.clone_url if live.source else live.repo.clone_url
            mirror.fetch(source, seen.head, str(line.number))
        except (GitFailed, TryLater, OperatorError, Unreadable, NoSuchCommit) as error:
            log.warning("page can't fetch", repo=line.repo.name, why=str(error))
        finally:
            with self._lock:
                self._running.discard(key)


def has_commits(git: Git, *commits: str) -> bool:
    """Whether the mirror here holds them; asked without its lock."""
    try:
        for commit in commits:
            tree_of(git, commit)
    except (GitFailed, TryLater, OperatorError, ValueError):
        return False
    return True
