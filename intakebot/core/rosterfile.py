"""People as an operator writes them down: options of `people add`, TOML, or CSV.

A day is a date in UTC. `from` is the first day on which an entry holds, `until` the first on
which it no longer does; both turn at 00:00. Cells are text and nothing else: one that looks like
a spreadsheet formula is kept as it is written.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from intakebot.core.expression import did_you_mean
from intakebot.model import Group, OperatorError, Role

BUILT_IN = "git"
COLUMNS = ("login", "name", "group", "agency", "roles", "from", "until", "forge", "account")
LONGEST = 200  # characters
_REQUIRED = ("login", "group")
_GROUPS = tuple(group.value for group in Group if group is not Group.OUTSIDER)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# What the built-in forge takes as a login: docs/git-forge.md. Checked here as well, so that an
# import is refused before it has made anybody's account.
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_NO_LOGINS = ("main", "intakebot")


class BadRoster(OperatorError):
    """A line for each problem: file, place, key, fault and cure."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the roster says of somebody, whichever accounts they have."""

    name: str
    group: Group
    agency: str = ""
    roles: frozenset[Role] = frozenset()
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """`place` is its line or number in the file.

    The row's name is "" when none was written; so is `account`, which the built-in forge allows.
    """

    place: str
    login: str
    forge: str
    account: str
    row: Row


def read_roster(file: str, text: str, forges: Collection[str]) -> tuple[Entry, ...]:
    """The entries of a .toml or .csv file. Raises BadRoster with every fault there is."""
    faults: list[str] = []
    if file.endswith(".toml"):
        found = list(_toml(text, faults))
    elif file.endswith(".csv"):
        found = list(_csv(text, faults))
    else:
        raise BadRoster(f"{file}: the name must end in .toml or .csv, which says how to read it")
    entries = []
    for place, values in found:
        reading = _Reading(values, forges)
        entry = reading.entry(place)
        if entry is not None:
            entries.append(entry)
        faults += [f"{place}: {fault}" for fault in reading.faults]
    faults += _repeated(entries)
    if not faults and not entries:
        faults.append("holds nobody; write at least one person")
    if faults:
        raise BadRoster("\n".join(f"{file}: {fault}" for fault in faults))
    return tuple(entries)


def read_entry(values: Mapping[str, object], forges: Collection[str]) -> Entry:
    """One entry from values by column. Raises BadRoster."""
    reading = _Reading(values, forges)
    entry = reading.entry(place="")
    if entry is None:
        raise BadRoster("\n".join(reading.faults))
    return entry


def differences(before: Row, after: Row) -> list[str]:
    """`roles: contributor → maintainer`, one for each part that changes."""
    pairs = zip(_words(before), _words(after), strict=True)
    return [f"{key}: {old} → {new}" for (key, old), (_, new) in pairs if old != new]


def _words(row: Row) -> list[tuple[str, str]]:
    return [
        ("name", row.name),
        ("group", row.group.value),
        ("agency", row.agency or "none"),
        ("roles", role_list(row.roles) or "none"),
        ("from", day(row.valid_from) or "always"),
        ("until", day(row.valid_until) or "open"),
    ]


def role_list(roles: Collection[Role]) -> str:
    """In the order of the model: owner first."""
    return ", ".join(role.value for role in Role if role in roles)


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


