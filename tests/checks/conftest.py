"""A real sandbox for the tests, opened once."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from intakebot.checks.limits import MIB, Limits, Ran, SandboxFailed
from intakebot.checks.sandbox import Sandbox, always, open_sandbox
from intakebot.checks.toolbox import build_toolbox, find_tools

LIMITS = Limits(wall=10, memory=256 * MIB, cpu=10, disk=32 * MIB, processes=48, inodes=5000)
Shell = Callable[..., Ran]


def tree_of(files: Mapping[str, str]) -> Callable[[IO[bytes]], None]:
    def write(stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            for name, text in files.items():
                data = text.encode()
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                entry.mode = 0o644
                tar.addfile(entry, io.BytesIO(data))

    return write


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield open_sandbox(trees=Path(name, "trees"))


@pytest.fixture(scope="session")
def overlays(sandbox: Sandbox) -> None:
    """For tests of trees on disk: skipped where the kernel knows no such overlay."""
    try:
        sandbox.run(["true"], tree=tree_of({}), reports=(), limits=replace(LIMITS, tree=96 * MIB))
    except SandboxFailed as error:
        if "Linux 6.6 or newer" in str(error):
            pytest.skip(f"no tree can lie on disk with this kernel: {error}")
        raise


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder the sandbox's user can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def toolbox() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield build_toolbox(folder, find_tools(folder, {}))


@pytest.fixture(scope="session")
def shell(sandbox: Sandbox) -> Shell:
    """Run a script in a tree with these files: `shell(script, files=..., reports=..., ...)`."""

    def run(
        script: str,
        files: Mapping[str, str] | None = None,
        reports: tuple[str, ...] = (),
        limits: Limits = LIMITS,
        keep_alive: Callable[[], bool] = always,
    ) -> Ran:
        return sandbox.run(
            ["/bin/sh", "-c", script],
            tree=tree_of(files or {}),
            reports=reports,
            limits=limits,
            keep_alive=keep_alive,
        )

    return run


@pytest.fixture(scope="session")
def python(sandbox: Sandbox) -> Shell:
    """Run a Python program of the machine's own interpreter."""

    def run(program: str, limits: Limits = LIMITS) -> Ran:
        return sandbox.run(
            ["/usr/bin/python3", "-c", program], tree=tree_of({}), reports=(), limits=limits
        )

    return run
