"""Rooms 4 and 5: what the forge and git say of one pull request now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from intakebot.checks.sandbox import NoSandbox
from intakebot.core.config import NAME, BadConfig, read_config
from intakebot.flow.detect import Found, detect
from intakebot.flow.house import House
from intakebot.model import Change, Config, Pull, PullState
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
    detected: Found = field(default_factory=dict)
    blocked: tuple[str, ...] = ()
    unreadable: str = ""  # the fork: what its owner has to do
    uncompared: str = ""  # the change: why git can't tell it in full


def read(house: House, pull: Pull) -> Reading:
    """Fetch what is needed of an open pull request and compute its change."""
    mirror = house.mirror(pull.repo)
    if pull.state is not PullState.OPEN:
        return Reading(mirror.git, Config())
    with ThreadPoolExecutor(1) as pool:  # two repositories are asked: each takes its time
        asked = pool.submit(_target, house, mirror, pull)
        head = _fetch_head(mirror, pull)
    target = asked.result()
    if target is None:
        why = f"the target branch {pull.target} does not exist"
        return Reading(mirror.git, Config(), blocked=(why,))
    if pull.source is None:
        return Reading(mirror.git, target.config, blocked=target.blocked)  # a rule judges it
    if head.unreadable or head.gone:
        blocked = (*target.blocked, *head.gone)
        return Reading(mirror.git, target.config, blocked=blocked, unreadable=head.unreadable)
    try:
        change, markers = _change(mirror.git, target.base, pull.head)
        detected = detect(mirror.git, change, target.config)
    except TooMuch as error:  # not tried again and again: it is the author's to make it smaller
        return Reading(mirror.git, target.config, blocked=target.blocked, uncompared=str(error))
    blocked = (*target.blocked, *_no_sandbox(house, target.config))
    return Reading(mirror.git, target.config, change, markers, detected, blocked)


@dataclass(frozen=True, slots=True)
class _Target:
    """The target branch's tip, and what its configuration says."""

    base: str
    config: Config
    blocked: tuple[str, ...]


def _target(house: House, mirror: Mirror, pull: Pull) -> _Target | None:
    base = house.tips(pull.repo, [pull.target]).get(pull.target)
    if base is None:
        return None
    mirror.fetch(pull.repo.clone_url, base, "base")
    return _Target(base, *_config(house, mirror, base))


@dataclass(frozen=True, slots=True)
class _Head:
    """Here, or why not: its owner has to do something about it, or it is gone."""

    unreadable: str = ""
    gone: tuple[str, ...] = ()


def _fetch_head(mirror: Mirror, pull: Pull) -> _Head:
    if pull.source is None:
        return _Head()
    if pull.unreadable or not pull.head.strip("0"):
        return _Head(unreadable=pull.unreadable or NOT_SEEN)
    try:
        mirror.fetch(pull.source.clone_url, pull.head, str(pull.number))
    except Unreadable:
        return _Head(unreadable="its owner has to let me in")
    except NoSuchCommit:
        return _Head(gone=(f"the fork no longer has commit {pull.head[:12]}; push again",))
    return _Head()


def _change(git: Git, base: str, head: str) -> tuple[Change, tuple[str, ...]]:
    """With leftover conflict markers. Counting lines and searching them both read every blob."""
    merged = changes.merge(git, base, head)
    if not merged.merge_bases:
        return changes.change_of(git, merged), ()
    with ThreadPoolExecutor(1) as pool:
        markers = pool.submit(changes.conflict_markers, git, *merged.sides)
        return changes.change_of(git, merged), tuple(markers.result())


def _config(house: House, mirror: Mirror, base: str) -> tuple[Config, tuple[str, ...]]:
    """The target branch's configuration; a broken one blocks and is judged by the defaults."""
    try:
        return read_config(read_file(mirror.git, base, NAME), house.toolset()), ()
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


NOT_SEEN = "its newest commit can't be found there; push again"
