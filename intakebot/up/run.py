"""Start the whole house on one machine, say when it is ready, and keep it running."""

from __future__ import annotations

import fcntl
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM, signal
from threading import Event, Thread
from typing import IO

from intakebot import log, worker
from intakebot.flow.follower import Follower
from intakebot.flow.sweep import SURVEY_EVERY, Clock
from intakebot.model import OperatorError
from intakebot.settings import Settings, load, require
from intakebot.up.first_run import Prepared, prepare
from intakebot.up.supervisor import Part, Supervisor
from intakebot.up.valkey import valkey
from intakebot.web.server import serve as serve_web
from intakebot.wiring import (
    bitbucket_desk,
    build_house,
    check_data,
    send_webhooks,
    serve_git,
    withhold_admin,
)

READY_WITHIN = 60.0  # seconds


def up(state: Path, host: str, port: int, announce: Callable[[Prepared], None]) -> None:
    """Blocks until SIGINT or SIGTERM; `announce` is called once everything answers."""
    check_data()
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    with _only_one(state):
        _tell_children(state, port)
        prepared = prepare(state, hook_url=f"http://{_reachable(host)}:{port}/hooks/git")
        supervisor = Supervisor(parts(prepared.settings, host, port))
        supervisor.start()
        if _wait_ready(supervisor, f"http://{_reachable(host)}", port):
            announce(prepared)
        supervisor.wait()


def parts(settings: Settings, host: str, port: int) -> list[Part]:
    bell = [] if "REDIS_URL" in os.environ else [valkey(settings.state / "run")]
    return [
        *bell,
        _part("git", lambda: serve_git(settings.state, host, port + 1)),
        _part("sender", lambda: send_webhooks(settings.state)),
        _part("web", lambda: serve_web(settings, host, port)),
        _part("looks", lambda: worker.work(settings, "looks")),
        *(
            _part(f"runs-{slot}", lambda: worker.work(settings, "runs"))
            for slot in range(1, settings.check_slots + 1)
        ),
        Part("clock", clock),
    ]


def _part(name: str, run: Callable[[], None]) -> Part:
    """The administrator's token stays with the clock, which alone sets repositories up."""

    def without_admin() -> None:
        withhold_admin()
        run()

    return Part(name, without_admin)


def clock() -> None:
    """Sweep, and follow what is followed, until told to stop."""
    settings = load()
    require(settings)
    stop = Event()
    signal(SIGTERM, lambda *_: stop.set())
    house = build_house(settings)
    follower = Follower(bitbucket_desk(settings, house.database))
    # Beside the sweep, which must not wait while a repository is being set up.
    Thread(target=follower.run, args=(stop,), name="follower", daemon=True).start()
    Clock(house, settings.survey_every or SURVEY_EVERY).run(stop)


def _tell_children(state: Path, port: int) -> None:
    """Every part reads its settings anew, from the same state and ports."""
    os.environ["INTAKEBOT_STATE"] = str(state)
    os.environ["PORT"] = str(port)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _only_one(state: Path) -> IO[str]:
    """An open, locked file; the lock goes with the process, however it ends."""
    lock = open(state / "lock", "w", encoding="utf-8")  # noqa: SIM115 - held while we run
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise OperatorError(
            f"another intakebot runs in {state}; stop it first, or choose another --state"
        ) from error
    return lock


def _wait_ready(supervisor: Supervisor, base: str, port: int) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    wanted = [f"{base}:{port}/readyz", f"{base}:{port + 1}/livez"]
    while wanted and not supervisor.stopping:
        if time.monotonic() > deadline:
            log.warning("not ready yet", waiting_for=wanted)
            return False
        supervisor.tend()
        wanted = [url for url in wanted if not _answers(url)]
        if wanted:
            time.sleep(0.05)
    return not wanted


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
