"""The report from what the house has kept: rows of submissions, and what stands beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from intakebot.core.addresses import pull_page
from intakebot.core.metrics.counted import Told, together
from intakebot.core.metrics.past import PastTotal, totals
from intakebot.core.metrics.stories import Trespass, Whose
from intakebot.core.metrics.table import Submission
from intakebot.core.metrics.targets import Targets
from intakebot.core.reportfile import Basis, read_basis
from intakebot.model import Group, OperatorError, Repo
from intakebot.report import count
from intakebot.report.build import Decision, Record, Remark, Report, build
from intakebot.report.count import Watched, unwatched
from intakebot.report.grounds import grounds
from intakebot.report.whose import Key, named, whose
from intakebot.settings import Settings, report_text
from intakebot.store import assessments, past, people, stories, work
from intakebot.store.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the record is asked for. At most one of `agency` and `person` is not ""."""

    since: datetime | None = None
    agency: str = ""
    person: str = ""  # a name or a login of the roster


def gather(
    connection: sa.Connection,
    basis: Basis,
    key: Key,
    page: Callable[[str, int], str],
    asked: Asked = Asked(),
    watched: Watched = unwatched,
) -> Report:
    """Raises OperatorError where there is nothing to report on, or nobody of that name."""
    on = grounds(connection, basis, key)
    if on is None:
        raise OperatorError("nothing has been looked at yet, so there is nothing to report on")
    told = together(count.everything(connection, on, page, watched), on.known.as_of)
    record = Record(
        as_of=on.known.as_of,
        since=asked.since,
        trespasses=_trespasses(connection, on.known.who, asked.since),
        excluded=told.excluded,
        decisions=_decisions(connection),
        past={one.agency: one for one in past_totals(connection, key)},
        remarks=_remarks(connection),
    )
    person = named(on.roster, asked.person, key) if asked.person else None
    rows = _since(told, asked.since)
    return build(rows, basis.targets, asked.agency or None, record, person)


def of_house(
    database: Database,
    settings: Settings,
    asked: Asked = Asked(),
    targets: Callable[[Targets], Targets] = lambda usual: usual,
    watched: Watched = unwatched,
) -> Report:
    """As `gather`, on the operator's own terms; `targets` may change what they aim for."""
    basis = read_basis(report_text(settings))
    basis = replace(basis, targets=targets(basis.targets))
    page = partial(pull_page, settings.public_url)
    with database.read() as connection:
        return gather(connection, basis, Key(settings.session_secret), page, asked, watched)


def past_totals(connection: sa.Connection, key: Key, repo: Repo | None = None) -> list[PastTotal]:
    """What forges told of the time before the house looked, by agency; of one repository or all."""
    row = work.repo_row(connection, repo.forge, repo.id) if repo else None
    found = past.everything(connection, row)
    return totals(found, whose(people.everybody(connection), key))


def _since(told: Told, since: datetime | None) -> Sequence[Submission]:
    """By the first verdict; they keep the numbers that they have among all."""
    if since is None:
        return told.rows
    return [one for one in told.rows if one.seen is not None and one.seen.at >= since]


def _trespasses(
    connection: sa.Connection,
    who: Callable[[str, str, datetime], Whose],
    since: datetime | None,
) -> list[Trespass]:
    found = []
    for row in stories.trespasses(connection):
        by = who(row.forge, row.account_id, row.at)
        if by.group is not Group.STAFF and (since is None or row.at >= since):
            found.append(Trespass(by.agency, by.person, row.at, row.kind))
    return found


def _decisions(connection: sa.Connection) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = defaultdict(list)
    for row in assessments.all_decisions(connection):
        made = Decision(row.verdict, row.reason, row.advice, row.inputs, row.by, row.at)
        found[row.agency].append(made)
    return dict(found)


def _remarks(connection: sa.Connection) -> dict[str, list[Remark]]:
    found: dict[str, list[Remark]] = defaultdict(list)
    for row in assessments.all_remarks(connection):
        found[row.agency].append(Remark(row.text, row.by, row.at))
    return dict(found)
