"""What people have asked for, folded from all commands given so far.

Commands are decided once and remembered; what they amount to for the head of now is worked out
anew at every look, so a push, a deletion or an edit can only take something away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from intakebot.model import Command, Config, Permission, Person, Said


@dataclass(frozen=True, slots=True)
class Ask:
    """One command, with all that deciding it may need.

    `head` is the commit its author saw, `current` the head now; `who_may` are the names of
    those who could give this command on this pull request.
    """

    name: str
    args: str
    person: Person
    author: Person
    pushers: frozenset[str]
    head: str
    current: str
    open: bool
    landed: str
    config: Config
    permission: Permission
    who_may: tuple[str, ...]
    approved_by_person: bool
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """`and_standing` adds the sentence that says where the pull request stands now."""

    said: Said
    answer: str
    and_standing: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """What holds for the head of now."""

    approvals: Mapping[str, Command] = field(default_factory=dict)  # account id -> command
    void: tuple[Command, ...] = ()  # approvals and merges that a push took away
    holds: tuple[Command, ...] = ()
    merge: Command | None = None
    cleared: bool = False
    deploy: Command | None = None


TIGHTENING = frozenset({"hold", "unapprove"})  # these stay done even when the comment goes


def fold(
    commands: Iterable[Command], head: str, target: str, same_result: Callable[[str], bool]
) -> Asks:
    """What holds for merging `head` into `target`.

    `same_result(old_head)` tells whether merging it gives the tree that the head gives.
    Every approval given since the person's last /unapprove is weighed, not only the newest: else
    deleting a newer one could bring an older one to life.
    """
    approvals: dict[str, list[Command]] = {}
    holds: dict[str, Command] = {}
    merges: list[Command] = []
    cleared = False
    deploy: Command | None = None
    for command in sorted(commands, key=lambda one: (one.seq, one.index)):
        if command.said is not Said.DONE:
            continue
        if not command.live and command.name not in TIGHTENING | {"unhold"}:
            continue
        match command.name:
            case "approve":
                approvals.setdefault(command.by.id, []).append(command)
            case "unapprove":
                approvals.pop(command.by.id, None)
            case "hold":
                holds[command.by.id] = command
            case "unhold":
                holds.clear()
            case "merge":
                merges.append(command)
            case "ok-to-test":
                cleared = cleared or command.head == head  # whose code it is, not where it goes
            case "deploy":
                deploy = command
    standing = {
        by: command
        for by, given in approvals.items()
        for command in given
        if command.target == target and (command.head == head or same_result(command.head))
    }
    gone = [given[-1] for by, given in approvals.items() if by not in standing]
    current = [one for one in merges if (one.head, one.target) == (head, target)]
    gone += [command for command in merges if command not in current]
    return Asks(
        approvals=standing,
        void=tuple(sorted(gone, key=lambda command: command.seq)),
        holds=tuple(holds.values()),
        merge=current[-1] if current else None,
        cleared=cleared,
        deploy=deploy,
    )


def withdrawn(
    commands: Iterable[Command], present: Mapping[str, Collection[tuple[str, str]]]
) -> list[Command]:
    """Commands whose words are no longer at the forge.

    `present` maps a comment's id to the (name, args) that stand in it now.
    """
    return [
        replace(command, live=False)
        for command in commands
        if command.live and (command.name, command.args) not in present.get(command.comment, ())
    ]


def head_seen(pushes: Iterable[tuple[int, str]], seq: int, told: str | None) -> str:
    """The head a comment's author saw: what the page told, else the newest before the comment.

    `pushes` are (seq, head). With no push before it, there is nothing it could mean: "".
    """
    before = [(when, head) for when, head in pushes if when < seq]
    newest = max(before)[1] if before else ""
    if told is None:
        return newest
    return told if any(head == told for _, head in before) else ""


def names(people: Iterable[Person]) -> tuple[str, ...]:
    return tuple(person.account.display for person in people)


def listed(items: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    parts = list(items)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
