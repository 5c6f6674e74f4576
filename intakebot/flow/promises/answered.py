"""I10: a command that was heard has one answer."""

from __future__ import annotations

from collections.abc import Iterator

from intakebot.flow.promises.audit import LONG, Audit, Breach
from intakebot.store import evidence

SAYS = "Every command in a comment got its answer"


def breaches(audit: Audit) -> Iterator[Breach]:
    now = audit.house.now()
    answered = {(row.pull_id, row.mark) for row in audit.rows(evidence.answers())}
    for word in audit.rows(evidence.words_heard()):
        audit.saw()
        proof = {"comment": word.comment_id, "pull": word.pull_id, "said": word.name}
        if not word.answer:
            yield Breach(f"/{word.name} by {word.login} was {word.said} without a word", proof)
        edit = word.idx // 100
        mark = f"answer:{word.comment_id}{f':{edit}' if edit else ''}"
        at_rest = word.done >= word.wanted and not word.problem
        due = at_rest and (audit.quiet or now - word.decided_at > LONG)
        if due and (word.pull_id, mark) not in answered:
            yield Breach(f"/{word.name} by {word.login} was {word.said}, but never answered", proof)
