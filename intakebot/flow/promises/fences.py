"""I6: only one at a time can land on a branch: the lease's number never falls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

from intakebot.flow.promises.audit import Audit, Breach
from intakebot.store import evidence

SAYS = "Of those who land on a branch, none was overtaken: fencing numbers never fall"


def breaches(audit: Audit) -> Iterator[Breach]:
    landings = audit.rows(evidence.landed())
    for (_, branch), found in groupby(landings, key=lambda row: (row.repo_id, row.branch)):
        line = list(found)
        audit.looked_at += len(line)
        for before, after in pairwise(line):
            if after.fence < before.fence:
                yield Breach(
                    f"#{after.number} landed on {branch} under lease {after.fence}, "
                    f"after #{before.number} under {before.fence}",
                    {"commit": after.commit, "before": before.commit},
                )
    for lane in audit.rows(evidence.overtaken()):
        yield Breach(
            f"a landing on {lane.branch} was made under lease {lane.landed}, "
            f"which nobody has been given yet ({lane.fence} is the newest)",
            {"lane": lane.id},
        )
