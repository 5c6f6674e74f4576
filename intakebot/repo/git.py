"""Runs git: fixed environment and configuration, fixed argument shapes, limits on everything.

Values from outside reach git only as full object ids, full ref names, or after `--`. The
profile (`PROFILE`, `environment`) is held by a golden file in the tests; each line answers an
attack in SECURITY.md.
"""

from __future__ import annotations

import base64
import os
import re
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from intakebot.model import OperatorError, TryLater

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
OBJECT_ID = re.compile(r"[0-9a-f]{40}\Z")
NO_ACCESS = re.compile(  # what git says where the server knows that one may not, or shows nothing
    r"returned error: 40[134]|not found|Authentication failed|could not read Username",
    re.IGNORECASE,
)
_NO_MEMORY = re.compile(rb"out of memory|cannot allocate memory", re.IGNORECASE)

PROFILE: Mapping[str, str] = {
    "attr.tree": EMPTY_TREE,  # git 2.43 and later read attributes in bare repositories otherwise
    "core.attributesFile": "/dev/null",
    "core.bigFileThreshold": "1m",
    "core.deltaBaseCacheLimit": "16m",  # each git process would fill 96m, and is no faster for it
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.quotePath": "true",
    "core.symlinks": "false",
    "credential.helper": "",
    "diff.renames": "false",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",  # bytes a second; a line that fell silent holds nobody for long
    "http.lowSpeedTime": "30",  # seconds
    "maintenance.auto": "false",
    "merge.directoryRenames": "false",
    "merge.renameLimit": "1000",
    "pack.writeReverseIndex": "true",  # else each git that sends sorts all objects anew
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "protocol.version": "2",
    "push.recurseSubmodules": "no",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "transfer.credentialsInUrl": "die",
    "transfer.fsckObjects": "true",
}


class GitFailed(Exception):
    """git ended with an error; the text is its last lines."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text or f"git ended with status {status}")
        self.status = status
        self.text = text


class TooMuch(TryLater):
    """What git was asked about makes it say or hold more than a call may, or crash."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per git call. `file` bounds every file that git writes, packs included; `memory` what each
    of its processes holds, without the files that it maps."""

    seconds: float = 120
    output: int = 64 << 20
    file: int = 4 << 30
    memory: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Credential:
    """Basic auth for everything below `base`; kept in the environment, never in an argument."""

    base: str
    login: str
    token: str = field(repr=False)

    def config(self) -> dict[str, str]:
        pair = base64.b64encode(f"{self.login}:{self.token}".encode()).decode()
        return {f"http.{self.base}/.extraHeader": f"Authorization: Basic {pair}"}


def environment(home: Path, config: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a git process: nothing is inherited."""
    pairs = list(config.items())
    numbered = {f"GIT_CONFIG_KEY_{index}": key for index, (key, _) in enumerate(pairs)}
    numbered |= {f"GIT_CONFIG_VALUE_{index}": value for index, (_, value) in enumerate(pairs)}
    house = os.environ.get("INTAKEBOT_HOUSE")
    return {
        "GIT_ALLOW_PROTOCOL": "http:https",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(pairs)),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": "/bin/false",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(home),
        "LC_ALL": "C",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **({"INTAKEBOT_HOUSE": house} if house else {}),  # the supervisor finds survivors by it
        **numbered,
    }


