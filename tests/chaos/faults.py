"""What may go wrong around a house. Each fault begins, and what it returns ends it again.

One that ends by itself returns nothing to do. An end that raises redis.RedisError could not
reach Redis through another fault and is called again. Times are seconds.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import redis

from tests.chaos.town import Town

End = Callable[[], None]
Fault = Callable[[Town, random.Random], End]
WRITES = r"(POST|PUT|DELETE) "
MOST_BYTES = resource.RLIM_INFINITY


def nothing() -> None:
    """It has ended by itself."""


# --- processes ------------------------------------------------------------------------


def parts(town: Town) -> list[int]:
    """The processes that the supervisor keeps running; its watchdog is not among them."""
    assert town.house.process is not None
    return [pid for pid in _children(town.house.process.pid) if not _is_watchdog(pid)]


def _children(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(text) for text in task.read_text().split()]
    return found


def _is_watchdog(pid: int) -> bool:
    """It has closed everything but the pipe that it waits at."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd")) <= 4
    except OSError:
        return True


def kill(town: Town, chance: random.Random) -> End:
    """SIGKILL to any process of the house: web, worker, clock, Git server, sender or Redis."""
    with suppress(ProcessLookupError):
        os.kill(chance.choice(parts(town)), signal.SIGKILL)
    return nothing


def pause(town: Town, chance: random.Random) -> End:
    """SIGSTOP, and on again; where the mix lets it last, past the lease of what it holds."""
    pid = chance.choice(parts(town))
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)

    def end() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    return end


# --- Redis ----------------------------------------------------------------------------


def bell(town: Town) -> redis.Redis:
    return redis.Redis.from_url(
        f"unix://{town.state / 'run' / 'bell.sock'}", socket_timeout=2, socket_connect_timeout=2
    )


def flush_redis(town: Town, _: random.Random) -> End:
    with suppress(redis.RedisError):
        bell(town).flushall()
    return nothing


def slow_redis(town: Town, _: random.Random) -> End:
    """It takes connections and answers nobody."""
    with suppress(redis.RedisError):
        bell(town).client_pause(4_000)
    return nothing


def full_redis(town: Town, _: random.Random) -> End:
    with suppress(redis.RedisError):
        bell(town).config_set("maxmemory", "1")

    def end() -> None:
        bell(town).config_set("maxmemory", "64mb")

    return end


def old_redis(town: Town, _: random.Random) -> End:
    """Kept now, put back later: jobs that were done long ago ring once more."""
    kept: dict[Any, Any] = {}
    with suppress(redis.RedisError):
        server = bell(town)
        for key in server.keys("rq:*"):
            value = server.dump(key)
            if value is not None:
                kept[key] = value

    def end() -> None:
        with suppress(redis.RedisError):
            server = bell(town)
            for key, value in kept.items():
                server.restore(key, 0, value, replace=True)

    return end


# --- database and disk ----------------------------------------------------------------


def lock_database(town: Town, _: random.Random) -> End:
    """Somebody else holds the write lock."""
    holder = sqlite3.connect(town.state / "intakebot.db", timeout=5, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        holder.close()
        return nothing

    def end() -> None:
        with closing(holder):
            holder.rollback()

    return end


def fill_disk(town: Town, _: random.Random) -> End:
    """No file of any process may grow past what the database's log has by now."""
    log = town.state / "intakebot.db-wal"
    size = log.stat().st_size if log.exists() else 1 << 16
    for pid in parts(town):
        _limit(pid, size)

    def end() -> None:
        for pid in parts(town):
            _limit(pid, MOST_BYTES)

    return end


def _limit(pid: int, size: int) -> None:
    """Of a process and then of all below it: what forks meanwhile hands on what it has by then.

    Git and checks have limits of their own, hard ones, and keep them.
    """
    with suppress(OSError):
        if resource.prlimit(pid, resource.RLIMIT_FSIZE)[1] == MOST_BYTES:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, MOST_BYTES))
    for child in _children(pid):
        _limit(child, size)


# --- forges ---------------------------------------------------------------------------


def limit_cloud(town: Town, chance: random.Random) -> End:
    town.cloud.mischief.answer(429, times=chance.randint(1, 4), retry_after=1)
    return town.cloud.mischief.clear


def break_cloud(town: Town, chance: random.Random) -> End:
    town.cloud.mischief.answer(chance.choice((500, 502, 503)), times=chance.randint(1, 6))
    return town.cloud.mischief.clear


def html_cloud(town: Town, chance: random.Random) -> End:
    town.cloud.mischief.html(times=chance.randint(1, 4))
    return town.cloud.mischief.clear


def lose_answers(town: Town, chance: random.Random) -> End:
    """The work is done, and the answer is lost on the way."""
    town.cloud.mischief.cut(WRITES, times=chance.randint(1, 3), after=True)
    return town.cloud.mischief.clear


def lag_cloud(town: Town, chance: random.Random) -> End:
    """What is read is older than what was written."""
    town.cloud.mischief.lag(reads=chance.randint(2, 12))
    return town.cloud.mischief.catch_up


def cut_line(town: Town, chance: random.Random) -> End:
    """Connections to the Git forge end, before it has done anything or after it has."""
    town.line.cut(chance.choice(("before", "after")), chance.randint(1, 4))
    return town.line.behave


def lose_deliveries(town: Town, chance: random.Random) -> End:
    town.post.lost = chance.choice((0.3, 1.0))
    town.cloud.webhooks.drop(None if town.post.lost == 1.0 else 3)
    return _behave(town)


def double_deliveries(town: Town, _: random.Random) -> End:
    town.post.twice = 1.0
    town.cloud.webhooks.double()
    return _behave(town)


def delay_deliveries(town: Town, chance: random.Random) -> End:
    """Late, and the newest first."""
    town.post.late = 0.7
    town.cloud.webhooks.hold()

    def end() -> None:
        town.cloud.webhooks.release(reverse=chance.random() < 0.7)
        town.post.behave()

    return end


def _behave(town: Town) -> End:
    def end() -> None:
        town.post.behave()
        town.cloud.webhooks.behave()

    return end


# Name -> the fault and the longest that it lasts.
FAULTS: Mapping[str, tuple[Fault, float]] = {
    "kill": (kill, 0),
    "pause": (pause, 5),
    "pause past the lease": (pause, 24),
    "flush Redis": (flush_redis, 0),
    "slow Redis": (slow_redis, 4),
    "full Redis": (full_redis, 3),
    "old Redis": (old_redis, 6),
    "lock the database": (lock_database, 6),
    "fill the disk": (fill_disk, 3),
    "limit Bitbucket": (limit_cloud, 5),
    "break Bitbucket": (break_cloud, 5),
    "HTML from Bitbucket": (html_cloud, 5),
    "lose Bitbucket's answers": (lose_answers, 5),
    "Bitbucket lags": (lag_cloud, 5),
    "cut the line to git": (cut_line, 5),
    "lose deliveries": (lose_deliveries, 8),
    "double deliveries": (double_deliveries, 5),
    "delay deliveries": (delay_deliveries, 6),
}
EVERYDAY = [name for name in FAULTS if name != "pause past the lease"]
