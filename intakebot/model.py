"""The words of the house: frozen values that pass between its rooms.

Nothing here does anything. Times are aware datetimes in UTC, commits are full
40-digit object ids, people are forge account ids; a name is for display only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

# --- errors ---------------------------------------------------------------------------


class ContributorError(Exception):
    """Its text is a sentence for the contributor."""


class OperatorError(Exception):
    """Its text tells the operator what is wrong and the cure; trying again won't help."""


class TryLater(Exception):
    """The other side can't now (limits, 5xx, cut connections, lag)."""

    def __init__(self, why: str, after: float = 5.0) -> None:
        super().__init__(why)
        self.after = after  # seconds


# --- what comes in --------------------------------------------------------------------


class Kind(StrEnum):
    PULL = "pull"
    COMMENT = "comment"
    REVIEW = "review"
    PUSH = "push"
    STATUS = "status"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request as it arrived, signature already verified.

    `nonce` is the end of the address it came to, where each hook has an address of its own.
    """

    forge: str
    id: str
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class CommentRef:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Which pull request may have changed. Never what changed: that is read back."""

    forge: str
    kind: Kind
    repo: str
    number: int | None = None
    sha: str | None = None
    actor: str | None = None
    comment: CommentRef | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    why: str


# --- people ---------------------------------------------------------------------------


class Group(StrEnum):
    STAFF = "staff"
    CONTRACTOR = "contractor"
    AGENCY = "agency"
    OUTSIDER = "outsider"  # nobody has put this account on the roster


class Role(StrEnum):
    OWNER = "owner"
    MAINTAINER = "maintainer"
    MANAGER = "manager"
    CONTRIBUTOR = "contributor"


class Permission(StrEnum):
    """What the forge itself lets somebody do with the main repository."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as the forge knows them. Only `id` identifies."""

    id: str
    login: str
    name: str = ""

    @property
    def display(self) -> str:
        return self.name or self.login


@dataclass(frozen=True, slots=True)
class Person:
    """An account together with what the roster says of it at one moment."""

    account: Account
    group: Group = Group.OUTSIDER
    agency: str = ""
    roles: frozenset[Role] = frozenset()

    @property
    def id(self) -> str:
        return self.account.id


# --- a pull request as the forge has it -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Repo:
    """A main repository. `id` is the forge's and stays when the name changes."""

    forge: str
    id: str
    name: str
    clone_url: str
    intake: str  # the branch that pull requests target
    deploy: str  # the branch that is deployed; may be the same


@dataclass(frozen=True, slots=True)
class Source:
    """Where a pull request's commits come from."""

    repo_id: str
    clone_url: str
    branch: str


@dataclass(frozen=True, slots=True)
class Push:
    """One head of a pull request. `seq` orders all that happened to the pull request."""

    head: str
    by: Account
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Retarget:
    """The branch that a pull request went to from `seq` on; the first is where it opened."""

    target: str
    seq: int


@dataclass(frozen=True, slots=True)
class Comment:
    """`key` is the bot's own mark, set only on its comments.

    A forge that keeps no keys gives the `tag` instead: the short code in the visible footer,
    `intakebot.core.marks.tag(key)`. `seen_head` is the commit the page showed to the author,
    where the forge can tell.
    """

    id: str
    by: Account
    text: str
    at: datetime
    seq: int
    edited: bool = False
    key: str | None = None
    tag: str | None = None
    seen_head: str | None = None
    path: str | None = None
    line: int | None = None
    resolved: bool = False
    replied: bool = False  # somebody answered this inline comment


ReviewState = Literal["approved", "changes_requested"]


@dataclass(frozen=True, slots=True)
class Review:
    """A native review. `head` is the commit it was given to; "" where the forge can't show it,
    and then it counts for none."""

    by: Account
    head: str
    state: ReviewState
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Status:
    """The bot's own mark beside a commit."""

    state: Literal["pending", "success", "failure"]
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """What another machine says beside a commit: a build status that is not the bot's own."""

    key: str
    name: str
    state: Literal["pending", "success", "failure"]
    text: str = ""
    url: str = ""


