"""What people said since the last look: each command is decided once, and may only lose effect.

A comment's words are decided when the comment is first seen. Later edits and deletions take
words away and never add any; a comment that was edited before we saw it is refused whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from intakebot import commands
from intakebot.core import chat, roster
from intakebot.core.asks import (
    Ask,
    Decision,
    course,
    fold,
    head_seen,
    names,
    target_seen,
    withdrawn,
)
from intakebot.model import (
    Account,
    Command,
    Comment,
    Config,
    Permission,
    Person,
    Pull,
    Review,
    Said,
    TryLater,
)
from intakebot.store.memory import text_digest

EDITED_INDEX = 100  # words that an edit added are numbered from here


@dataclass(frozen=True, slots=True)
class Heard:
    """`decided` are new, `gone` lost their words; `all` is everything as it counts now."""

    all: tuple[Command, ...]
    decided: tuple[Command, ...]
    gone: tuple[Command, ...]
    with_standing: frozenset[tuple[str, int]]  # (comment, index) whose answer says where it stands


@dataclass(frozen=True, slots=True)
class Listener:
    """Everything that deciding needs besides the words themselves.

    `who` looks up the roster, `team` lists who holds one of the roles, `permission` asks the
    forge what an account may do now.
    """

    pull: Pull
    bot: str
    config: Config
    landed: str
    who: Callable[[Account], Person]
    team: Callable[[str], list[Person]]
    permission: Callable[[str], Permission]

    def listen(self, known: Iterable[Command], seen: Mapping[str, str]) -> Heard:
        """`known` were decided before; `seen` maps comment ids to the digest last read."""
        before = list(known)
        spoken = [comment for comment in self.pull.comments if comment.by.id != self.bot]
        present = {comment.id: _said(comment) for comment in spoken}
        present |= {_review_id(one): [("approve", "")] for one in self._approvals()}
        gone = withdrawn(before, present)
        counting = [command for command in before if not _among(command, gone)] + gone
        decided: list[Command] = []
        with_standing = set()
        for command, decision in self._new(spoken, before, seen, counting):
            kept = replace(command, said=decision.said, answer=decision.answer)
            decided.append(kept)
            counting.append(kept)
            if decision.and_standing:
                with_standing.add((kept.comment, kept.index))
        return Heard(tuple(counting), tuple(decided), tuple(gone), frozenset(with_standing))

    def _new(
        self,
        spoken: Iterable[Comment],
        before: Iterable[Command],
        seen: Mapping[str, str],
        counting: list[Command],
    ) -> Iterator[tuple[Command, Decision]]:
        """Undecided words in the order they were said; `counting` grows as they are decided."""
        decided = {command.comment for command in before}
        for comment in sorted(spoken, key=lambda one: one.seq):
            if comment.id not in seen:
                yield from self._first_seen(comment, counting)
            elif seen[comment.id] != text_digest(comment.text):
                yield from self._edited(comment, counting)
        for review in self._approvals():
            if _review_id(review) not in decided:
                command = Command(
                    comment=_review_id(review),
                    index=0,
                    name="approve",
                    args="",
                    by=review.by,
                    head=review.head,
                    at=review.at,
                    seq=review.seq,
                    said=Said.DONE,
                    answer="",
                    target=target_seen(self.pull.targets, review.seq),
                )
                yield command, self._decide(command, counting)

    def _approvals(self) -> list[Review]:
        return [review for review in self.pull.reviews if review.state == "approved"]

    def _first_seen(
        self, comment: Comment, counting: list[Command]
    ) -> Iterator[tuple[Command, Decision]]:
        pushes = [(push.seq, push.head) for push in self.pull.pushes]
        head = head_seen(pushes, comment.seq, comment.seen_head)
        target = target_seen(self.pull.targets, comment.seq)
        for index, word in enumerate(chat.words(comment.text, commands.COMMANDS)):
            command = _command(comment, index, word, head, target)
            if comment.edited:
                yield command, Decision(Said.DENIED, EDITED)
            elif word.nearest is not None:
                yield command, unknown(word)
            else:
                yield command, self._decide(command, counting)

    def _edited(
        self, comment: Comment, counting: list[Command]
    ) -> Iterator[tuple[Command, Decision]]:
        old = [command for command in counting if command.comment == comment.id]
        had = {(command.name, command.args) for command in old if command.live}
        start = max((command.index for command in old), default=0) // EDITED_INDEX + 1
        added = [
            word
            for word in chat.words(comment.text, commands.COMMANDS)
            if word.nearest is None and (word.name, word.args) not in had
        ]
        for index, word in enumerate(added):
            index += start * EDITED_INDEX
            command = _command(comment, index, word, "", "")
            yield command, Decision(Said.DENIED, EDITED)

    def _decide(self, command: Command, counting: Iterable[Command]) -> Decision:
        person = self.who(command.by)
        asks = fold(counting, self.pull.head, course(self.pull, lambda _: False))
        return commands.decision(
            Ask(
                name=command.name,
                args=command.args,
                person=person,
                author=self.who(self.pull.author),
                pushers=frozenset(push.by.id for push in self.pull.pushes),
                head=command.head,
                current=self.pull.head,
                open=self.pull.state.value == "open",
                landed=self.landed,
                config=self.config,
                permission=self._permission(command),
                who_may=self._who_may(command),
                approved_by_person=command.by.id in asks.approvals,
                holders=names(hold.by for hold in asks.holds),
            )
        )

    def _permission(self, command: Command) -> Permission:
        """Asked only where it matters; what can't be looked up is none."""
        if roster.RIGHTS[command.name].forge is Permission.NONE:
            return Permission.NONE
        try:
            return self.permission(command.by.id)
        except TryLater:
            return Permission.NONE

    def _who_may(self, command: Command) -> tuple[str, ...]:
        """Others whose word would count here: not the author, nor (to approve) a colleague."""
        author = self.who(self.pull.author)
        able = [person for person in self.team(command.name) if person.id != command.by.id]
        if command.name == "approve":
            pushers = {push.by.id for push in self.pull.pushes} | {author.id}
            able = [
                person
                for person in able
                if person.id not in pushers
                and (self.config.same_agency_may_approve or not roster.related(person, author))
            ]
        return names(person.account for person in able[:5])


