"""Who may say what: one table, role by command, the same for every forge.

The roster grants. The forge's own permission, read when it is used, can only narrow; what
can't be looked up counts as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intakebot.model import Group, Permission, Person, Role

ORDER = (Permission.NONE, Permission.READ, Permission.WRITE)


@dataclass(frozen=True, slots=True)
class Right:
    """Who may use one command. No roles at all means anybody who can comment."""

    roles: frozenset[Role] = frozenset()
    author: bool = False  # the pull request's author may, whatever the roster says
    forge: Permission = Permission.NONE  # the least the forge itself must allow


_TEAM = frozenset({Role.OWNER, Role.MAINTAINER})
_TEAM_AND_MANAGER = _TEAM | {Role.MANAGER}

RIGHTS: Mapping[str, Right] = {
    "help": Right(),
    "status": Right(),
    "approve": Right(_TEAM, forge=Permission.READ),
    "unapprove": Right(_TEAM, forge=Permission.READ),
    "hold": Right(_TEAM_AND_MANAGER, forge=Permission.READ),
    "unhold": Right(_TEAM_AND_MANAGER, forge=Permission.READ),
    "recheck": Right(_TEAM_AND_MANAGER | {Role.CONTRIBUTOR}, author=True),
    "ok-to-test": Right(_TEAM, forge=Permission.READ),
    "merge": Right(_TEAM_AND_MANAGER, forge=Permission.WRITE),
    "deploy": Right(_TEAM_AND_MANAGER, forge=Permission.WRITE),
}


def granted(command: str, person: Person, *, is_author: bool) -> bool:
    """What the roster says, before the forge is asked."""
    right = RIGHTS[command]
    return not right.roles or bool(right.roles & person.roles) or (right.author and is_author)


def allowed(command: str, permission: Permission) -> bool:
    """Whether the forge's own permission is enough."""
    return ORDER.index(permission) >= ORDER.index(RIGHTS[command].forge)


def related(one: Person, other: Person) -> bool:
    """From the same agency; staff and contractors are nobody's colleagues here."""
    return (
        one.group is Group.AGENCY
        and other.group is Group.AGENCY
        and bool(one.agency)
        and one.agency == other.agency
    )


def may_thaw(person: Person) -> bool:
    """Acknowledge what went past the pull requests, so that things land again."""
    return bool(person.roles & _TEAM)


def may_see_all(person: Person) -> bool:
    """Every pull request, whoever's it is; others see their agency's, or their own."""
    return person.group is Group.STAFF or bool(person.roles & _TEAM_AND_MANAGER)


def may_see_code(person: Person) -> bool:
    """Managers who are nothing else read how things stand, and not what is in the files."""
    return Role.MANAGER not in person.roles or bool(person.roles & (_TEAM | {Role.CONTRIBUTOR}))


def may_decide(person: Person) -> bool:
    """What becomes of an agency."""
    return bool(person.roles & _TEAM_AND_MANAGER)


def may_opine(person: Person) -> bool:
    """Say how they would take the next pull request of whoever sent this one: who reviews."""
    return bool(person.roles & _TEAM)


def may_operate(person: Person) -> bool:
    """See how the house itself does: what is left of limits, and what is to be renewed."""
    return bool(person.roles & _TEAM)


def may_edit_config(person: Person) -> bool:
    return bool(person.roles & _TEAM)