class PullState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request, read whole. `source` is None when the fork is gone."""

    repo: Repo
    number: int
    title: str
    description: str
    draft: bool
    state: PullState
    author: Account
    source: Source | None
    target: str
    head: str
    created_at: datetime
    url: str
    fork_url: str  # where the author's fork is, or would be made; as the author writes it
    pushes: tuple[Push, ...] = ()
    targets: tuple[Retarget, ...] = ()
    comments: tuple[Comment, ...] = ()
    reviews: tuple[Review, ...] = ()  # people's, not the bot's
    status: Status | None = None
    review: ReviewState | None = None  # the bot's own
    main_url: str = ""  # the main repository as the author writes it
    fork_page: str = ""  # where the forge makes a fork; "" where none needs to be made by hand
    open_page: str = ""  # the form for the same change from the author's fork, filled in
    unreadable: str = ""  # why the bot can't read the source, with the clicks that let it in


@dataclass(frozen=True, slots=True)
class Wording:
    """What people may change about a pull request without a push."""

    title: str
    description: str
    target: str
    draft: bool


# --- what git says --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One path of a diff. `lines` are the new line numbers that were added or changed.

    `added` and `removed` are None for binary content.
    """

    path: str
    change: Literal["added", "modified", "deleted", "type"]
    added: int | None
    removed: int | None
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str


@dataclass(frozen=True, slots=True)
class Change:
    """What merging a head into its target would do, from git alone.

    `base` is the target's tip that was merged into, `result_tree` the tree the merge would
    give (None on conflict); `files` compare base with the result, or, on conflict, the merge
    base with the head.
    """

    base: str
    head: str
    head_tree: str
    merge_base: str | None
    result_tree: str | None
    conflicts: tuple[str, ...]
    files: tuple[ChangedFile, ...]
    commits: int
    contained: bool  # the target already has this head
    # Its merges of the target: commit, the parent it goes on from, the one of the target.
    merges: tuple[tuple[str, str, str], ...] = ()


# --- checks ---------------------------------------------------------------------------


class Level(StrEnum):
    """How much a rule or a finding matters, most first."""

    REJECT = "reject"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


ReportFormat = Literal[
    "sarif",
    "checkstyle",
    "junit",
    "eslint",
    "stylelint",
    "rdjson",
    "rdjsonl",
    "codeclimate",
    "github",
    "tap",
    "regex",
]


@dataclass(frozen=True, slots=True)
class Fix:
    """Put `text` in place of what stands there. Lines and columns are 1-based, the end is not in
    it, and columns count characters: (3, 1) to (4, 1) is line 3 with its newline."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a tool or a rule says about one place. `line` is 1-based; 0 is the file.

    `column` and `end_line` are 0 where the tool did not say. `fingerprint` names the same finding
    in later versions of a change; it and `patch` come with placing (`core/placing.py`).
    """

    path: str
    line: int
    level: Level
    rule: str
    message: str
    tool: str = ""
    column: int = 0
    end_line: int = 0
    fix: Fix | None = None
    fingerprint: str = ""
    patch: str = ""  # of the fix, for `git apply`; "" where there is none that surely applies
    in_diff: bool = True  # on a line that the diff shows, so that a comment can stand there

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"  # ours: no sandbox, tool missing, unreadable report
    FLAKY = "flaky"  # failed, then passed on the same tree
    ALREADY_BROKEN = "already broken"  # fails, and so does the target: not this change's doing


@dataclass(frozen=True, slots=True)
class PrepareStep:
    """How what checks need is fetched. `digest` names all that decides it but the files."""

    name: str
    run: tuple[str, ...]
    files: tuple[str, ...]  # patterns of what it gets of the tree: lock files and the like
    gives: tuple[str, ...]  # paths in the tree that it makes
    timeout: int  # seconds
    memory: int  # bytes
    digest: str


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """One check of the trusted configuration. `digest` names all that decides its result."""

    name: str
    run: tuple[str, ...]
    parse: Literal["none"] | ReportFormat
    report: str  # path of the report inside the tree; "-" is standard output
    timeout: int  # seconds
    memory: int  # bytes, all processes together
    digest: str
    pattern: str = ""  # of the format "regex"
    env: tuple[tuple[str, str], ...] = ()
    when: tuple[str, ...] = ()  # needed only where the change touches such a path; () is always
    paths: tuple[str, ...] = ()  # what it gets of the tree; () is all of it
    changed: bool = False  # it gets the changed files that match `when`, and `paths`
    needs: tuple[str, ...] = ()  # checks that must have passed before it starts
    required: bool = True  # False: shown, and nothing waits for it
    tools: tuple[str, ...] = ()  # programs without which it can't run
    prepare: tuple[PrepareStep, ...] = ()
    lines: Literal["added", "context", "file"] = "added"  # whose findings count
    retries: int = 0  # how often it is run again when it fails, to tell whether it always does
    external: str = ""  # the build status to wait for; another machine runs it, and `run` is empty
    http: str = ""  # or the QA hook to call, whose answer is waited for
    disk: int = 0  # bytes that its tree may take on the worker's disk; 0: it lies in memory

    @property
    def is_elsewhere(self) -> bool:
        return bool(self.external or self.http)


