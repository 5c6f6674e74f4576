"""Past merges of any repository: what came in on a branch's first-parent line, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from intakebot.core.merged import Merge
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
    query = ["--first-parent", "--min-parents=2", "--max-parents=2", f"--max-count={limit}"]
    if since is not None:
        query.append(f"--since={since.isoformat()}")
    shape = f"--format={'%x00'.join(_FIELDS)}%x00"
    out = git.run("log", *query, shape, "--end-of-options", full_id(tip))
    texts = out.decode("utf-8", "replace").split("\0")
    for place in range(0, len(texts) - len(_FIELDS), len(_FIELDS)):
        commit, parents, at, message = texts[place : place + len(_FIELDS)]
        yield _merge(git, commit.strip(), parents.split(), at, message)


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
