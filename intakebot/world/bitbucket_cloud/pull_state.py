"""A pull request as it is remembered: people's opinions, remarks, and the log of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Participant:
    """`opinion` is approved, changes_requested or None. A push changes none of it."""

    user: str
    role: str = "PARTICIPANT"  # or REVIEWER
    opinion: str | None = None
    participated_on: datetime | None = None


@dataclass(slots=True)
class Remark:
    """A comment. `anchor` is the line's text when it was written, to know when it is outdated."""

    id: int
    user: str
    raw: str
    created_on: datetime
    updated_on: datetime
    parent: int | None = None
    inline: dict[str, Any] | None = None
    outdated: bool = False
    anchor: str | None = None
    deleted: bool = False
    pending: bool = False
    resolved_by: str | None = None
    resolved_on: datetime | None = None
    commit: str = ""  # of a commit comment


@dataclass(slots=True)
class Entry:
    """One line of /activity. `kind` is update, comment, approval or changes_requested.

    `shown` is the update as it was at that moment; of a comment only its id is kept.
    """

    kind: str
    date: datetime
    user: str
    shown: dict[str, Any] = field(default_factory=dict)
    comment: int = 0


@dataclass(slots=True)
class Pull:
    """`source_repository` is None once the fork is gone. Commits are full ids."""

    id: int
    title: str
    description: str
    author: str
    source_repository: str | None
    source_branch: str
    source_commit: str
    destination_branch: str
    destination_commit: str
    created_on: datetime
    updated_on: datetime
    state: str = "OPEN"
    draft: bool = False
    close_source_branch: bool = False
    reason: str = ""
    closed_by: str | None = None
    merge_commit: str | None = None
    reviewers: list[str] = field(default_factory=list)
    participants: dict[str, Participant] = field(default_factory=dict)
    remarks: dict[int, Remark] = field(default_factory=dict)
    activity: list[Entry] = field(default_factory=list)
