"""All that is known of one head, put together as flat, total Facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intakebot.core import roster
from intakebot.core.asks import Asks
from intakebot.core.checking import Checked
from intakebot.core.paths import matching, protected
from intakebot.model import (
    Change,
    ChangedFile,
    CheckDefinition,
    Config,
    Facts,
    Finding,
    Group,
    Outcome,
    Person,
    Pull,
    Review,
)

MOST_LINES, MOST_FILES = 400, 30  # of a change that can be reviewed well, unless configured
MOST_LISTED = 50  # offenders in one list fact; rules speak about them one by one


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that was read for one look.

    `change` is None when git could not be asked, and then `blocked` says why. `checks` are those
    that the change needs, and `checked` what became of them.
    """

    pull: Pull
    author: Person
    config: Config
    asks: Asks
    change: Change | None
    first_time: bool
    landed: str = ""
    landed_anew: bool = False
    landing_failed: str = ""
    declined: bool = False
    checks: Sequence[CheckDefinition] = ()
    checked: Checked = field(default_factory=Checked)
    detected: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    markers: Sequence[str] = ()
    finding_count: int = 0
    changes_requested: Sequence[Review] = ()
    blocked: Sequence[str] = ()
    unreadable: str = ""
    page_url: str = ""
    uncompared: str = ""
    first_pull: bool = False


def gather(seen: Gathered) -> Facts:
    pull, change, config = seen.pull, seen.change, seen.config
    files = change.files if change else ()
    merge = seen.asks.merge
    facts = Facts(
        repo=pull.repo.name,
        number=pull.number,
        title=clean(pull.title),
        description=clean(pull.description),
        draft=pull.draft,
        author_login=clean(pull.author.login),
        author_group=seen.author.group.value,
        author_agency=seen.author.agency,
        first_time=seen.first_time,
        from_fork=pull.source is not None and pull.source.repo_id != pull.repo.id,
        origin_known=pull.source is not None,
        source_branch=clean(pull.source.branch) if pull.source else "",
        target_branch=clean(pull.target),
        intake_branch=pull.repo.intake,
        head=pull.head,
        base=change.base if change else "",
        fork_url=pull.fork_url,
        main_url=pull.main_url or pull.repo.clone_url,
        pull_url=pull.url,
        commits=change.commits if change else 0,
        **of_files(files),
        max_lines=config.limits.get("lines", MOST_LINES),
        max_files=config.limits.get("files", MOST_FILES),
        conflict_files=some(change.conflicts if change else ()),
        conflict_markers=some(seen.markers),
        protected_changed=some(protected((file.path for file in files), config.protected)),
        config_editor=roster.may_edit_config(seen.author),
        checks_failed=_required(seen, Outcome.FAILED),
        checks_pending=_pending(seen),
        checks_broken=_required(seen, Outcome.BROKEN),
        finding_count=seen.finding_count,
        approvals=len(seen.asks.approvals),
        approvals_needed=config.approvals,
        changes_requested_by=[clean(review.by.display) for review in seen.changes_requested],
        held_by=[clean(command.by.display) for command in seen.asks.holds],
        cleared_to_test=is_cleared(seen),
        merge_asked_by=clean(merge.by.display) if merge else "",
        blocked_by_us=[*seen.blocked, *_unclear(seen)],
        state=_state(pull, seen.declined),
        landed=seen.landed,
        landing_failed=seen.landing_failed,
        fork_page=pull.fork_page,
        open_page=pull.open_page,
        unreadable=seen.unreadable,
        page_url=seen.page_url,
        landed_anew=seen.landed_anew,
        uncompared=seen.uncompared,
    )
    return _with_what_was_found(facts, seen)


def _with_what_was_found(facts: Facts, seen: Gathered) -> Facts:
    return replace(
        facts,
        checks_flaky=_ended(seen, Outcome.FLAKY),
        checks_already_broken=_already_broken(seen),
        checks_optional=_optional(seen),
        archives=found_by(seen.detected, "archives"),
        hidden_characters=found_by(seen.detected, "hidden_characters"),
        secrets=found_by(seen.detected, "secrets"),
        suppressions=found_by(seen.detected, "suppressions"),
        programs=found_by(seen.detected, "programs"),
        stray_links=found_by(seen.detected, "stray_links"),
        clashing_names=found_by(seen.detected, "clashing_names"),
        taken_back=found_by(seen.detected, "taken_back"),
        pointers=found_by(seen.detected, "pointers"),
        locks_changed=_locks(seen),
        checks_elsewhere=_elsewhere(seen),
        first_pull=seen.first_pull,
    )


