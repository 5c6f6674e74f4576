"""One process of the house at a time, on all its machines. A kill releases the lock.

For work at a forge that takes seconds and must not be done twice at once; what is worked on in
the database itself has leases instead.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from intakebot.store.database import Database
from intakebot.store.sqlite import file_of


@contextmanager
def only_one(database: Database, name: str) -> Iterator[bool]:
    """False while somebody else has the lock of this name; never waits."""
    file = file_of(database.url)
    lock = _file_lock(file, name) if file is not None else _advisory_lock(database, name)
    with lock as free:
        yield free


@contextmanager
def _file_lock(file: Path, name: str) -> Iterator[bool]:
    with open(file.with_name(f"{file.name}.{_digest(name).hex()}.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield free


@contextmanager
def _advisory_lock(database: Database, name: str) -> Iterator[bool]:
    """PostgreSQL's own, held by a connection and gone with it."""
    key = int.from_bytes(_digest(name), signed=True)
    with database.read() as connection:
        yield bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:8]