@dataclass(frozen=True, slots=True)
class CheckResult:
    outcome: Outcome
    summary: str
    findings: tuple[Finding, ...] = ()
    log: str = ""  # head and tail of the output, control characters removed
    seconds: float = 0.0


Method = Literal["merge", "squash", "rebase"]


@dataclass(frozen=True, slots=True)
class Config:
    """`.intakebot.toml` as the target branch has it."""

    checks: tuple[CheckDefinition, ...] = ()
    approvals: int = 1
    same_agency_may_approve: bool = False
    protected: tuple[str, ...] = (
        ".intakebot.toml",
        ".gitattributes",
        "*/.gitattributes",
        ".gitmodules",
        # What tells CI elsewhere what to run, with that CI's secrets.
        "bitbucket-pipelines.yml",
        "bamboo-specs/",
        ".github/workflows/",
        ".gitea/workflows/",
        ".forgejo/workflows/",
        ".gitlab-ci.yml",
        "Jenkinsfile",
        "*/Jenkinsfile",
    )
    promote: Literal["at-once", "by-command"] = "at-once"
    method: Method = "merge"
    limits: Mapping[str, int] = field(default_factory=dict)
    welcome: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # detector -> paths


# --- facts, verdicts, standing --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything rules may ask about one head, flat and never null.

    Lists that rules iterate stay short; `paths` can be thousands and is asked through the
    host functions `any_path`, `paths_matching` and `count_paths` alone.
    """

    repo: str
    number: int
    title: str
    description: str
    draft: bool
    author_login: str
    author_group: str
    author_agency: str
    first_time: bool  # nothing by this author has landed here yet
    from_fork: bool  # the source is another repository, by id
    origin_known: bool  # False when the source repository is gone
    source_branch: str
    target_branch: str
    intake_branch: str  # the one that this repository takes changes on
    head: str
    base: str
    fork_url: str
    main_url: str
    pull_url: str
    commits: int
    files_changed: int
    added_lines: int
    removed_lines: int
    max_lines: int
    max_files: int
    binary_files: int
    conflict_files: list[str]
    conflict_markers: list[str]  # "path:line"
    protected_changed: list[str]
    config_editor: bool  # the author's own roles allow changing protected files
    checks_failed: list[str]
    checks_pending: list[str]
    checks_broken: list[str]
    finding_count: int
    approvals: int
    approvals_needed: int
    changes_requested_by: list[str]
    held_by: list[str]
    cleared_to_test: bool
    merge_asked_by: str
    blocked_by_us: list[str]
    state: str  # at the forge: open, merged, closed, or declined, which is closed by us
    landed: str  # the commit it landed as, else ""
    landing_failed: str  # why the asked landing was given up, else ""
    paths: list[str]
    # What came later has a default: facts are kept for years and read back.
    fork_page: str = ""  # where the forge makes a fork; "" where the first push makes it
    open_page: str = ""  # the form for the same change from the author's own fork, filled in
    unreadable: str = ""  # why the bot can't read the fork, and what lets it in
    landed_anew: bool = False  # squashed or rebased: no forge can tell that it landed
    page_url: str = ""  # the house's own page, with every detail; pull_url is the forge's
    uncompared: str = ""  # why git can't tell the change in full
    checks_flaky: list[str] = field(default_factory=list)  # failed, then passed on the same tree
    checks_already_broken: list[str] = field(default_factory=list)  # as much on the target
    checks_optional: list[str] = field(default_factory=list)  # not passed, and not required to
    # Of the detectors: "path" or "path:line", and what is there.
    archives: list[str] = field(default_factory=list)
    hidden_characters: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    locks_changed: list[str] = field(default_factory=list)  # they decide what is installed
    checks_elsewhere: list[str] = field(default_factory=list)  # run by another machine
    suppressions: list[str] = field(default_factory=list)  # a detector's, as the three above
    first_pull: bool = False  # the author's first pull request here, whatever becomes of it
    programs: list[str] = field(default_factory=list)  # a detector's, too
    stray_links: list[str] = field(default_factory=list)  # "path", and where it leads
    clashing_names: list[str] = field(default_factory=list)  # "path", and why it can't be
    taken_back: list[str] = field(default_factory=list)  # "path", and which merge left it as it was
    pointers: list[str] = field(default_factory=list)  # a detector's, too


class VerdictState(StrEnum):
    SATISFIED = "satisfied"
    UNSATISFIED = "unsatisfied"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one set of facts. `offenders` are paths or one text.

    `text` and `fix` are Markdown with every placeholder filled and escaped; `problem` is
    for the operator and set only when the rule is broken. `grace` is in seconds.
    """

    rule: str
    digest: str
    level: Level
    state: VerdictState
    summary: str
    offenders: tuple[str, ...] = ()
    text: str = ""
    fix: str = ""
    problem: str = ""
    grace: int = 0


