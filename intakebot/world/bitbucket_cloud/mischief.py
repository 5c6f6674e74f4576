"""What may go wrong on purpose; set at any time, ends by itself or by a call."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock

from intakebot.world.bitbucket_cloud.state import State

HTML = "<!DOCTYPE html><html><title>Bitbucket is down for maintenance</title></html>"


@dataclass(frozen=True, slots=True)
class Answering:
    """Instead of doing the work. `html` replaces the JSON error, and so does `text`."""

    status: int
    html: bool = False
    retry_after: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Cutting:
    """The connection ends without an answer; `after` the work was done, or before it."""

    after: bool


@dataclass(slots=True)
class _Trap:
    wanted: re.Pattern[str]
    what: Answering | Cutting
    left: int


@dataclass(slots=True)
class _Callback:
    wanted: re.Pattern[str]
    run: Callable[[], object]
    skip: int
    during: bool


@dataclass(slots=True)
class _Lag:
    wanted: re.Pattern[str]
    old: State
    left: int | None  # None until caught up by hand


@dataclass(slots=True)
class Mischief:
    """Patterns are searched in "METHOD /path" (path below /2.0, without the query)."""

    state: State
    lock: RLock
    _traps: list[_Trap] = field(default_factory=list)
    _callbacks: list[_Callback] = field(default_factory=list)
    _lag: _Lag | None = None

    def answer(
        self,
        status: int,
        matching: str = "",
        *,
        times: int = 1,
        html: bool = False,
        retry_after: int | None = None,
    ) -> None:
        """The next `times` matching calls get this status, and nothing is done."""
        self._trap(matching, Answering(status, html, retry_after), times)

    def html(self, matching: str = "", *, times: int = 1, status: int = 200) -> None:
        """A page for people instead of JSON, nothing done."""
        self.answer(status, matching, times=times, html=True)

    def says(self, text: str, matching: str = "", *, times: int = 1) -> None:
        """200 and this text, which calls itself JSON and need not be any; nothing done."""
        self._trap(matching, Answering(200, text=text), times)

    def cut(self, matching: str = "", *, times: int = 1, after: bool = False) -> None:
        self._trap(matching, Cutting(after), times)

    def _trap(self, matching: str, what: Answering | Cutting, times: int) -> None:
        with self.lock:
            self._traps.append(_Trap(re.compile(matching), what, times))

    def before(self, matching: str, run: Callable[[], object], *, nth: int = 1) -> None:
        """Run once, right before the nth matching request is handled."""
        self._call(matching, run, nth, during=False)

    def during(self, matching: str, run: Callable[[], object], *, nth: int = 1) -> None:
        """Run once in the middle of the nth matching merge, after the refs were read.

        The server is held meanwhile: use the fake's own methods there, not git or HTTP.
        """
        self._call(matching, run, nth, during=True)

    def _call(self, matching: str, run: Callable[[], object], nth: int, *, during: bool) -> None:
        with self.lock:
            self._callbacks.append(_Callback(re.compile(matching), run, nth - 1, during))

    def lag(self, reads: int | None = None, matching: str = "pullrequests") -> None:
        """Matching GETs show things as they are now, for so many reads or until `catch_up`."""
        with self.lock:
            self._lag = _Lag(re.compile(matching), copy.deepcopy(self.state), reads)

    def catch_up(self) -> None:
        with self.lock:
            self._lag = None

    def clear(self) -> None:
        with self.lock:
            self._traps.clear()
            self._callbacks.clear()
            self._lag = None

    # What the server asks.

    def seen(self, method: str, path: str) -> State:
        """The state that this request reads."""
        with self.lock:
            lag = self._lag
            if lag is None or method != "GET" or not lag.wanted.search(f"{method} {path}"):
                return self.state
            if "/task-status/" in path:  # asking moves the merge on
                return self.state
            if lag.left is not None:
                if lag.left <= 0:
                    self._lag = None
                    return self.state
                lag.left -= 1
            return lag.old

    def trapped(self, call: str) -> Answering | Cutting | None:
        with self.lock:
            for trap in self._traps:
                if trap.left > 0 and trap.wanted.search(call):
                    trap.left -= 1
                    return trap.what
            return None

    def run_callbacks(self, call: str, *, during: bool = False) -> None:
        """Outside the lock: a callback may push, and a push asks the server."""
        with self.lock:
            due = [one for one in self._callbacks if self._due(one, call, during)]
            self._callbacks = [one for one in self._callbacks if one not in due]
        for one in due:
            one.run()

    @staticmethod
    def _due(one: _Callback, call: str, during: bool) -> bool:
        if one.during != during or not one.wanted.search(call):
            return False
        one.skip -= 1
        return one.skip < 0
