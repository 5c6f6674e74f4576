"""Somebody of the roster, as a command line names them."""

from __future__ import annotations

from collections.abc import Sequence

import click

from intakebot.core.expression import did_you_mean
from intakebot.store.people import Member


def member_called(members: Sequence[Member], who: str) -> Member:
    """The one person with this login, on any forge, or else with this name."""
    found = [m for m in members if who in (login for _, _, login in m.accounts)]
    found = found or [m for m in members if who == m.name]
    if len(found) == 1:
        return found[0]
    if found:
        logins = ", ".join(sorted({login for m in found for _, _, login in m.accounts}))
        raise click.UsageError(f"'{who}' is {len(found)} people; their logins are {logins}")
    known = [name for m in members for name in (m.name, *(login for _, _, login in m.accounts))]
    hint = did_you_mean(who, known) or " `intakebot people list` shows who is."
    raise click.UsageError(f"nobody on the roster is called '{who}'.{hint}")
