"""The report from what the house has kept: rows of submissions, and what stands beside them."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial

import sqlalchemy as sa

from intakebot.core.addresses import pull_page
from intakebot.core.metrics.past import PastTotal, totals
from intakebot.core.metrics.stories import Known, Told, Trespass, Whose, submissions, unit
from intakebot.core.metrics.table import Submission
from intakebot.core.metrics.targets import Targets
from intakebot.core.reportfile import Basis, read_basis
from intakebot.model import Group, OperatorError, Repo
from intakebot.report.build import Decision, Record, Remark, Report, build
from intakebot.settings import Settings, report_text
from intakebot.store import assessments, past, people, stories, work
from intakebot.store.database import Database
from intakebot.store.people import Member

MEMBER = "roster"  # no forge is called so: people with several accounts are one


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the record is asked for. At most one of `agency` and `person` is not ""."""

    since: datetime | None = None
    agency: str = ""
    person: str = ""  # a name or a login of the roster


@dataclass(frozen=True, slots=True)
class Key:
    """Makes names of people that are no names: without it nobody tells who they are."""

    secret: str

    def of(self, forge: str, account: str) -> str:
        made = hmac.new(
            f"{self.secret}:report".encode(), f"{forge}:{account}".encode(), hashlib.sha256
        )
        return b32encode(made.digest())[:10].decode().lower()


def gather(
    connection: sa.Connection,
    basis: Basis,
    key: Key,
    page: Callable[[str, int], str],
    asked: Asked = Asked(),
) -> Report:
    """Raises OperatorError where there is nothing to report on, or nobody of that name."""
    roster = people.everybody(connection)
    who = _who(roster, key)
    as_of = stories.as_of(connection)
    if as_of is None:
        raise OperatorError("nothing has been looked at yet, so there is nothing to report on")
    known = Known(who, basis.calendar, basis.of, as_of, basis.fields)
    told = submissions(stories.stories(connection, page), known)
    record = Record(
        as_of=as_of,
        since=asked.since,
        trespasses=_trespasses(connection, who, asked.since),
        excluded=told.excluded,
        decisions=_decisions(connection),
        past={one.agency: one for one in past_totals(connection, key)},
        remarks=_remarks(connection),
    )
    person = _named(roster, asked.person, key) if asked.person else None
    rows = _since(told, asked.since)
    return build(rows, basis.targets, asked.agency or None, record, person)


def of_house(
    database: Database,
    settings: Settings,
    asked: Asked = Asked(),
    targets: Callable[[Targets], Targets] = lambda usual: usual,
) -> Report:
    """As `gather`, on the operator's own terms; `targets` may change what they aim for."""
    basis = read_basis(report_text(settings))
    basis = replace(basis, targets=targets(basis.targets))
    page = partial(pull_page, settings.public_url)
    with database.read() as connection:
        return gather(connection, basis, Key(settings.session_secret), page, asked)


def past_totals(connection: sa.Connection, key: Key, repo: Repo | None = None) -> list[PastTotal]:
    """What forges told of the time before the house looked, by agency; of one repository or all."""
    row = work.repo_row(connection, repo.forge, repo.id) if repo else None
    found = past.everything(connection, row)
    return totals(found, _who(people.everybody(connection), key))


def _since(told: Told, since: datetime | None) -> Sequence[Submission]:
    """By the first verdict; they keep the numbers that they have among all."""
    if since is None:
        return told.rows
    return [one for one in told.rows if one.seen is not None and one.seen.at >= since]


def _who(roster: Sequence[Member], key: Key) -> Callable[[str, str, datetime], Whose]:
    members = {
        (forge, account): (member, _as_member(member, key))
        for member in roster
        for forge, account, _ in member.accounts
    }

    @cache
    def stranger(forge: str, account: str) -> Whose:
        return Whose(Group.OUTSIDER, unit(Group.OUTSIDER, ""), key.of(forge, account))

    def who(forge: str, account: str, at: datetime) -> Whose:
        found = members.get((forge, account))
        if found is None or not found[0].holds(at):
            return stranger(forge, account)
        return found[1]

    return who


def _as_member(member: Member, key: Key) -> Whose:
    person = key.of(MEMBER, str(member.id))
    return Whose(member.group, unit(member.group, member.agency), person)


def _named(roster: Sequence[Member], name: str, key: Key) -> tuple[str, str]:
    found = [
        member
        for member in roster
        if member.accounts
        and (member.name == name or any(login == name for _, _, login in member.accounts))
    ]
    if len(found) != 1:
        why = "nobody on the roster has it" if not found else "several people have it; say a login"
        raise OperatorError(f"--person {name}: {why}")
    member = found[0]
    return key.of(MEMBER, str(member.id)), member.name


def _trespasses(
    connection: sa.Connection,
    who: Callable[[str, str, datetime], Whose],
    since: datetime | None,
) -> list[Trespass]:
    found = []
    for row in stories.trespasses(connection):
        whose = who(row.forge, row.account_id, row.at)
        if whose.group is not Group.STAFF and (since is None or row.at >= since):
            found.append(Trespass(whose.agency, whose.person, row.at, row.kind))
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
