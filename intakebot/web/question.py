"""The one question to reviewers, whom it is for, and what can be answered."""

from __future__ import annotations

from intakebot.core.roster import may_opine
from intakebot.store.listing import PullLine
from intakebot.web.visitor import Visitor

SCORES = {
    "1": "No, each line has to be read",
    "2": "Rather not",
    "3": "With some care",
    "4": "Yes",
    "5": "Gladly",
}


def is_asked(visitor: Visitor, line: PullLine) -> bool:
    """Whether the question is for them: of somebody else's work, at their own forge, once it is
    over."""
    return (
        not line.open
        and visitor.forge == line.repo.forge
        and line.author_id not in ("", visitor.person.id)
        and may_opine(visitor.person)
    )
