"""The one question to reviewers, whom it is for, and what can be answered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.core.roster import may_opine
from intakebot.model import Account, Group
from intakebot.store import people
from intakebot.store.listing import PullLine
from intakebot.web.visitor import Visitor

SCORES = {
    "1": "No, each line has to be read",
    "2": "Rather not",
    "3": "With some care",
    "4": "Yes",
    "5": "Gladly",
}


def is_asked(connection: sa.Connection, visitor: Visitor, line: PullLine, now: datetime) -> bool:
    """Whether the question is for them: of the work of somebody who is not staff, at their own
    forge, once it is over."""
    author = Account(line.author_id, line.author_login)
    return (
        not line.open
        and visitor.forge == line.repo.forge
        and line.author_id not in ("", visitor.person.id)
        and may_opine(visitor.person)
        and people.who(connection, visitor.forge, author, now).group is not Group.STAFF
    )
