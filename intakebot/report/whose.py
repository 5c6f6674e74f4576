"""Whose an account was at a moment, by the roster, and a name for each person that is none."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from intakebot.core.metrics.stories import Whose, unit
from intakebot.model import Group, OperatorError
from intakebot.store.people import Member

MEMBER = "roster"  # no forge is called so: people with several accounts are one


@dataclass(frozen=True, slots=True)
class Key:
    """Makes names of people that are no names: without it nobody tells who they are."""

    secret: str

    def of(self, forge: str, account: str) -> str:
        made = hmac.new(
            f"{self.secret}:report".encode(), f"{forge}:{account}".encode(), hashlib.sha256
        )
        return b32encode(made.digest())[:10].decode().lower()


def whose(roster: Sequence[Member], key: Key) -> Callable[[str, str, datetime], Whose]:
    """Answers for a forge, an account and a moment."""
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


def named(roster: Sequence[Member], name: str, key: Key) -> tuple[str, str]:
    """A person of the roster by name or login: as rows name them, and as the roster does.

    Raises OperatorError for nobody, and for several.
    """
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
