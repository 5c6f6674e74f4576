"""PostgreSQL, with the promises that SQLite gives by itself.

A read is one snapshot and can't write. A write first takes the house's one lock (an advisory one,
held to the end of the transaction), so that writers come one after the other on however many
machines, as SQLite's BEGIN IMMEDIATE makes them: nothing that a transaction has read is changed
under it, and no two of them can wait for each other. docs/adr/0012-one-writer-at-a-time.md.

A holder that stops moving (a paused machine, a cut line) is thrown out by the server, so that the
others go on; it finds out at its next statement.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from intakebot.model import OperatorError

READ: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# What was committed while it waited for the lock must be seen: so no snapshot at BEGIN.
WRITE: dict[str, Any] = {"isolation_level": "READ COMMITTED", "intakebot_write": True}

LOCK = 0x696E74616B65  # any number that is ours
STATEMENT_SECONDS = 60
READ_IDLE_SECONDS = 120  # a read may ask a forge something

# Unless the address says otherwise. A line that is dead without a word is found out in 15 seconds.
CONNECT: dict[str, Any] = {
    "application_name": "intakebot",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# By SQLSTATE, besides all that the driver calls operational.
FOR_NOW = {
    "42P01": "its schema is older than this intakebot; run: intakebot migrate",
    "42703": "its schema is older than this intakebot; run: intakebot migrate",
}
READ_ONLY = "25006"
NEVER = "54"  # a limit of PostgreSQL's own: it will be no different later


def make_engine(url: sa.URL, busy_seconds: float, stalled_seconds: float) -> sa.Engine:
    """Raises OperatorError without the driver."""
    told = {name: value for name, value in CONNECT.items() if name not in url.query}
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=told,
            pool_pre_ping=True,  # a server that was started again is not noticed
            pool_timeout=busy_seconds,
        )
    except ModuleNotFoundError as error:
        raise OperatorError(
            "DATABASE_URL names PostgreSQL, but its driver is missing; "
            "run: pip install 'intakebot[postgres]'"
        ) from error
    session, lock = _session(busy_seconds), _take_lock(stalled_seconds)
    sa.event.listen(engine, "connect", lambda raw, _: _set_up(raw, session))
    sa.event.listen(engine, "begin", lambda connection: _begin(connection, lock))
    return engine


def _session(busy_seconds: float) -> str:
    limits = {
        "statement_timeout": STATEMENT_SECONDS,
        "lock_timeout": busy_seconds,
        "idle_in_transaction_session_timeout": READ_IDLE_SECONDS,
    }
    settings = [f"SET {name} = {int(seconds * 1000)}" for name, seconds in limits.items()]
    # A commit that was answered stays, whatever the server does for others.
    kept = "SELECT set_config('synchronous_commit', 'on', false)"
    settings.append(f"{kept} WHERE current_setting('synchronous_commit') = 'off'")
    return "; ".join(settings)


def _take_lock(stalled_seconds: float) -> str:
    """The first statement of a write."""
    limit = int(stalled_seconds * 1000)
    idle = f"set_config('idle_in_transaction_session_timeout', '{limit}', true)"
    return f"SELECT {idle}, pg_advisory_xact_lock({LOCK})"


def begin_write(stalled_seconds: float) -> str:
    """What a transaction that writes begins with, on a connection as it comes."""
    return f"SET TRANSACTION ISOLATION LEVEL {WRITE['isolation_level']}; " + _take_lock(
        stalled_seconds
    )


def _set_up(raw: Any, session: str) -> None:
    raw.autocommit = True  # a SET that is rolled back never was
    raw.execute(session)
    raw.autocommit = False


def _begin(connection: sa.Connection, take_lock: str) -> None:
    if connection.get_execution_options().get("intakebot_write"):
        connection.exec_driver_sql(take_lock)


def take_time(connection: sa.Connection) -> None:
    """In a migration: its statements may take as long as they need."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def why_not_now(error: sa.exc.DBAPIError, *, writing: bool) -> str | None:
    """What is the matter, when the same may go well later; None for a fault of the statement."""
    code = str(getattr(error.orig, "sqlstate", None) or "")
    if code == READ_ONLY and writing:
        return "it is read-only, as a standby is until it takes over"
    if code in FOR_NOW:
        return FOR_NOW[code]
    if isinstance(error, sa.exc.OperationalError) and not code.startswith(NEVER):
        return first_line(error)
    return None


def first_line(error: sa.exc.DBAPIError) -> str:
    """Without the lines that may quote what was stored."""
    return str(error.orig).strip().partition("\n")[0]
