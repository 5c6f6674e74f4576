"""RQ as the bell: it wakes a worker with an id, and nothing depends on its arriving.

Looks, surveys and lanes take seconds and share a queue; check runs take minutes and have their
own, so that a full house of test suites never keeps anybody from an answer. Letters and what is
counted for reports, for which nobody waits, come with these.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from intakebot import log

LOOKS, RUNS = "intakebot-looks", "intakebot-runs"
SLOW = ("run:", "chores:")
TIMEOUTS = {LOOKS: 600, RUNS: 2 * 3600}  # seconds; a check's own limit ends it long before

ANSWER_WITHIN, LEFT_ALONE = 1.0, 3.0  # seconds


class RqBell:
    """One that does not answer is left alone for a while, so that it holds nobody up: whoever
    rings has better to do, and the clock rings again."""

    def __init__(self, redis_url: str) -> None:
        self.connection = connect(redis_url, answer_within=ANSWER_WITHIN)
        self.silent_until = 0.0

    def ring(self, bells: Sequence[str]) -> None:
        """All of one queue in one message: a job alone costs three times as much."""
        by_queue: dict[str, list[str]] = {}
        for bell in dict.fromkeys(bells):
            by_queue.setdefault(RUNS if bell.startswith(SLOW) else LOOKS, []).append(bell)
        for name, those in by_queue.items():
            if time.monotonic() < self.silent_until:
                return
            try:
                queue(name, self.connection).enqueue_many([_job(bell, name) for bell in those])
            except redis.RedisError as error:
                log.warning("bells not rung", bells=those, why=type(error).__name__)
                self.silent_until = time.monotonic() + LEFT_ALONE


def _job(bell: str, queue_name: str) -> EnqueueData:
    kind, _, row = bell.partition(":")
    return Queue.prepare_data(
        f"intakebot.worker.{kind}",
        (int(row),),
        result_ttl=0,
        failure_ttl=60,
        timeout=TIMEOUTS[queue_name],
    )


def connect(redis_url: str, answer_within: float | None = None) -> redis.Redis:
    """Without `answer_within` it may take its time, as for a worker that waits for work."""
    return redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=answer_within)


def wait_for(connection: redis.Redis, within: float = 10.0) -> None:
    """Until it answers: it may be starting beside us. Raises redis.RedisError when it doesn't."""
    deadline = time.monotonic() + within
    while True:
        try:
            connection.ping()
            return
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def queue(name: str, connection: redis.Redis) -> Queue:
    # JSON, never pickle: whoever can write to Redis must not be able to run code.
    return Queue(name, connection=connection, serializer=JSONSerializer)
