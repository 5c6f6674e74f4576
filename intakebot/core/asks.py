"""What people have asked for, folded from all commands given so far.

Commands are decided once and remembered; what they amount to for the head of now is worked out
anew at every look, so a push, a deletion or an edit can only take something away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from intakebot.core import escape
from intakebot.model import (
    Account,
    Command,
    Config,
    Permission,
    Person,
    Pull,
    Push,
    Retarget,
    Said,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One command, with all that deciding it may need.

    `head` is the commit its author saw, `current` the head now; `who_may` are the names of
    those who could give this command on this pull request, `holders` of those who hold it: both
    are Markdown.
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
class Void:
    """A word that counts no longer, and the push or the change of target that took it away."""

    command: Command
    by: Push | Retarget


@dataclass(frozen=True, slots=True)
class Asks:
    """What holds for the head of now."""

    approvals: Mapping[str, Command] = field(default_factory=dict)  # account id -> command
    void: tuple[Void, ...] = ()
    holds: tuple[Command, ...] = ()
    merge: Command | None = None
    cleared: bool = False
    deploy: Command | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The heads and targets that a pull request had, in order; the last of each is of now.

    `same_result(head)` tells whether merging that head gives the tree that the newest gives.
    """

    pushes: tuple[Push, ...]
    targets: tuple[Retarget, ...]
    same_result: Callable[[str], bool]

    def ended(self, command: Command, *, by_any_push: bool) -> Push | Retarget | None:
        """What made this word void, for good: going back to the old head or target later does not
        bring it back to life, because people were told that it no longer counts."""
        since = _since(self.pushes, command.seq, command.head)
        pushes = [push for push in self.pushes if push.seq > since and push.head != command.head]
        forgiven = pushes and not by_any_push  # told apart by git, which takes its time
        if forgiven and all(map(self.same_result, {command.head} | _heads(pushes))):
            pushes = []
        moves = [
            move
            for move in self.targets
            if move.seq > command.seq and move.target != command.target
        ]
        events: list[Push | Retarget] = [*pushes, *moves]
        return min(events, key=lambda one: one.seq, default=None)


def course(pull: Pull, same_result: Callable[[str], bool]) -> Course:
    return Course(pull.pushes, pull.targets, same_result)


def _since(pushes: Iterable[Push], seq: int, head: str) -> int:
    """When the head that a word was for had become the head: the newest such push before it."""
    return max((push.seq for push in pushes if push.seq < seq and push.head == head), default=seq)


def _heads(pushes: Iterable[Push]) -> set[str]:
    return {push.head for push in pushes}


TIGHTENING = frozenset({"hold", "unapprove"})  # these stay done even when the comment goes


def fold(commands: Iterable[Command], head: str, course: Course) -> Asks:
    """What holds for merging `head`, the newest of `course`.

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
    standing, gone = _approved(approvals, course)
    merge, given_up = _merge(merges, course)
    gone += given_up
    return Asks(
        approvals=standing,
        void=tuple(sorted(gone, key=lambda void: void.command.seq)),
        holds=tuple(holds.values()),
        merge=merge,
        cleared=cleared,
        deploy=deploy,
    )


def _approved(
    approvals: Mapping[str, list[Command]], course: Course
) -> tuple[dict[str, Command], list[Void]]:
    """The newest approval of each person that stands, and those of people who have none left."""
    standing: dict[str, Command] = {}
    gone: list[Void] = []
    for by, given in approvals.items():
        ends = [(command, course.ended(command, by_any_push=False)) for command in given]
        counting = [command for command, end in ends if end is None]
        newest, end = ends[-1]
        if counting:
            standing[by] = counting[-1]
        elif end is not None:
            gone.append(Void(newest, end))
    return standing, gone


def _merge(merges: Iterable[Command], course: Course) -> tuple[Command | None, list[Void]]:
    """The newest merge request that stands; without one, those that were made void."""
    ends = [(command, course.ended(command, by_any_push=True)) for command in merges]
    current = [command for command, end in ends if end is None]
    if current:
        return current[-1], []
    return None, [Void(command, end) for command, end in ends if end is not None]


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


def target_seen(targets: Iterable[Retarget], seq: int) -> str:
    """The branch that the pull request went to when something was said; "" before it was open."""
    before = [move for move in targets if move.seq < seq]
    return max(before, key=lambda move: move.seq).target if before else ""


def names(accounts: Iterable[Account]) -> tuple[str, ...]:
    """Fit to stand in a sentence: people choose how they are called."""
    return tuple(escape.text(account.display) for account in accounts)


def listed(items: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    parts = list(items)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