class _Reading:
    """Reads one entry's values and collects every fault."""

    def __init__(self, values: Mapping[str, object], forges: Collection[str]) -> None:
        self.values = values
        self.forges = forges
        self.faults: list[str] = []

    def entry(self, place: str) -> Entry | None:
        """None when there is a fault."""
        for key in self.values:
            if key not in COLUMNS:
                self._fault(key, f"is not known.{did_you_mean(key, COLUMNS)}")
        login, name, agency = self._text("login"), self._text("name"), self._text("agency")
        group, roles = self._group(), self._roles()
        begin, end = self._day("from"), self._day("until")
        forge, account = self._text("forge") or BUILT_IN, self._text("account")
        self._check_login(login, forge, account)
        if group is Group.AGENCY and not agency:
            self._fault("agency", "is missing; group agency needs the agency's name")
        if group in (Group.STAFF, Group.CONTRACTOR) and agency:
            self._fault("agency", f"is {agency!r}; only group agency has one: leave it out")
        if begin and end and begin >= end:
            self._fault("until", f"{day(end)} is not after from, {day(begin)}; take a later day")
        if self.faults or group is None:
            return None
        row = Row(name, group, agency, roles, begin, end)
        return Entry(place, login, forge, account, row)

    def _fault(self, key: str, what: str) -> None:
        self.faults.append(f"{key}: {what}")

    def _text(self, key: str) -> str:
        value = self.values.get(key, "")
        if key == "account" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # ids of most forges are numbers, and TOML knows numbers
        if not isinstance(value, str):
            self._fault(key, f"is {value!r}; write it as text, in quotes")
            return ""
        text = value.strip()
        if any(unicodedata.category(char) == "Cc" for char in text):
            self._fault(key, "holds a line break or control character; take it out")
        elif len(text) > LONGEST:
            self._fault(key, f"has {len(text)} characters; {LONGEST} are the most")
        elif not text and key in _REQUIRED:
            self._fault(key, "is missing; every person needs one")
        return text

    def _check_login(self, login: str, forge: str, account: str) -> None:
        if forge not in self.forges:
            known = did_you_mean(forge, list(self.forges))
            known = known or f" Known: {', '.join(self.forges)}."
            self._fault("forge", f"{forge!r} is not known.{known}")
        elif forge != BUILT_IN:
            if not account:
                self._fault("account", f"is missing; write the person's account id on {forge}")
        elif login in _NO_LOGINS:
            self._fault("login", f"{login!r} is not for people; choose another")
        elif login and (_LOGIN.fullmatch(login) is None or login.endswith(".git")):
            self._fault(
                "login",
                f"{login!r}: small letters, digits and ._- only, beginning and ending with a"
                " letter or digit, 64 at most, not ending in .git; choose another",
            )

    def _group(self) -> Group | None:
        text = self._text("group")
        if text in _GROUPS:
            return Group(text)
        if text:
            hint = did_you_mean(text, _GROUPS) or f" Choose one of {', '.join(_GROUPS)}."
            self._fault("group", f"{text!r} is not a group.{hint}")
        return None

    def _roles(self) -> frozenset[Role]:
        value = self.values.get("roles", "")
        names = re.split(r"[\s;]+", value.strip()) if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
            self._fault("roles", f'is {value!r}; write for example ["contributor"]')
            return frozenset()
        known = [role.value for role in Role]
        wrong = [each for each in names if each and each not in known]
        for each in wrong:
            hint = did_you_mean(each, known) or f" Choose from {', '.join(known)}."
            self._fault("roles", f"{each!r} is not a role.{hint}")
        return frozenset(Role(each) for each in names if each in known)

    def _day(self, key: str) -> datetime | None:
        value = self.values.get(key, "")
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()  # TOML has dates of its own
        if value in ("", None):
            return None
        try:
            if isinstance(value, str) and _DAY.fullmatch(value.strip()):
                return datetime.fromisoformat(value.strip()).replace(tzinfo=UTC)
        except ValueError:  # the 30th of February
            pass
        self._fault(key, f"{str(value)!r} is not a day; write it like 2026-12-31")
        return None


def _toml(text: str, faults: list[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"is not TOML: {error}; mend that place")
        return
    faults += [
        f"{key}: is not known; every person is a [[person]]" for key in data if key != "person"
    ]
    people = data.get("person", [])
    if not isinstance(people, list):
        faults.append("person: is not a list; write [[person]] with two brackets")
        return
    for number, values in enumerate(people, 1):
        if isinstance(values, dict):
            yield f"person {number}", values
        else:
            faults.append(f"person {number}: is {values!r}; write it as a [[person]]")


def _csv(text: str, faults: list[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        wrong = _header_faults(header)
        faults += [f"line 1: {fault}" for fault in wrong]
        if wrong:
            return
        line = reader.line_num + 1  # where the next row begins; a quoted cell may span lines
        for cells in reader:
            if len(cells) == len(header):
                yield f"line {line}", dict(zip(header, cells, strict=True))
            elif cells:
                cure = "put quotes round a cell that holds a comma"
                faults.append(f"line {line}: has {len(cells)} cells, not {len(header)}; {cure}")
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: is not CSV: {error}; mend the quotes there")


def _header_faults(header: list[str]) -> list[str]:
    if len(header) == 1 and ";" in header[0]:
        return ["cells are parted by ';'; save it as CSV with commas"]
    unknown = [
        f"column {name!r} is not known.{did_you_mean(name, COLUMNS)}"
        for name in header
        if name not in COLUMNS
    ]
    missing = [f"column {name!r} is missing; add it" for name in _REQUIRED if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    return unknown + missing + [f"column {name!r} is there twice; keep one" for name in twice]


def _repeated(entries: list[Entry]) -> Iterator[str]:
    """One account, one entry: of two, nobody could say which holds."""
    first: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        for key, value in (("login", entry.login), ("account", entry.account)):
            earlier = first.setdefault((entry.forge, key, value), entry.place)
            if value and earlier != entry.place:
                yield f"{entry.place}: {key}: {value!r} is on {earlier} already; keep one of them"
