"""Read what a forge still tells of pull requests from before the house looked, newest first.

Each is kept with the place that was reached, so that whatever ends it loses one reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from intakebot.core.metrics.past import past_of
from intakebot.crash import crashpoint
from intakebot.flow.house import House
from intakebot.model import Pull, PullState, Repo
from intakebot.store import past, work
from intakebot.store.past import Progress


@dataclass(frozen=True, slots=True)
class Step:
    """After one number. `read` and `kept` count those of this run, `of` is where it began."""

    number: int
    of: int
    read: int
    kept: int


def backfill(
    house: House,
    repo: Repo,
    since: datetime | None,
    limit: int,
    tell: Callable[[Step], None],
) -> Step:
    """Up to `limit` numbers, or back to the first one opened before `since`.

    Raises TryLater when the forge can't answer now, or what is left of its limits is for others;
    the next call goes on from there.
    """
    forge = house.forges[repo.forge]
    with house.database.write() as connection:
        repo_id = work.know_repo(connection, repo)
        reached = past.progress(connection, repo_id)
        known = past.known(connection, repo_id)
    if reached is not None and reached.next and reached.since == since:
        begun = reached.next  # where the last run was interrupted
    else:
        begun = forge.newest(repo.id)
    step = Step(begun, begun, 0, 0)
    for number in (one for one in range(begun, 0, -1) if one not in known):
        if step.read == limit:
            return step
        forge.spare(repo.id)
        pull = forge.pull(repo.id, number)
        if pull is not None and since is not None and pull.created_at < since:
            break  # numbers rise with time
        kept = pull is not None and _keep(house, repo_id, pull)
        _reach(house, repo_id, Progress(since, number - 1))
        crashpoint("backfill.after_one")
        step = Step(number, begun, step.read + 1, step.kept + kept)
        tell(step)
    _reach(house, repo_id, Progress(since, 0))
    return step


def _keep(house: House, repo_id: int, pull: Pull) -> bool:
    """False for one that is open: the house looks at it itself."""
    if pull.state is PullState.OPEN:
        return False
    first = min(pull.pushes, key=lambda push: push.seq, default=None)
    head = first.head if first else ""  # also "" where the fork is gone, and the commit with it
    builds = house.forges[pull.repo.forge].builds(pull.repo.id, head) if head else ()
    with house.database.write() as connection:
        past.keep(connection, repo_id, past_of(pull, builds))
    return True


def _reach(house: House, repo_id: int, progress: Progress) -> None:
    with house.database.write() as connection:
        past.advance(connection, repo_id, progress)
