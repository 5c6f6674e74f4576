"""The door while its database takes nothing: nothing is answered 202, and nothing is lost."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from intakebot.settings import keep_secrets
from tests.web.served import Answer, Served, event, prepare, serving, signed, stored

BODY = event(1)


def deliver(served: Served) -> Answer:
    return served.deliver(BODY, signed(BODY, "patient"))


def is_put_off(answer: Answer) -> bool:
    return answer.status == 503 and int(answer.headers["Retry-After"]) > 0


def test_on_a_full_disk_a_delivery_is_put_off_and_taken_once_there_is_room(tmp_path: Path) -> None:
    prepare(tmp_path)
    with serving(tmp_path) as served:
        with full(served):
            assert is_put_off(deliver(served))
            assert is_put_off(deliver(served))
        assert stored(tmp_path) == []
        assert deliver(served).status == 202
    assert [row.delivery_id for row in stored(tmp_path)] == ["patient"]


@contextmanager
def full(served: Served) -> Iterator[None]:
    """No file of the web process may grow, as on a disk that has no room left."""
    pids = [served.process.pid, *children(served.process.pid)]
    log = served.folder / "intakebot.db-wal"
    size = log.stat().st_size if log.exists() else 0
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def children(pid: int) -> list[int]:
    tasks = os.listdir(f"/proc/{pid}/task")
    texts = [Path(f"/proc/{pid}/task/{task}/children").read_text() for task in tasks]
    return [int(child) for text in texts for child in text.split()]


@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_on_a_read_only_database_a_delivery_is_put_off(tmp_path: Path, mode: str) -> None:
    prepare(tmp_path)
    file = f"sqlite:///file:{tmp_path / 'intakebot.db'}"
    keep_secrets(tmp_path, {"DATABASE_URL": f"{file}?mode={mode}&uri=true"})
    with serving(tmp_path) as served:
        answer = deliver(served)
        assert served.ask("GET", "/livez").status == 200
    assert is_put_off(answer) if mode == "ro" else answer.status == 202
