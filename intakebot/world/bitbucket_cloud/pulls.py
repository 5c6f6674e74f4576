"""What happens to pull requests, whoever caused it: opened, pushed to, merged, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from intakebot.world.bitbucket_cloud import commits, pull_shapes
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.pull_state import Entry, Participant, Pull, Remark
from intakebot.world.bitbucket_cloud.site import Site
from intakebot.world.bitbucket_cloud.state import Repository


def changed(site: Site, repo: Repository, pull: Pull, by: str) -> datetime:
    """Note an update in the log of the pull request."""
    now = pull.updated_on = site.moments.next()
    shown = pull_shapes.snapshot(site.view(), repo, pull, by, written(now))
    pull.activity.append(Entry("update", now, by, shown))
    return now


def announce(site: Site, event: str, repo: Repository, pull: Pull, by: str, **more: Any) -> None:
    body = {"pullrequest": pull_shapes.pull(site.view(), repo, pull), **more}
    site.announce(f"pullrequest:{event}", repo, by, body)


def participating(site: Site, pull: Pull, user: str) -> Participant:
    """Whoever does something is a participant from then on."""
    role = "REVIEWER" if user in pull.reviewers else "PARTICIPANT"
    known = pull.participants.setdefault(user, Participant(user))
    known.role = role
    known.participated_on = site.moments.next()
    return known


def opened(site: Site, repo: Repository, pull: Pull) -> None:
    _supersede(site, repo, pull)
    repo.pulls[pull.id] = pull
    for user in pull.reviewers:
        pull.participants[user] = Participant(user, "REVIEWER")
    changed(site, repo, pull, pull.author)
    announce(site, "created", repo, pull, pull.author)


def _supersede(site: Site, repo: Repository, new: Pull) -> None:
    """A second pull request of the same branch into the same branch takes the first one's place."""
    for old in repo.pulls.values():
        ends = (old.source_repository, old.source_branch, old.destination_branch)
        if old.state == "OPEN" and ends == (
            new.source_repository,
            new.source_branch,
            new.destination_branch,
        ):
            old.state, old.closed_by = "SUPERSEDED", new.author
            changed(site, repo, old, new.author)


def pushed(site: Site, repo: Repository, pull: Pull, tip: str, by: str) -> None:
    """The source branch has a new tip. What people said about the old one stays: as it does."""
    pull.source_commit = tip
    pull.destination_commit = repo.refs.get(
        f"refs/heads/{pull.destination_branch}", pull.destination_commit
    )
    for remark in pull.remarks.values():
        remark.outdated = remark.outdated or _moved(site, pull, remark)
    changed(site, repo, pull, by)
    announce(site, "updated", repo, pull, by)


def anchor(site: Site, pull: Pull, inline: dict[str, Any]) -> str | None:
    """The text of the line that a remark is about, None when there is no such line."""
    if inline.get("to"):
        return commits.line_of(site.disk, pull.source_commit, inline["path"], inline["to"])
    if inline.get("from"):
        base = commits.merge_base(site.disk, pull.destination_commit, pull.source_commit)
        return commits.line_of(site.disk, base, inline["path"], inline["from"]) if base else None
    return None


def _moved(site: Site, pull: Pull, remark: Remark) -> bool:
    if remark.inline is None or not (remark.inline.get("to") or remark.inline.get("from")):
        return False
    return anchor(site, pull, remark.inline) != remark.anchor


def merged(site: Site, repo: Repository, pull: Pull, commit: str, by: str) -> None:
    pull.state, pull.merge_commit, pull.closed_by = "MERGED", commit, by
    changed(site, repo, pull, by)
    announce(site, "fulfilled", repo, pull, by)


def declined(site: Site, repo: Repository, pull: Pull, by: str, reason: str) -> None:
    pull.state, pull.closed_by, pull.reason = "DECLINED", by, reason
    changed(site, repo, pull, by)
    announce(site, "rejected", repo, pull, by)