def is_cleared(seen: Gathered) -> bool:
    """Whether this head's code may run: somebody we know, or somebody a maintainer let in.

    What is installed for the checks is staff's to decide, or a maintainer's to let in; and so is
    what runs beside the main repository's secrets.
    """
    if not seen.checks or seen.asks.cleared:
        return True
    if seen.author.group is not Group.STAFF and (_locks(seen) or _elsewhere(seen)):
        return False
    return seen.author.group is not Group.OUTSIDER or not seen.first_time


def may_run(seen: Gathered) -> bool:
    """Whether checks that have no result yet are to be run for this head."""
    open_here = seen.pull.state.value == "open" and not seen.pull.draft and not seen.landed
    if not open_here or seen.change is None or seen.change.contained or seen.blocked:
        return False
    return is_cleared(seen)


def clean(text: str) -> str:
    """Bytes that were no UTF-8 made visible, so that the text can be stored and sent anywhere."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _locks(seen: Gathered) -> list[str]:
    """Changed files that decide what is fetched for the checks of this change."""
    patterns = [file for check in seen.checks for step in check.prepare for file in step.files]
    paths = [file.path for file in seen.change.files] if seen.change else []
    return some(matching(paths, list(dict.fromkeys(patterns))) if patterns else ())


def _elsewhere(seen: Gathered) -> list[str]:
    """Checks that run where the main repository's secrets are within reach."""
    return [check.name for check in seen.checks if check.is_elsewhere]


def of_files(files: Sequence[ChangedFile]) -> dict[str, Any]:
    """The facts that the changed files alone tell, by name."""
    return {
        "files_changed": len(files),
        "added_lines": sum(file.added or 0 for file in files),
        "removed_lines": sum(file.removed or 0 for file in files),
        "binary_files": sum(file.added is None for file in files),
        "paths": [clean(file.path) for file in files],
    }


def found_by(detected: Mapping[str, Sequence[Finding]], name: str) -> list[str]:
    """What one detector found, as rules name it."""
    found = detected.get(name, ())
    return some(f"{one.place}: {one.message.removesuffix('.')}" for one in found)


def some(items: Iterable[str]) -> list[str]:
    """The first of them, for a fact that rules go through one by one."""
    return [clean(item) for item in items][:MOST_LISTED]


def _state(pull: Pull, declined: bool) -> str:
    return "declined" if declined and pull.state.value == "closed" else pull.state.value


def _ended(seen: Gathered, *outcomes: Outcome) -> list[str]:
    results = seen.checked.results
    return [
        check.name
        for check in seen.checks
        if check.digest in results and results[check.digest].outcome in outcomes
    ]


def _required(seen: Gathered, outcome: Outcome) -> list[str]:
    names = {check.name for check in seen.checks if check.required}
    return [name for name in _ended(seen, outcome) if name in names]


def _optional(seen: Gathered) -> list[str]:
    names = {check.name for check in seen.checks if not check.required}
    return [name for name in _ended(seen, Outcome.FAILED, Outcome.BROKEN) if name in names]


def _already_broken(seen: Gathered) -> list[str]:
    unclear = {check.name for check in seen.checked.unclear if check.required}
    return [name for name in _ended(seen, Outcome.ALREADY_BROKEN) if name not in unclear]


def _unclear(seen: Gathered) -> list[str]:
    target = clean(seen.pull.target)
    return [
        f"the check {check.name} fails on {target} too, and nothing tells whether this change "
        f"makes it worse; {target} has to be mended first"
        for check in seen.checked.unclear
        if check.required
    ]


def _pending(seen: Gathered) -> list[str]:
    if not may_run(seen):
        return []
    results = seen.checked.results
    return [check.name for check in seen.checks if check.required and check.digest not in results]
