"""I10: a command that was heard has one answer, within reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from intakebot.core import comment
from intakebot.flow.promises.audit import LONG, Audit, Breach
from intakebot.store import evidence, words

SAYS = "Every command in a comment got its answer"


def breaches(audit: Audit) -> Iterator[Breach]:
    now = audit.house.now()
    answered = {(row.pull_id, row.mark) for row in audit.rows(evidence.answers())}
    heard = audit.rows(evidence.words_heard())
    owed = _owed(audit, {word.pull_id for word in heard})
    for word in heard:
        audit.saw()
        proof = {"comment": word.comment_id, "pull": word.pull_id, "said": word.name}
        if not word.answer:
            yield Breach(f"/{word.name} by {word.login} was {word.said} without a word", proof)
        edit = word.idx // 100
        mark = f"answer:{word.comment_id}{f':{edit}' if edit else ''}"
        at_rest = word.done >= word.wanted and not word.problem
        due = at_rest and (audit.quiet or now - word.decided_at > LONG)
        if due and (word.pull_id, mark) in owed - answered:
            yield Breach(f"/{word.name} by {word.login} was {word.said}, but never answered", proof)


def _owed(audit: Audit, pulls: Collection[int]) -> set[tuple[int, str]]:
    """Who says more than anybody needs within an hour is heard, and not answered any more."""
    with audit.house.database.read() as connection:
        said = {pull: words.of_pull(connection, pull) for pull in pulls}
    return {(pull, mark) for pull, given in said.items() for mark in comment.answers(given)}
