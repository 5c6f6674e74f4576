"""A door in front of a forge that behaves too well: passes requests on, and fails as told.

It speaks real HTTP both ways and remembers what it passed on, so that it can show it again when
the forge has long moved on.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from threading import Lock

import urllib3

from tests.forges.serving import Asked, Say, serving

PASSED_ON = (
    *("Accept", "Authorization", "Content-Encoding", "Content-Type", "Git-Protocol"),
    "On-Behalf-Of",
)


@dataclass
class Door:
    """`behind` is the forge's address. Patterns are searched in "METHOD /path?query"."""

    url: str = ""
    behind: str = ""
    secrets: set[str] = field(default_factory=set)  # tokens that requests to the API carried
    _instead: list[tuple[re.Pattern[str], Say]] = field(default_factory=list)
    _lost: re.Pattern[str] | None = None
    _lagging: re.Pattern[str] | None = None
    _said: dict[tuple[str, str], Say] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def say(self, say: Say, matching: str) -> None:
        """Instead of passing it on, until `recover`."""
        self._instead.append((re.compile(matching), say))

    def lose_answer(self, matching: str) -> None:
        """The next one is passed on, and its answer is not."""
        self._lost = re.compile(matching)

    def lag(self, matching: str) -> None:
        """What was read before is read again, until `recover`."""
        self._lagging = re.compile(matching)

    def recover(self) -> None:
        self._instead.clear()
        self._lost = self._lagging = None

    def forget(self) -> None:
        self.recover()
        self.secrets.clear()
        self._said.clear()

    def answer(self, asked: Asked) -> Say:
        shown = asked.headers.get("Authorization", "")
        place = (asked.call, shown)  # different people see different things there
        with self._lock:
            if shown and " /api/" in asked.call:
                self.secrets.add(_secret(shown))
            for matching, say in self._instead:
                if matching.search(asked.call):
                    return say
            if self._lagging and self._lagging.search(asked.call) and place in self._said:
                return self._said[place]
        say = self._passed_on(asked)
        with self._lock:
            self._said[place] = say
            if self._lost and self._lost.search(asked.call):
                self._lost = None
                return Say(cut=True)
        return say

    def _passed_on(self, asked: Asked) -> Say:
        method, _, path = asked.call.partition(" ")
        answer = self._pool.request(
            method,
            self.behind + path,
            body=asked.body or None,
            headers=_only(asked.headers, PASSED_ON),
            redirect=False,
            retries=False,
            timeout=30,
            decode_content=False,
        )
        return Say(answer.status, answer.data, _only(answer.headers, ("Content-Type",)))


def _only(headers: Message | Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: value for name in names if (value := headers.get(name))}


def _secret(authorization: str) -> str:
    pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
    return pair.partition(":")[2]


@contextmanager
def door() -> Iterator[Door]:
    """Stands until the block ends; say what is `behind` it before the first request."""
    made = Door()
    with serving(made.answer) as url, made._pool:
        made.url = url
        yield made
