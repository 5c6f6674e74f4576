"""Chat commands, one a file. A module's first docstring line is its help and its documentation.

Each has `decide(ask) -> Decision`, pure; who may give it stands in `core/roster.py`, and
`decision` below asks that table first.
"""

from __future__ import annotations

from types import ModuleType

from intakebot.commands import (
    approve,
    deploy,
    help,
    hold,
    merge,
    ok_to_test,
    recheck,
    status,
    unapprove,
    unhold,
)
from intakebot.core import roster
from intakebot.core.asks import Ask, Decision, listed
from intakebot.model import Said

COMMANDS: dict[str, ModuleType] = {
    "approve": approve,
    "deploy": deploy,
    "help": help,
    "hold": hold,
    "merge": merge,
    "ok-to-test": ok_to_test,
    "recheck": recheck,
    "status": status,
    "unapprove": unapprove,
    "unhold": unhold,
}

# These speak about one exact commit: said for an older one, they are void.
BOUND = frozenset({"approve", "merge", "ok-to-test"})


def decision(ask: Ask) -> Decision:
    """What becomes of one command: first whether this person may, then what it does."""
    is_author = ask.person.id == ask.author.id
    if not roster.granted(ask.name, ask.person, is_author=is_author):
        return Decision(Said.DENIED, f"You can't `/{ask.name}` here. {who_could(ask)}")
    if not roster.allowed(ask.name, ask.permission):
        need = roster.RIGHTS[ask.name].forge
        return Decision(
            Said.DENIED,
            f"`/{ask.name}` needs {need} access to the main repository, and the forge "
            f"gives you {ask.permission}. {who_could(ask)}",
        )
    if ask.name in BOUND and ask.open and ask.head != ask.current:
        return Decision(Said.VOID, f"{_moved(ask)} Look at it and say `/{ask.name}` again.")
    answer: Decision = COMMANDS[ask.name].decide(ask)
    return answer


def who_could(ask: Ask) -> str:
    if not ask.who_may:
        return "Nobody on the roster can at the moment; the operator can add somebody."
    return f"{listed(ask.who_may)} can."


def _moved(ask: Ask) -> str:
    if not ask.head:
        return "I can't tell which commit you saw."
    return f"You saw `{ask.head[:12]}`, but the head is `{ask.current[:12]}` by now."


def help_text() -> str:
    """Every command with the first line of its module, as a Markdown list."""
    lines = []
    for name in COMMANDS:
        usage, _, meaning = summary(name).partition(": ")
        lines.append(f"- `/{usage}`: {meaning}")
    return "\n".join(lines)


def summary(name: str) -> str:
    """`hold REASON: keep ...`, from the module itself."""
    return (COMMANDS[name].__doc__ or "").strip().splitlines()[0]
