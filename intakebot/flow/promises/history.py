"""I5: a protected branch goes forward from landing to landing; whatever else moved it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import sqlalchemy as sa

from intakebot.flow.promises.audit import Audit, Breach
from intakebot.repo.change import is_ancestor
from intakebot.store import evidence

SAYS = "Protected branches only go forward, and still hold all that landed"


def breaches(audit: Audit) -> Iterator[Breach]:
    landings = audit.rows(evidence.landed())
    for (repo_id, branch), found in groupby(landings, key=lambda row: (row.repo_id, row.branch)):
        line = list(found)
        audit.looked_at += len(line)
        yield from _steps(audit, repo_id, branch, line)
        if not audit.offline:
            yield from _still_there(audit, repo_id, branch, line[-1])
    for landing in audit.rows(evidence.newest_deployed()):
        audit.saw()
        if not audit.offline:
            yield from _still_there(audit, landing.repo_id, landing.deploy_branch, landing)


def _steps(
    audit: Audit, repo_id: int, branch: str, line: Sequence[sa.Row[Any]]
) -> Iterator[Breach]:
    for before, after in pairwise(line):
        git = audit.mirror(repo_id, after.commit).git
        audit.mirror(repo_id, before.commit)
        if not is_ancestor(git, before.commit, after.base) and not _known(audit, repo_id, branch):
            yield Breach(
                f"#{after.number} landed on {branch} without {before.commit[:12]}, which was there",
                {"before": before.commit, "base": after.base, "commit": after.commit},
            )


def _still_there(audit: Audit, repo_id: int, branch: str, landing: sa.Row[Any]) -> Iterator[Breach]:
    repo = audit.repo(repo_id)
    tip = audit.house.mirror(repo).tips(repo.clone_url, [branch]).get(branch, "")
    holds = False
    if tip:
        audit.mirror(repo_id, landing.commit)
        holds = is_ancestor(audit.mirror(repo_id, tip).git, landing.commit, tip)
    if not holds and not _known(audit, repo_id, branch):
        yield Breach(
            f"{branch} is at {tip[:12] or 'nothing'}, which does not hold what landed last",
            {"branch": branch, "tip": tip, "landed": landing.commit, "repo": repo.name},
        )


def _known(audit: Audit, repo_id: int, branch: str) -> bool:
    """Whether an incident tells that somebody rewrote the branch."""
    return bool(audit.rows(evidence.rewritings(repo_id, branch)))
