"""Every table of the house, in one place.

Times are stored as whole microseconds since 1970 (`Moment`), so that both databases compare
and return them alike. A row that somebody works on carries a lease: who, until when, and a
fencing number that rises each time the lease changes hands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_Processor = Callable[[str | None], str | None]


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC."""

    impl = sa.BigInteger
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], int | None]:
        return _as_number

    def result_processor(
        self, dialect: sa.Dialect, coltype: object
    ) -> Callable[[int | None], datetime | None]:
        return _as_moment


def _as_number(value: datetime | None) -> int | None:
    return None if value is None else (value - EPOCH) // _MICROSECOND


def _as_moment(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


class Text(sa.types.TypeDecorator[str]):
    """Any text. PostgreSQL keeps no NUL; there it is written otherwise, and read as it was."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> _Processor | None:
        return _without_nul if dialect.name == "postgresql" else None

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> _Processor | None:
        return _with_nul if dialect.name == "postgresql" else None


def _without_nul(value: str | None) -> str | None:
    return None if value is None else value.replace(_MARK, f"{_MARK}1").replace("\0", f"{_MARK}0")


def _with_nul(value: str | None) -> str | None:
    return None if value is None else value.replace(f"{_MARK}0", "\0").replace(f"{_MARK}1", _MARK)


_MARK = "\ue000"  # for private use: no text that means anything has it

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    # SQLite counts only INTEGER keys by itself; PostgreSQL has room for more.
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("id", wide, primary_key=True, autoincrement=True)


def _lease() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("lease_owner", Text),
        sa.Column("lease_fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_until", Moment),
    )


def _counters() -> tuple[sa.Column[Any], ...]:
    """Work is due while done < wanted; `nudged_at` is when wanted last rose."""
    return (
        sa.Column("wanted", sa.Integer, nullable=False, server_default="0"),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("nudged_at", Moment),
    )


repos = sa.Table(
    "repos",
    metadata,
    _id(),
    sa.Column("forge", Text, nullable=False),
    sa.Column("forge_id", Text, nullable=False),
    sa.Column("name", Text, nullable=False, server_default=""),
    sa.Column("clone_url", Text, nullable=False, server_default=""),
    sa.Column("intake", Text, nullable=False, server_default=""),
    sa.Column("deploy", Text, nullable=False, server_default=""),
    sa.Column("pulls_cursor", Text, nullable=False, server_default=""),
    sa.Column("incidents_cursor", Text, nullable=False, server_default=""),
    sa.Column("surveyed_at", Moment),
    *_counters(),
    *_lease(),
    sa.UniqueConstraint("forge", "forge_id"),
)

pulls = sa.Table(
    "pulls",
    metadata,
    _id(),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    *_counters(),
    *_lease(),
    sa.Column("look_at", Moment),  # when the answer can next change by itself
    sa.Column("looked_at", Moment),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("problem", Text, nullable=False, server_default=""),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("state", Text, nullable=False, server_default=""),
    sa.Column("turn", Text, nullable=False, server_default=""),
    sa.Column("why", Text, nullable=False, server_default=""),
    sa.Column("title", Text, nullable=False, server_default=""),
    sa.Column("author_id", Text, nullable=False, server_default=""),
    sa.Column("author_login", Text, nullable=False, server_default=""),
    sa.Column("head", Text, nullable=False, server_default=""),
    sa.Column("target", Text, nullable=False, server_default=""),
    sa.Column("url", Text, nullable=False, server_default=""),
    sa.Column("open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.UniqueConstraint("repo_id", "number"),
    sa.Index("ix_pulls_due", "open", "look_at"),
    sa.Index("ix_pulls_author_id", "author_id"),
    sa.Index("ix_pulls_open_id", "open", "id"),
    sa.Index("ix_pulls_state_open_id", "state", "open", "id"),
    sa.Index("ix_pulls_repo_id_state", "repo_id", "state"),
)

# On PostgreSQL it is as partial, which the migrations alone make it: to name that here would load
# its whole dialect in every process.
sa.Index("ix_pulls_problem", pulls.c.id, sqlite_where=pulls.c.problem != "")

deliveries = sa.Table(
    "deliveries",
    metadata,
    _id(),
    sa.Column("forge", Text, nullable=False),
    sa.Column("delivery_id", Text, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("body_sha256", Text, nullable=False),
    sa.Column("kind", Text, nullable=False, server_default=""),
    sa.Column("actor", Text, nullable=False, server_default=""),
    sa.Column("ignored", Text, nullable=False, server_default=""),  # why, else empty
    sa.Column("repo_id", sa.ForeignKey("repos.id")),
    sa.Column("pull_id", sa.ForeignKey("pulls.id")),
    sa.Column("wanted", sa.Integer),  # done once the pull request's (or repository's) done >= this
    sa.UniqueConstraint("forge", "delivery_id"),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
)

looks = sa.Table(
    "looks",
    metadata,
    _id(),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("base", Text, nullable=False),
    sa.Column("facts_digest", sa.ForeignKey("facts.digest"), nullable=False),
    sa.Column("rules_digest", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("turn", Text, nullable=False),
    sa.Column("why", Text, nullable=False),
    sa.Column("verdicts", sa.JSON, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("checks", sa.JSON(none_as_null=True)),  # null in those of before it was kept
    sa.Index("ix_looks_pull", "pull_id", "id"),
    sa.Index("ix_looks_facts_digest", "facts_digest"),
)

first_verdicts = sa.Table(
    "first_verdicts",
    metadata,
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    sa.Column("head", Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("look_id", sa.ForeignKey("looks.id"), nullable=False),
)

happenings = sa.Table(  # who pushed, spoke and reviewed, and when: reports are made of it
    "happenings",
    metadata,
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    sa.Column("kind", Text, primary_key=True),  # push, comment, review
    sa.Column("key", Text, primary_key=True),  # the forge's id for it
    sa.Column("account_id", Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("head", Text, nullable=False, server_default=""),
    sa.Column("digest", Text, nullable=False, server_default=""),  # of a comment's text
    # Of a review approved or changes_requested, of a comment "asks" where it wants an answer.
    sa.Column("state", Text, nullable=False, server_default=""),
)

words = sa.Table(
    "words",
    metadata,
    _id(),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), nullable=False),
    sa.Column("comment_id", Text, nullable=False),
    sa.Column("idx", sa.Integer, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("args", Text, nullable=False),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("login", Text, nullable=False),
    sa.Column("display", Text, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("target", Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("said", Text, nullable=False),
    sa.Column("answer", Text, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("decided_at", Moment, nullable=False),
    sa.UniqueConstraint("pull_id", "comment_id", "idx"),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("digest", Text, nullable=False),
    sa.Column("tree", Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),  # /recheck adds one
    sa.Column("state", Text, nullable=False),  # queued, running, done, cancelled
    sa.Column("outcome", Text, nullable=False, server_default=""),
    sa.Column("summary", Text, nullable=False, server_default=""),
    sa.Column("findings", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("log", Text, nullable=False, server_default=""),
    sa.Column("seconds", sa.Float, nullable=False, server_default="0"),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("tried", Text, nullable=False, server_default=""),  # commit another machine builds
    sa.Column("branch", Text, nullable=False, server_default=""),  # it stands on until cleared away
    sa.Column("called_at", Moment),
    sa.Column("answer", sa.JSON(none_as_null=True)),  # of a QA hook: state, text, url
    *_lease(),
    sa.UniqueConstraint("digest", "tree", "generation"),
    sa.Index("ix_runs_state", "state"),
    sa.Index("ix_runs_branch", "branch"),
)

run_wants = sa.Table(  # which pull requests wait for a run; a run that nobody wants is cancelled
    "run_wants",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    sa.Column("purpose", Text, primary_key=True),  # look or lane
    sa.Index("ix_run_wants_pull", "pull_id"),
)

receipts = sa.Table(
    "receipts",
    metadata,
    _id(),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), nullable=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("state", Text, nullable=False),  # sending, done, refused
    sa.Column("head", Text, nullable=False),
    sa.Column("rules_digest", Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.UniqueConstraint("pull_id", "key"),
)

marks = sa.Table(  # the bot's comments, for forges that keep no keys of ours
    "marks",
    metadata,
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    sa.Column("comment_id", Text, primary_key=True),
    sa.Column("key", Text, nullable=False),
)

connections = sa.Table(  # what `connect` set up at a forge, and how it was before
    "connections",
    metadata,
    _id(),
    sa.Column("forge", Text, nullable=False),
    sa.Column("forge_id", Text, nullable=False),
    sa.Column("workspace_id", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("intake", Text, nullable=False),
    sa.Column("deploy", Text, nullable=False),
    sa.Column("hook_nonce", Text, nullable=False),
    sa.Column("hook_id", Text, nullable=False, server_default=""),
    sa.Column("changes", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("connected_at", Moment, nullable=False),
    sa.UniqueConstraint("forge", "forge_id"),
)

follows = sa.Table(  # workspaces and projects whose new repositories come behind the gate, too
    "follows",
    metadata,
    _id(),
    sa.Column("forge", sa.Text, nullable=False),
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("workspace", sa.Text, nullable=False),  # its name when it was last named
    sa.Column("project", sa.Text, nullable=False),  # its key; empty for all of the workspace
    sa.Column("intake", sa.Text, nullable=False),  # empty: the main branch of each
    sa.Column("deploy", sa.Text, nullable=False),  # empty: the usual one
    sa.Column("left_out", sa.JSON, nullable=False),  # forge id -> name, as it was disconnected
    sa.Column("followed_at", Moment, nullable=False),
    sa.Column("looked_at", Moment),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),  # of the last look
    sa.UniqueConstraint("forge", "workspace_id", "project"),
)

calls = sa.Table(  # of a forge's API in the last hour, by all processes together
    "calls",
    metadata,
    sa.Column("counted_by", sa.Text, primary_key=True),  # a digest of whose allowance it is
    sa.Column("minute", Moment, primary_key=True),  # its beginning
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("told_limit", sa.Integer, nullable=False),  # by an answer; 0 for none
    sa.Column("near", sa.Boolean, nullable=False),  # an answer told that the limit is near
)

lanes = sa.Table(
    "lanes",
    metadata,
    _id(),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("branch", Text, nullable=False),
    *_counters(),
    *_lease(),
    sa.Column("problem", Text, nullable=False, server_default=""),
    sa.Column("stuck", Text, nullable=False, server_default=""),  # why nothing can land, by us
    sa.Column("tip", Text, nullable=False, server_default=""),  # the branch as last known good
    sa.Column("frozen", Text, nullable=False, server_default=""),  # until somebody acknowledges
    sa.Column("look_at", Moment),
    sa.UniqueConstraint("repo_id", "branch"),
)

entries = sa.Table(
    "entries",
    metadata,
    _id(),
    sa.Column("lane_id", sa.ForeignKey("lanes.id"), nullable=False),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("asked_by", Text, nullable=False),  # account id
    sa.Column("asked_login", Text, nullable=False),
    sa.Column("asked_at", Moment, nullable=False),  # dates the merge commit
    sa.Column("state", Text, nullable=False),  # queued, testing, landing; landed, dropped, failed
    sa.Column("base", Text, nullable=False, server_default=""),
    sa.Column("commit", Text, nullable=False, server_default=""),
    sa.Column("tree", Text, nullable=False, server_default=""),
    sa.Column("why", Text, nullable=False, server_default=""),
    sa.Column("added_at", Moment, nullable=False),
    sa.Index("ix_entries_lane", "lane_id", "state"),
)

landings = sa.Table(
    "landings",
    metadata,
    _id(),
    sa.Column("entry_id", sa.ForeignKey("entries.id"), nullable=False, unique=True),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("branch", Text, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("base", Text, nullable=False),
    sa.Column("commit", Text, nullable=False),
    sa.Column("tree", Text, nullable=False),
    sa.Column("checks", sa.JSON, nullable=False),  # run ids that passed on this tree
    sa.Column("facts_digest", Text, nullable=False),
    sa.Column("rules_digest", Text, nullable=False),
    sa.Column("author_id", Text, nullable=False),
    sa.Column("asked_by", Text, nullable=False),
    sa.Column("asked_login", Text, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("intended_at", Moment, nullable=False),
    sa.Column("landed_at", Moment),  # read back from the forge
    sa.Column("deploy_branch", Text, nullable=False),
    sa.Column("deploy_asked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("deployed_at", Moment),  # read back from the forge
    sa.Column("method", Text, nullable=False, server_default="merge"),
    sa.Column("tools_digest", Text, nullable=False, server_default=""),  # of its checks
    sa.UniqueConstraint("repo_id", "commit"),
    sa.Index("ix_landings_repo_id_branch_id", "repo_id", "branch", "id"),
    sa.Index("ix_landings_facts_digest", "facts_digest"),
    sa.Index("ix_landings_pull_id", "pull_id"),
)

links = sa.Table(  # what was done, sealed one after the other
    "links",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("kind", Text, nullable=False),  # receipt, landing, deployment
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("digest", Text, nullable=False),  # of what the row says
    sa.Column("hash", Text, nullable=False),  # of this link and of the one before
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("kind", "row"),
)

chain = sa.Table(  # one row: the newest link, and which rows are older than the chain
    "chain",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", Text, nullable=False),
    sa.Column("receipts_before", sa.BigInteger, nullable=False),
    sa.Column("landings_before", sa.BigInteger, nullable=False),
)

erasures = sa.Table(  # of people: which sealed rows were rewritten, and to what
    "erasures",
    metadata,
    _id(),
    sa.Column("stand_in", Text, nullable=False),
    sa.Column("rewritten", sa.JSON, nullable=False),  # [kind, row, digest of what it says now]
    sa.Column("at", Moment, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    _id(),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("forge_key", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("login", Text, nullable=False),
    sa.Column("ref", Text, nullable=False),
    sa.Column("detail", Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("acknowledged_at", Moment),
    sa.Column("acknowledged_by", Text, nullable=False, server_default=""),  # account id
    sa.UniqueConstraint("repo_id", "forge_key"),
)

people = sa.Table(
    "people",
    metadata,
    _id(),
    sa.Column("name", Text, nullable=False),
    sa.Column("group", Text, nullable=False),
    sa.Column("agency", Text, nullable=False, server_default=""),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("valid_from", Moment),
    sa.Column("valid_until", Moment),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("forge", Text, primary_key=True),
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("login", Text, nullable=False),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False),
)

decisions = sa.Table(  # of a named person about an agency; the newest one counts
    "decisions",
    metadata,
    _id(),
    sa.Column("agency", Text, nullable=False),
    sa.Column("verdict", Text, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("advice", Text, nullable=False),  # what the report said then
    sa.Column("inputs", Text, nullable=False),  # SHA-256 of what it was made of
    sa.Column("by", Text, nullable=False),  # the name on the roster
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_decisions_agency", "agency", "id"),
)

remarks = sa.Table(  # what an agency says of its own report
    "remarks",
    metadata,
    _id(),
    sa.Column("agency", Text, nullable=False),
    sa.Column("text", Text, nullable=False),
    sa.Column("by", Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_remarks_agency", "agency", "id"),
)

past_pulls = sa.Table(  # over before the house looked; the forge tells of them, nobody judged them
    "past_pulls",
    metadata,
    _id(),
    sa.Column("repo_id", sa.ForeignKey("repos.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("author_id", Text, nullable=False),
    sa.Column("author_login", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("url", Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("merged", sa.Boolean, nullable=False),
    sa.Column("from_fork", sa.Boolean, nullable=False),
    sa.Column("asked", sa.Boolean, nullable=False),
    sa.Column("pushes", sa.Integer, nullable=False),
    sa.Column("talk", sa.Integer, nullable=False),
    sa.Column("green", sa.Boolean),  # of the first commit's builds; null where there were none
    sa.UniqueConstraint("repo_id", "number"),
)

backfills = sa.Table(  # how far reading them has come, going down
    "backfills",
    metadata,
    sa.Column("repo_id", sa.ForeignKey("repos.id"), primary_key=True),
    sa.Column("since", Moment),
    sa.Column("next", sa.Integer, nullable=False),  # 0: all of them are read
)

opinions = sa.Table(  # would they take the next one with a normal review? 1 to 5
    "opinions",
    metadata,
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    sa.Column("account_id", Text, primary_key=True),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

counted = sa.Table(  # what a pull request that is over comes to in reports, until anything changes
    "counted",
    metadata,
    sa.Column("pull_id", sa.ForeignKey("pulls.id"), primary_key=True),
    # Whom and which checks something else was asked of, and a SHA-256 of all that was answered.
    sa.Column("relied", Text, nullable=False, server_default=""),
    sa.Column("basis", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
)

sign_ins = sa.Table(  # one-time links, by the SHA-256 of their token
    "sign_ins",
    metadata,
    sa.Column("token_sha256", Text, primary_key=True),
    sa.Column("forge", Text, nullable=False),
    sa.Column("account_id", Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)

notices = sa.Table(  # agencies that are new no longer, each told of once
    "notices",
    metadata,
    sa.Column("agency", Text, primary_key=True),
    sa.Column("submissions", sa.Integer, nullable=False),
    sa.Column("advice", Text, nullable=False),
    sa.Column("inputs", Text, nullable=False),  # SHA-256 of the report's rows
    sa.Column("at", Moment, nullable=False),
)

letters = sa.Table(  # to people outside of the pages
    "letters",
    metadata,
    _id(),
    sa.Column("key", Text, nullable=False),  # what it is about: the same again is not written
    sa.Column("recipient", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", Moment),  # NULL once it is over
    sa.Column("sent_at", Moment),
    sa.Column("problem", Text, nullable=False),
    sa.UniqueConstraint("key", "recipient", name="uq_letters_key_recipient"),
    sa.Index("ix_letters_due", "due_at"),
)
