"""The worker: RQ hands out ids, each function brings one row to where it should be.

Jobs run in the worker's own process, one after the other. A worker that dies loses nothing: its
lease in the database runs out and the sweep rings again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from intakebot import log
from intakebot.flow import bell
from intakebot.flow import chores as rounds
from intakebot.flow import lane as lanes
from intakebot.flow import look as looks
from intakebot.flow import run as runs
from intakebot.flow import survey as surveys
from intakebot.flow.house import House
from intakebot.model import OperatorError, TryLater
from intakebot.settings import Settings, load, require
from intakebot.wiring import build_house

QUEUES = {"looks": bell.LOOKS, "runs": bell.RUNS}


@cache
def house() -> House:
    """This process's own, made with the first job."""
    return build_house(load())


def look(pull_id: int) -> None:
    looks.look(house(), pull_id)


def lane(lane_id: int) -> None:
    lanes.lane(house(), lane_id)


def run(run_id: int) -> None:
    _forgiving(runs.run, run_id)


def survey(repo_id: int) -> None:
    _forgiving(surveys.survey, repo_id)


def discover(_: int) -> None:
    _forgiving(surveys.discover, 0)


def chores(_: int) -> None:
    _forgiving(rounds.chores, 0)


def _forgiving(work: Any, row: int) -> None:
    """These have their own next time in the database; the log says why not now."""
    try:
        work(house(), row)
    except (TryLater, OperatorError) as error:
        log.warning("put off", work=work.__name__, row=row, why=str(error))


class _Worker(SimpleWorker):
    def handle_warm_shutdown_request(self) -> None:
        """A running check is ended and put back, so that stopping takes no minutes."""
        house().stopping.set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


def work(settings: Settings, kind: str, *, burst: bool = False) -> None:
    """Take jobs of one kind ("looks" or "runs") until told to stop, or until none is left.

    Raises TryLater when Redis goes away; whoever supervises starts it again.
    """
    require(settings)
    connection = bell.connect(settings.redis_url)
    try:
        bell.wait_for(connection)
        worker = _Worker(
            [bell.queue(QUEUES[kind], connection)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=60,
        )
        worker.log.setLevel("CRITICAL")
        worker.work(burst=burst, logging_level="CRITICAL")
    except redis.RedisError as error:
        raise TryLater(f"Redis at {settings.redis_url} went away: {error}") from error
