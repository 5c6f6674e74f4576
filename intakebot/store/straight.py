"""Statements handed to the driver as they are, inside one transaction that writes.

SQLAlchemy's way from a statement to the driver and back takes longer than SQLite takes for what
the door asks of it, and nobody else is in such a hurry (ADR 0027). Statements are SQLAlchemy's
still, and so are connections; each statement is put into words once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIModule
    from sqlalchemy.pool import PoolProxiedConnection

Statement = sa.Select[Any] | sa.Insert | sa.Update
Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Worded:
    """What the driver is given. `order` is that of the values where they go by place."""

    sql: str
    order: Sequence[str] | None
    fixed: Values  # that the statement itself holds
    turned: Mapping[str, Callable[[Any], Any]]  # into what the driver takes, by name
    answers: bool

    def values(self, given: Values) -> Any:
        told = {**self.fixed, **given}
        for name, turn in self.turned.items():
            told[name] = turn(told[name])
        return told if self.order is None else [told[name] for name in self.order]


class Wording:
    """Of one database. Keeps every statement that it is asked for: they must be made once."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self.dialect = dialect
        self._known: dict[tuple[Statement, tuple[str, ...]], _Worded] = {}

    def of(self, statement: Statement, names: tuple[str, ...]) -> _Worded:
        known = self._known.get((statement, names))
        if known is None:
            known = self._known[statement, names] = self._word(statement, names)
        return known

    def _word(self, statement: Statement, names: tuple[str, ...]) -> _Worded:
        made = statement.compile(dialect=self.dialect, column_keys=list(names))
        turned = {}
        for name, bind in made.binds.items():
            turn = bind.type.dialect_impl(self.dialect).bind_processor(self.dialect)
            if turn is not None:
                turned[name] = turn
        return _Worded(
            sql=made.string,
            order=made.positiontup if made.positional else None,
            fixed={name: value for name, value in made.params.items() if name not in names},
            turned=turned,
            answers=isinstance(statement, sa.Select) or bool(made.effective_returning),
        )


class Straight:
    """As much of a connection as the door needs. Rows are plain tuples, as the driver gives them.

    What goes wrong is told by SQLAlchemy's errors, as on any other way.
    """

    def __init__(self, checked_out: PoolProxiedConnection, wording: Wording) -> None:
        self._checked_out = checked_out
        self._cursor: Any = checked_out.cursor()
        self._wording = wording
        self._driver = wording.dialect.loaded_dbapi

    @property
    def dialect(self) -> sa.Dialect:
        return self._wording.dialect

    def begin(self, sql: str) -> None:
        try:
            self._cursor.execute(sql)
        except self._driver.Error as error:
            self._fail(error)

    def commit(self) -> None:
        try:
            self._checked_out.commit()
        except self._driver.Error as error:
            self._fail(error)

    def execute(self, statement: Statement, given: Values | Sequence[Values]) -> Rows:
        """Once, or for each of several, at least one, that give the same names."""
        several = [given] if isinstance(given, Mapping) else given
        worded = self._wording.of(statement, tuple(several[0]))
        values = [worded.values(each) for each in several]
        found: Rows = []
        try:
            if not worded.answers:
                self._cursor.executemany(worded.sql, values)
                return found
            for each in values:
                self._cursor.execute(worded.sql, each)
                found += self._cursor.fetchall()
        except self._driver.Error as error:
            self._fail(error)
        return found

    def _fail(self, error: DBAPIModule.Error) -> NoReturn:
        """A connection that went away is not given out again."""
        is_gone = self.dialect.is_disconnect(error, self._checked_out, None)
        if is_gone:
            self._checked_out.invalidate(error)
        raise as_ours(error, self.dialect, is_gone=is_gone) from error


def as_ours(error: Exception, dialect: sa.Dialect, *, is_gone: bool) -> BaseException:
    """The driver's error as SQLAlchemy would have told it, without what was stored."""
    return DBAPIError.instance(
        *("a statement of the door", None, error, dialect.loaded_dbapi.Error),
        hide_parameters=True,
        connection_invalidated=is_gone,
        dialect=dialect,
    )
