"""Repositories of any size in seconds, written as one stream for `git fast-import`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intakebot.repo.git import Credential

FIRST = 1_700_000_000  # seconds; each commit comes a minute after the one before
PARTS = ((0, "KEY"), (1, "VALUE"))
IDENTITY = "Benchmark <benchmark@example.org>"


@dataclass(frozen=True, slots=True)
class Shape:
    """`files` in the newest tree, in folders of a hundred; `commits` that led to it."""

    files: int
    commits: int


def path_of(index: int) -> str:
    return f"src/part{index // 100:05}/file{index % 100:02}.txt"


def make(folder: Path, shape: Shape, extra: Mapping[str, str] | None = None) -> Path:
    """A bare repository with the branch `main`; `extra` are further files, by path."""
    init(folder)
    fast_import(folder, _history(shape, extra or {}))
    return folder


def init(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    return folder


def add_commit(folder: Path, branch: str, files: Iterable[tuple[str, str]], minute: int) -> str:
    """One commit more on `branch`, which starts at `main`; returns its id.

    Raises RuntimeError for one that changes nothing: whatever it was to measure would be cheap.
    """
    refs = git(folder, "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)").splitlines()
    tips = {name: tip for tip, name in (line.split() for line in refs)}
    base = tips.get(branch) or tips["main"]
    fast_import(folder, _commit(branch, minute, files, base))
    made = git(folder, "rev-parse", f"refs/heads/{branch}")
    if not git(folder, "diff-tree", base, made):
        raise RuntimeError(f"{branch}: the files hold already what commit {minute} was to bring")
    return made


def fast_import(folder: Path, stream: Iterable[bytes]) -> None:
    with subprocess.Popen(
        ["git", f"--git-dir={folder}", "fast-import", "--quiet", "--force"], stdin=subprocess.PIPE
    ) as process:
        if process.stdin is not None:
            process.stdin.writelines(stream)
    if process.returncode:
        raise RuntimeError(f"git fast-import ended with {process.returncode}")


def git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Plain git, with nobody's own settings; `env` comes on top of nothing."""
    done = subprocess.run(
        ["git", f"--git-dir={folder}", *arguments],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/"}
        | dict(env or {}),
    )
    return done.stdout.decode("utf-8", "replace").strip()


def signed_in(credential: Credential) -> dict[str, str]:
    """What git finds in its environment to send this credential along."""
    pairs = enumerate(credential.config().items())
    named = {f"GIT_CONFIG_{part}_{n}": pair[i] for n, pair in pairs for i, part in PARTS}
    return {**named, "GIT_CONFIG_COUNT": str(len(named) // 2)}


def _history(shape: Shape, extra: Mapping[str, str]) -> Iterator[bytes]:
    """The first commit brings all files, each later one changes one of them."""
    first = [(path_of(index), f"file {index}\n" * 20) for index in range(shape.files)]
    yield from _commit("main", 0, [*extra.items(), *first])
    for number in range(1, shape.commits):
        changed = [(path_of(number % shape.files), f"change {number}\n" * 20)]
        yield from _commit("main", number, changed)


def _commit(
    branch: str, minute: int, files: Iterable[tuple[str, str]], base: str = ""
) -> Iterator[bytes]:
    yield f"commit refs/heads/{branch}\n".encode()
    yield f"committer {IDENTITY} {FIRST + 60 * minute} +0000\n".encode()
    yield _data(f"Commit {minute} of {branch}")
    if base:
        yield f"from {base}\n".encode()
    for path, text in files:
        yield f"M 100644 inline {path}\n".encode() + _data(text)
    yield b"\n"


def _data(text: str) -> bytes:
    body = text.encode()
    return f"data {len(body)}\n".encode() + body + b"\n"
