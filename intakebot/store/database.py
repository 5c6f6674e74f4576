"""One database, SQLite or PostgreSQL, and the two ways to speak to it: read and write.

Both keep the same promises. A read sees one moment. Writers come one after the other: each takes
the house's write lock at BEGIN, so nothing that it reads changes before it commits, and it never
fails half way for want of a lock. What was committed survives a power cut. What the database
can't do now is TryLater, and safe to do again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from intakebot.model import OperatorError, TryLater
from intakebot.store import postgresql, sqlite
from intakebot.store.straight import Straight, Wording, as_ours

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection

BUSY_SECONDS = 10  # how long a writer waits for its turn
STALLED_SECONDS = 10  # how long one may do nothing when it has it, where writers are many machines


class Database:
    """Opens lazily; give each process its own (never carry one across a fork)."""

    def __init__(
        self,
        url: str,
        *,
        busy_seconds: float = BUSY_SECONDS,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        made = parse(url)
        self.url = url
        self.kind = sqlite if made.get_backend_name() == "sqlite" else postgresql
        self.engine = self.kind.make_engine(made, busy_seconds, stalled_seconds)
        self._begin_write = self.kind.begin_write(stalled_seconds)
        self._wording = Wording(self.engine.dialect)
        # One that nobody closed and nobody has any more leaves no connection open.
        weakref.finalize(self, self.engine.dispose)

    @property
    def is_sqlite(self) -> bool:
        return self.kind is sqlite

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._begun(self.kind.READ) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Commits at the end; rolls back and raises when anything fails, commit included."""
        with self._begun(self.kind.WRITE) as connection:
            yield connection

    @contextmanager
    def _begun(self, options: dict[str, Any]) -> Iterator[sa.Connection]:
        with (
            _translated(writing=options is self.kind.WRITE),
            self.engine.connect() as plain,
            plain.execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write_straight(self) -> Iterator[Straight]:
        """As `write`, past SQLAlchemy: for statements in a hurry, each made once."""
        with _translated(writing=True), closing(self._checked_out()) as checked_out:
            straight = Straight(checked_out, self._wording)
            straight.begin(self._begin_write)
            yield straight
            straight.commit()

    def _checked_out(self) -> PoolProxiedConnection:
        """To be closed, which gives it back and rolls back what was not committed."""
        dialect = self.engine.dialect
        try:
            checked_out: PoolProxiedConnection = self.engine.raw_connection()
        except dialect.loaded_dbapi.Error as error:
            raise as_ours(error, dialect, is_gone=False) from error
        return checked_out

    def close(self) -> None:
        self.engine.dispose()


def parse(url: str) -> sa.URL:
    """Raises OperatorError for what is no address of a database that we know."""
    if url.startswith("postgres://"):  # as some platforms still say it
        url = url.replace("postgres", "postgresql", 1)
    try:
        made = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise OperatorError(
            "DATABASE_URL is not a database address; for example "
            "sqlite:////var/lib/intakebot/intakebot.db or postgresql://intakebot@db/intakebot"
        ) from error
    if made.get_backend_name() not in ("sqlite", "postgresql"):
        raise OperatorError(
            f"DATABASE_URL: {made.get_backend_name()} is not known; use sqlite or postgresql"
        )
    return made


@contextmanager
def _translated(*, writing: bool) -> Iterator[None]:
    """Locked, full, read-only, unreachable: the statement was fine, the database can't now."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise TryLater("every connection to the database is in use") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise TryLater(f"the database went away: {postgresql.first_line(error)}") from error
        why = postgresql.why_not_now(error, writing=writing)
        if why is None:
            raise
        raise TryLater(f"the database can't take it now: {why}") from error
