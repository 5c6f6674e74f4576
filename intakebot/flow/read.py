"""Rooms 4 and 5: what the forge and git say of one pull request now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intakebot.checks.sandbox import NoSandbox
from intakebot.core.config import NAME, BadConfig, read_config
from intakebot.flow.house import House
from intakebot.model import Change, CheckResult, Config, Finding, Pull, PullState
from intakebot.repo import change as changes
from intakebot.repo.git import Git, TooMuch
from intakebot.repo.mirror import Mirror, NoSuchCommit, Unreadable
from intakebot.repo.objects import read_file


@dataclass(frozen=True, slots=True)
class Reading:
    """What git says, or `blocked`: why it could not be asked. `git` reads the mirror."""

    git: Git
    config: Config
    change: Change | None = None
    markers: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    unreadable: str = ""  # the fork: what its owner has to do
    uncompared: str = ""  # the change: why git can't tell it in full


def read(house: House, pull: Pull) -> Reading:
    """Fetch what is needed of an open pull request and compute its change."""
    mirror = house.mirror(pull.repo)
    if pull.state is not PullState.OPEN:
        return Reading(mirror.git, Config())
    tips = mirror.tips(pull.repo.clone_url, [pull.target])
    if pull.target not in tips:
        why = f"the target branch {pull.target} does not exist"
        return Reading(mirror.git, Config(), blocked=(why,))
    base = tips[pull.target]
    mirror.fetch(pull.repo.clone_url, base, "base")
    config, blocked = _config(house, mirror, base)
    if pull.source is None:
        return Reading(mirror.git, config, blocked=blocked)  # a rule judges the vanished fork
    if pull.unreadable or not pull.head.strip("0"):
        return Reading(mirror.git, config, blocked=blocked, unreadable=pull.unreadable or NOT_SEEN)
    try:
        mirror.fetch(pull.source.clone_url, pull.head, str(pull.number))
    except Unreadable:
        why = "its owner has to let me in"
        return Reading(mirror.git, config, blocked=blocked, unreadable=why)
    except NoSuchCommit:
        why = f"the fork no longer has commit {pull.head[:12]}; push again"
        return Reading(mirror.git, config, blocked=(*blocked, why))
    try:
        change = changes.read_change(mirror.git, base, pull.head)
        markers = tuple(_markers(mirror.git, change))
    except TooMuch as error:  # not tried again and again: it is the author's to make it smaller
        return Reading(mirror.git, config, blocked=blocked, uncompared=str(error))
    return Reading(mirror.git, config, change, markers, (*blocked, *_no_sandbox(house, config)))


def _config(house: House, mirror: Mirror, base: str) -> tuple[Config, tuple[str, ...]]:
    """The target branch's configuration; a broken one blocks and is judged by the defaults."""
    try:
        return read_config(read_file(mirror.git, base, NAME), tools=house.tools_digest), ()
    except (BadConfig, ValueError) as error:
        return Config(), (f"the configuration on the target branch is broken: {error}",)


def _no_sandbox(house: House, config: Config) -> tuple[str, ...]:
    if not config.checks:
        return ()
    try:
        house.sandbox()
    except NoSandbox as error:
        return (f"checks can't run safely: {error}",)
    return ()


def _markers(git: Git, change: Change) -> list[str]:
    after = change.result_tree or change.head
    before = change.base if change.result_tree else change.merge_base
    return changes.conflict_markers(git, before, after) if before else []


def on_changed_lines(git: Git, change: Change, results: Mapping[str, CheckResult]) -> list[Finding]:
    """Findings on lines that the pull request added or changed, most important first.

    The checks ran on the head's own tree, so lines are those of merge base against head.
    """
    before = change.merge_base
    if before is None:
        return []
    # A symlink has no lines of its own: a tool that followed it speaks of another file.
    touched = {
        file.path for file in change.files if file.change != "deleted" and file.new_mode != SYMLINK
    }
    found = [
        finding
        for result in results.values()
        for finding in result.findings
        if finding.path in touched
    ]
    lines = {
        path: _changed_lines(git, before, change.head, path)
        for path in {finding.path for finding in found if finding.line}
    }
    placed = [one for one in found if not one.line or one.line in lines[one.path]]
    return sorted(placed, key=_importance)


def _changed_lines(git: Git, before: str, head: str, path: str) -> frozenset[int]:
    """None where the difference is too large to be read: findings there are in the log alone."""
    try:
        return changes.changed_lines(git, before, head, path)
    except TooMuch:
        return frozenset()


NOT_SEEN = "its newest commit can't be found there; push again"
SYMLINK = "120000"
LEVELS = ("reject", "error", "warning", "note")


def _importance(finding: Finding) -> tuple[int, str, int, str]:
    return (LEVELS.index(finding.level.value), finding.path, finding.line, finding.message)