class State(StrEnum):
    LANDED = "landed"
    MERGED = "merged"
    CLOSED = "closed"
    REJECTED = "rejected"
    ON_HOLD = "on hold"
    DRAFT = "draft"
    BLOCKED_BY_US = "blocked by us"
    NEEDS_OK_TO_TEST = "needs ok-to-test"
    NEEDS_CHANGES = "needs changes"
    CHECKING = "checking"
    NEEDS_REVIEW = "needs review"
    READY = "ready"
    WAITING_FOR_WINDOW = "waiting for window"
    QUEUED = "queued"

    @property
    def slug(self) -> str:
        return self.value.replace(" ", "-")


OVER = (State.LANDED, State.MERGED, State.CLOSED)  # nobody needs to do anything any more


class Turn(StrEnum):
    NOBODY = "nobody"
    AUTHOR = "author"
    MAINTAINER = "maintainer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    BOT = "bot"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Standing:
    state: State
    turn: Turn
    why: str


# --- people's words -------------------------------------------------------------------


class Said(StrEnum):
    """How a command ended."""

    DONE = "done"
    DENIED = "denied"  # not by this person, or not this way
    VOID = "void"  # it was for a commit that is no longer the head
    UNKNOWN = "unknown"  # no such command


@dataclass(frozen=True, slots=True)
class Command:
    """One command in one comment, and what was decided about it, once.

    `head` is the commit its author saw, `target` the branch the pull request went to when it
    was said; `index` its place among the comment's commands. `live` is False once the comment
    was deleted or the words edited away.
    """

    comment: str
    index: int
    name: str
    args: str
    by: Account
    head: str
    at: datetime
    seq: int
    said: Said
    answer: str
    live: bool = True
    target: str = ""


# --- what people should see -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InlineNote:
    """A finding as a comment on a line. `key` is stable for the same finding."""

    key: str
    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class BotComment:
    id: str
    text: str
    path: str | None = None
    line: int | None = None
    resolved: bool = False
    replied: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of one head, for forges that show them beside the diff."""

    result: Literal["passed", "failed", "pending"]
    title: str
    details: str
    url: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """The bot's marks on one pull request: as wanted, or as seen at the forge.

    `comments` maps a mark to its text; "status" is the one that is edited in place,
    all others are said once and never changed. `review` and `report` are None on forges that
    have none. `settled` is False while checks are still to come: what they found before is not
    taken for mended.
    """

    comments: Mapping[str, str]
    inline: Mapping[str, InlineNote]
    status: Status | None
    declined: bool
    review: ReviewState | None = None
    report: Report | None = None
    settled: bool = True


# --- effects: one frozen class a verb -------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostComment:
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class EditComment:
    key: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class PostInline:
    note: InlineNote


@dataclass(frozen=True, slots=True)
class ResolveInline:
    key: str
    id: str


@dataclass(frozen=True, slots=True)
class SetStatus:
    head: str
    status: Status


@dataclass(frozen=True, slots=True)
class SetReview:
    """The bot's own approval or request for changes; None takes it back."""

    head: str
    state: ReviewState | None


@dataclass(frozen=True, slots=True)
class PutReport:
    head: str
    report: Report


@dataclass(frozen=True, slots=True)
class Decline:
    reason: str


Effect = (
    PostComment
    | EditComment
    | PostInline
    | ResolveInline
    | SetStatus
    | SetReview
    | PutReport
    | Decline
)


# --- landing --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Landing:
    """The receipt of one landing: what, onto what, under which rules, and who asked."""

    number: int
    head: str
    base: str
    commit: str
    tree: str
    rules_digest: str
    asked_by: str
    at: datetime
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that went round the front door."""

    id: str  # the forge's own id for it
    kind: str  # direct-push, force-push, ...
    repo: str
    by: Account
    at: datetime
    ref: str
    detail: str
