"""I2: what the bot says once is there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from intakebot.core.marks import tag
from intakebot.flow.promises.audit import Audit, Breach
from intakebot.model import Comment
from intakebot.store import marks

SAYS = "Nothing that the bot says stands twice on a pull request"


def breaches(audit: Audit) -> Iterator[Breach]:
    for fresh in audit.fresh():
        if fresh.pull is None:
            continue
        bot = audit.house.forges[fresh.row.repo.forge].me().id
        with audit.house.database.read() as connection:
            known = marks.of_pull(connection, fresh.row.id)
        bots = [one for one in fresh.pull.comments if one.by.id == bot]
        said = Counter(_mark(one, known) for one in bots)
        audit.saw()
        for mark, times in said.items():
            if times > 1:
                yield Breach(
                    f"the comment marked {mark} stands there {times} times",
                    {"pull": fresh.pull.url},
                )


def _mark(one: Comment, known: Mapping[str, str]) -> str:
    """By its tag also where the key is known, for its twin may be known by the tag alone."""
    key = one.key or known.get(one.id)
    return tag(key) if key else one.tag or one.id