EDITED = (
    "This comment was edited, and an edit can't give a command. "
    "Please write it again as a new comment."
)


def unknown(word: chat.Word) -> Decision:
    if word.name == chat.TOO_MANY:
        return Decision(Said.UNKNOWN, "That is more than five commands; I took the first five.")
    if word.name == chat.TOO_LONG:
        return Decision(Said.UNKNOWN, "Commands this far down in a long comment are not read.")
    shown = f"`/{word.name}`" if "`" not in word.name else "That"
    if word.nearest:
        return Decision(Said.UNKNOWN, f"{shown} is no command. Did you mean `/{word.nearest}`?")
    return Decision(Said.UNKNOWN, f"{shown} is no command; `/help` lists them.")


def _command(comment: Comment, index: int, word: chat.Word, head: str, target: str) -> Command:
    return Command(
        comment=comment.id,
        index=index,
        name=word.name,
        args=word.args,
        by=comment.by,
        head=head,
        at=comment.at,
        seq=comment.seq,
        said=Said.DONE,
        answer="",
        target=target,
    )


def _review_id(review: Review) -> str:
    """In place of a comment's id; two people may approve in the same instant."""
    return f"review-{review.seq}-{review.by.id}"


def _said(comment: Comment) -> list[tuple[str, str]]:
    return [(word.name, word.args) for word in chat.words(comment.text, commands.COMMANDS)]


def _among(command: Command, others: Iterable[Command]) -> bool:
    return any((command.comment, command.index) == (other.comment, other.index) for other in others)
