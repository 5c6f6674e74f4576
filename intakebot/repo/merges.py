"""Past merges of any repository: what came in on a branch's first-parent line, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from intakebot.core.merged import Merge
from intakebot.core.metrics.history import Reverting
from intakebot.core.metrics.reverts import REVERTED_COMMIT
from intakebot.repo.change import changed_files
from intakebot.repo.git import Git, GitFailed, TooMuch, full_id

MAILMAP = ("-c", "mailmap.blob=HEAD:.mailmap")  # there is no work tree to find it in
_FIELDS = ("%H", "%P", "%cI", "%B")
# What forges write: "Merge pull request #12 from ada/site", "Merged in banner (pull request #12)".
_NUMBER = re.compile(r"(?:pull request|merge request|PR)\s+[#!]?([0-9]{1,9})", re.IGNORECASE)
_NAMES_ONLY = re.compile(r"merge(d)? (pull request|branch|remote-tracking|in )", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A merge that can't be told, and why."""

    commit: str
    why: str


def merges(
    git: Git, tip: str, limit: int, since: datetime | None = None
) -> Iterator[Merge | Skipped]:
    """Of two parents each; `tip` is a full id. Names and addresses go by its mailmap."""
    only = ["--first-parent", "--min-parents=2", "--max-parents=2", f"--max-count={limit}"]
    for commit, parents, at, message in _log(git, tip, only, _FIELDS, since):
        yield _merge(git, commit, parents.split(), at, message)


def reverting(git: Git, tip: str, since: datetime | None = None) -> Iterator[Reverting]:
    """Commits, wherever they came in, whose message says what they take back as git writes it."""
    found = _log(git, tip, ("--grep=^This reverts commit ",), ("%cI", "%B"), since)
    for at, message in found:
        yield Reverting(datetime.fromisoformat(at), REVERTED_COMMIT.findall(message))


def direct(git: Git, tip: str, since: datetime | None = None) -> Iterator[Sequence[str]]:
    """Name and address of the author of each commit on the first-parent line that is no merge and
    not the first of all: pushed past every pull request, or squashed, or rebased."""
    only = ("--first-parent", "--min-parents=1", "--max-parents=1")
    yield from _log(git, tip, only, ("%aN", "%aE"), since)


def _log(
    git: Git, tip: str, only: Sequence[str], fields: Sequence[str], since: datetime | None
) -> Iterator[list[str]]:
    """The fields of each commit, newest first."""
    query = [*only, *([f"--since={since.isoformat()}"] if since is not None else [])]
    shape = f"--format={'%x00'.join(fields)}%x00"
    out = git.run(*MAILMAP, "log", *query, shape, "--end-of-options", full_id(tip))
    texts = out.decode("utf-8", "replace").split("\0")
    for place in range(0, len(texts) - len(fields), len(fields)):
        first, *others = texts[place : place + len(fields)]
        yield [first.removeprefix("\n"), *others]


def _merge(git: Git, commit: str, parents: list[str], at: str, message: str) -> Merge | Skipped:
    base, head = parents
    try:
        files = changed_files(git, base, commit)
        who = git.run(*MAILMAP, "log", "-1", "--format=%aN%x00%aE", full_id(head))
        count = git.run("rev-list", "--count", full_id(head), f"^{full_id(base)}")
    except (GitFailed, TooMuch) as error:
        return Skipped(commit, str(error))
    name, _, email = who.decode("utf-8", "replace").strip().partition("\0")
    number = _NUMBER.search(message)
    return Merge(
        commit=commit,
        base=base,
        head=head,
        at=datetime.fromisoformat(at),
        number=int(number[1]) if number else None,
        title=_title(message),
        author=name,
        email=email,
        commits=int(count),
        files=files,
    )


def _title(message: str) -> str:
    """The first line that somebody wrote: below what the forge did where there is one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    own = [line for line in lines if not _NAMES_ONLY.match(line)]
    return (own or lines)[0]