@dataclass(frozen=True, slots=True)
class Git:
    """git in one bare repository."""

    folder: Path
    credential: Credential | None = None
    limits: Limits = Limits()

    def run(
        self,
        *arguments: str,
        ok: Sequence[int] = (0,),
        feed: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Standard output. Raises GitFailed for a status not in `ok`, TryLater after too long, and
        TooMuch over another limit."""
        return self.status(*arguments, ok=ok, feed=feed, env=env)[1]

    def status(
        self,
        *arguments: str,
        ok: Sequence[int] = (0,),
        feed: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        process = self.start(*arguments, env=env, stdin=subprocess.PIPE)
        try:
            out, err = _exchange(process, feed or b"", self.limits)
        finally:
            _end(process)
        if process.returncode not in ok:
            raise _failure(process.returncode, out[-4096:] + b"\n" + err)
        return process.returncode, out

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """A running git, for callers that stream; end it with `ended`."""
        config = {**PROFILE, **(self.credential.config() if self.credential else {})}
        try:
            process = subprocess.Popen(
                ["git", f"--git-dir={self.folder}", "--literal-pathspecs", *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env={**environment(self.folder, config), **(env or {})},
                process_group=0,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise TryLater(f"the mirror {self.folder} is gone; it is made again") from error
            raise OperatorError("git is not installed; run: apt-get install git") from error
        # The limits may come a moment after exec; nothing large is made in that moment.
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (self.limits.file,) * 2)
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (self.limits.memory,) * 2)
        return process


def full_id(text: str) -> str:
    """The text itself when it is a full object id; anything else is refused."""
    if not OBJECT_ID.match(text):
        raise ValueError(f"not a full object id: {text[:60]!r}")
    return text


def branch_ref(branch: str) -> str:
    """`refs/heads/<branch>`, refusing what git would not take as a branch name."""
    if (
        not branch
        or branch.startswith(("-", "/", "."))
        or branch.endswith(("/", ".", ".lock"))
        or any(part in branch for part in ("..", "//", "@{", "/."))
        or re.search(r"[\x00-\x20\x7f~^:?*\[\\]", branch)
    ):
        raise ValueError(f"not a branch name: {branch[:60]!r}")
    return f"refs/heads/{branch}"


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a streamed git that should be at its end; raises GitFailed when it failed."""
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - pipes by start()
    process.stdout.close()
    err = process.stderr.read(1 << 16)
    process.stderr.close()
    if process.stdin:
        process.stdin.close()
    status = process.wait(timeout=60)
    if status:
        raise _failure(status, err)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a streamed git at once, with all it started."""
    _end(process)


def _exchange(process: subprocess.Popen[bytes], feed: bytes, limits: Limits) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + limits.seconds
    chunks: dict[str, list[bytes]] = {"out": [], "err": []}
    total = 0
    rest = memoryview(feed)
    with selectors.DefaultSelector() as selector:
        _register(selector, process, bool(feed))
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TryLater(f"git took over {limits.seconds:.0f} s", after=60)
            for key, _ in ready:
                if key.data == "in":
                    rest = _write_some(selector, key.fileobj, rest)
                    continue
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fileobj)
                chunks[key.data].append(chunk)
                total += len(chunk)
                if total > limits.output:
                    raise TooMuch(f"git said more than {limits.output >> 20} MB", after=600)
    process.wait(timeout=max(1.0, deadline - time.monotonic()))
    return b"".join(chunks["out"]), b"".join(chunks["err"])


def _register(
    selector: selectors.BaseSelector, process: subprocess.Popen[bytes], feeding: bool
) -> None:
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - pipes by start()
    selector.register(process.stdout, selectors.EVENT_READ, "out")
    selector.register(process.stderr, selectors.EVENT_READ, "err")
    if feeding:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE, "in")
    else:
        process.stdin.close()


def _write_some(selector: selectors.BaseSelector, pipe: object, rest: memoryview) -> memoryview:
    stream: IO[bytes] = pipe  # type: ignore[assignment]
    try:
        rest = rest[os.write(stream.fileno(), rest[: 1 << 16]) :]
    except BrokenPipeError:  # git ended without reading it all; its status says whether that is bad
        rest = rest[:0]
    if not rest:
        selector.unregister(stream)
        stream.close()
    return rest


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe and not pipe.closed:
            with suppress(BrokenPipeError):
                pipe.close()


def _failure(status: int, err: bytes) -> Exception:
    if status < 0:
        return TooMuch(f"git ended with {signal.Signals(-status).name}", after=600)
    if _NO_MEMORY.search(err):
        return TooMuch("git needs more memory for it than a call may have", after=600)
    return GitFailed(status, _last_lines(err))


def _last_lines(err: bytes) -> str:
    text = err.decode("utf-8", "replace").strip()
    return "\n".join(text.splitlines()[-8:])[-1200:]
