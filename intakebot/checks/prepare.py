"""What a repository's tests need beside its own files: fetched once, by the lock file's content.

A step gets the files that decide it and nothing else, runs in the sandbox with the proxy as its
only way out, and what it makes is kept as one tar archive, which is never unpacked outside of a
box. Each check gets a copy of its own, so none can change what the next one gets.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from intakebot.checks.box import Tree
from intakebot.checks.bwrap import DOOR
from intakebot.checks.limits import ROOMY_DISK, ROOMY_INODES, Limits, Ran
from intakebot.checks.proxy import FORWARD, PORT, Hosts, environment, open_proxy
from intakebot.checks.sandbox import Sandbox
from intakebot.checks.tools import PYTHON
from intakebot.model import OperatorError, PrepareStep

# Where npm, pip and Composer find what is public; PREPARE_HOSTS adds an operator's own.
REGISTRIES = (
    *("registry.npmjs.org", "pypi.org", "files.pythonhosted.org"),
    *("repo.packagist.org", "packagist.org", "api.github.com", "codeload.github.com"),
)
PROCESSES = 128
# Archives, and bytes of them; what was used longest ago goes first.
MOST_KEPT, MOST_BYTES = 40, 10 << 30
LAST_WORDS = 2000  # characters
# No program of a package runs: whoever can change a lock file could choose it.
WITHOUT_SCRIPTS = {
    "npm_config_ignore_scripts": "true",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
    "npm_config_cache": "/tmp/npm",  # noqa: S108 - inside
    "PIP_ONLY_BINARY": ":all:",
    "PIP_NO_INPUT": "1",
    "PIP_NO_CACHE_DIR": "1",
    "COMPOSER_NO_INTERACTION": "1",
    "COMPOSER_CACHE_DIR": "/tmp/composer",  # noqa: S108 - inside
}


class NotPrepared(Exception):
    """The step ended with an error; `log` is how its output ends."""

    def __init__(self, why: str, log: str) -> None:
        super().__init__(why)
        self.log = log


@dataclass(frozen=True, slots=True)
class Pantry:
    """Where archives are kept on this machine, and from where packages may come."""

    folder: Path
    hosts: Hosts

    def get(
        self,
        step: PrepareStep,
        files: str,
        tree: Tree,
        sandbox: Sandbox,
        toolbox: Path | None,
        keep_alive: Callable[[], bool],
    ) -> Path | None:
        """The archive of what the step makes of the tree with the id `files`, which `tree` writes.

        None when nobody needs it any more. Raises NotPrepared, and OperatorError where it can't be
        kept.
        """
        ready = self.folder / f"{step.digest[:24]}-{files}.tar"
        if ready.is_file():
            with suppress(OSError):
                os.utime(ready)
            return ready
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".", suffix=".part") as part:
                if not self._fill(step, tree, sandbox, toolbox, keep_alive, part.file):
                    return None
                part.flush()
                os.fchmod(part.fileno(), 0o400)
                with suppress(FileExistsError):  # another process was quicker: theirs is as good
                    os.link(part.name, ready)
            self.forget()
        except OSError as error:
            why = error.strerror or str(error)
            raise OperatorError(f"packages can't be kept in {self.folder}: {why}") from error
        return ready

    def _fill(
        self,
        step: PrepareStep,
        tree: Tree,
        sandbox: Sandbox,
        toolbox: Path | None,
        keep_alive: Callable[[], bool],
        part: IO[bytes],
    ) -> bool:
        limits = limits_of(step)
        with open_proxy(self.hosts) as proxy:
            ran = sandbox.run(
                [PYTHON, "-I", "-c", FORWARD, DOOR, str(PORT), *step.run],
                tree=tree,
                reports=(),
                limits=limits,
                tools=toolbox,
                env={**environment(), **WITHOUT_SCRIPTS},
                keep_alive=keep_alive,
                keep=step.gives,
                kept=part,
                door=proxy.place,
            )
            refused = sorted(proxy.refused)
        if ran.stopped == "cancelled":
            return False
        if ran.status != 0 or not ran.kept:
            raise NotPrepared(_why(step, ran, limits, refused), _log(ran))
        return True

    def forget(self) -> None:
        known = [(path.stat(), path) for path in self.folder.glob("*.tar")]
        known.sort(key=lambda one: (one[0].st_mtime, one[1]), reverse=True)
        size = 0
        for place, (about, path) in enumerate(known):
            size += about.st_size
            if place >= MOST_KEPT or (place and size > MOST_BYTES):
                path.unlink(missing_ok=True)


def limits_of(step: PrepareStep) -> Limits:
    return Limits(
        wall=step.timeout,
        memory=step.memory,
        cpu=step.timeout * (os.cpu_count() or 1),
        processes=PROCESSES,
        disk=ROOMY_DISK,
        inodes=ROOMY_INODES,
    )


def _why(step: PrepareStep, ran: Ran, limits: Limits, refused: list[str]) -> str:
    if refused:
        return (
            f"`{step.name}` asks for packages at {', '.join(refused[:3])}, which is not a registry "
            "that is let through; an operator can add it to PREPARE_HOSTS"
        )
    if ran.stopped:
        return f"`{step.name}` was stopped: {ran.stopped}, after {ran.seconds:.0f} s"
    if ran.status == 0:
        return f"`{step.name}` ended well, but made no {' and no '.join(step.gives)}"
    return f"`{step.name}` ended with status {ran.status}"


def _log(ran: Ran) -> str:
    return ran.output.decode(errors="replace")[-LAST_WORDS:]


def with_archives(tree: Tree, archives: Sequence[Path]) -> Tree:
    """The tree, and after it what was prepared: the box's tar reads on after an end."""

    def write(stream: IO[bytes]) -> None:
        tree(stream)
        for archive in archives:
            with archive.open("rb") as file:
                shutil.copyfileobj(file, stream, 1 << 20)

    return write
