"""A fake Bitbucket Cloud on a loopback port, and what tests and the demo do with it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from intakebot.world.bitbucket_cloud.acts import Acts
from intakebot.world.bitbucket_cloud.app import BASE, App, Cut
from intakebot.world.bitbucket_cloud.contract import Contract
from intakebot.world.bitbucket_cloud.limits import Limits
from intakebot.world.bitbucket_cloud.mischief import Mischief
from intakebot.world.bitbucket_cloud.moments import Now, real_time
from intakebot.world.bitbucket_cloud.sender import Sender
from intakebot.world.bitbucket_cloud.site import Choices, Recorded, Site
from intakebot.world.bitbucket_cloud.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_READS = ("GET", "HEAD", "git-fetch")


class _Quiet(WSGIRequestHandler):
    """Calls are in the log of the fake, not on the terminal; only its own faults are told."""

    def log(self, type: str, message: str, *args: object) -> None:
        if type == "error":
            super().log(type, message, *args)

    def handle(self) -> None:
        super().handle()
        if not getattr(self, "raw_requestline", b""):
            self.log("error", "a connection ended before anything was asked on it")

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        """Else nobody would learn why somebody had no answer."""
        if not isinstance(error, Cut):
            self.log("error", "no answer to %s: %r", getattr(self, "requestline", "?"), error)


class _Server(ThreadedWSGIServer):
    daemon_threads = False  # closing waits for whoever is being answered


class BitbucketCloud(Acts):
    """Serves inside its `with` block. `url` is the API's base, ending in /2.0; `git_url` git's."""

    def __init__(
        self, folder: Path, *, now: Now = real_time, specs: Path | None = None, port: int = 0
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.site = Site(folder, now)
        self.contract = Contract.found(specs)
        self._app = App(self.site, self.contract)
        self._server = _Server("127.0.0.1", port, self._app, _Quiet)
        self.git_url = f"http://127.0.0.1:{self._server.server_port}"
        self.url = self.git_url + BASE
        self.site.api, self.site.pages = self.url, self.git_url
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    def __enter__(self) -> Self:
        self.site.sender.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.site.sender.stop()

    @property
    def state(self) -> State:
        """Look at it under `site.lock`."""
        return self.site.state

    @property
    def mischief(self) -> Mischief:
        return self.site.mischief

    @property
    def webhooks(self) -> Sender:
        return self.site.sender

    @property
    def limits(self) -> Limits:
        return self._app.limits

    @property
    def choices(self) -> Choices:
        return self.site.choices

    @property
    def calls(self) -> tuple[Recorded, ...]:
        """Every call of the API and of git, oldest first."""
        with self.site.lock:
            return tuple(self.site.log)

    @property
    def writes(self) -> tuple[Recorded, ...]:
        """The calls that were there to change something, whether or not they did."""
        asked = (one for one in self.calls if one.method not in _READS)
        return tuple(one for one in asked if not one.path.endswith("/info/refs"))

    def forget_calls(self) -> None:
        with self.site.lock:
            self.site.log.clear()

    @property
    def validated(self) -> bool:
        """False where the contract is not at hand: then nothing was compared with it."""
        return self.contract.validated

    @property
    def contract_errors(self) -> tuple[str, ...]:
        return tuple(self.contract.errors)
