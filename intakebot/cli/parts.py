"""The parts of the house as single processes, for a Procfile: web, worker, clock, forge."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import FrameType

import click

from intakebot import log
from intakebot.settings import Settings, load, require

STATE = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="State folder; INTAKEBOT_STATE or .intakebot unless told.",
)
HOST = click.option("--host", default="127.0.0.1", help="Address to listen on.")


def _settings(state: Path | None, *, admin: bool = False) -> Settings:
    """`admin`: this part may have the administrator's token of a forge."""
    from intakebot.wiring import withhold_admin

    log.set_up()
    if not admin:
        withhold_admin()
    settings = load(state)
    require(settings)
    return settings


@click.command(epilog="Example: intakebot web --host 0.0.0.0 --port 8000")
@STATE
@HOST
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8420)
def web(state: Path | None, host: str, port: int) -> None:
    """Serve the pages, the API and the door for webhooks."""
    from intakebot.web.server import serve

    serve(_settings(state), host, port)


@click.command(epilog="Example: intakebot worker    (or: intakebot worker --only runs)")
@STATE
@click.option("--only", type=click.Choice(["looks", "runs"]), help="One process of this kind.")
@click.option("--burst", is_flag=True, help="With --only: end when there is nothing left to do.")
def worker(state: Path | None, only: str | None, burst: bool) -> None:
    """Look at pull requests, land them, and run checks in CHECK_SLOTS processes of their own."""
    from intakebot.up.supervisor import Part, Supervisor
    from intakebot.worker import work

    settings = _settings(state)
    if only:
        work(settings, only, burst=burst)
        return
    kinds = ["looks", *["runs"] * settings.check_slots]

    def one(kind: str) -> Callable[[], None]:
        return lambda: work(settings, kind)

    supervisor = Supervisor([Part(kind, one(kind)) for kind in kinds])
    supervisor.start()
    supervisor.wait()


@click.command(epilog="Example: intakebot clock")
@STATE
def clock(state: Path | None) -> None:
    """Ring again for what was missed, look round every half minute, and follow workspaces."""
    from intakebot.up.run import clock as run

    _settings(state, admin=True)
    run()


@click.command(epilog="Example: intakebot forge --port 8421")
@STATE
@HOST
@click.option("--port", type=click.IntRange(1, 65535), default=8421)
@click.option("--threads", type=click.IntRange(1, 256), default=32, help="Requests at a time.")
def forge(state: Path | None, host: str, port: int, threads: int) -> None:
    """Serve the built-in Git forge."""
    from intakebot.wiring import serve_git

    serve_git(_settings(state).state, host, port, threads)


@click.command(name="forge-sender", epilog="Example: intakebot forge-sender")
@STATE
def forge_sender(state: Path | None) -> None:
    """Deliver the built-in forge's webhooks."""
    from intakebot.wiring import send_webhooks

    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    send_webhooks(_settings(state).state, stop)
    sys.stdout.flush()
