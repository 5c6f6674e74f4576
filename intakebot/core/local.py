"""A change on somebody's own machine as facts, before it is pushed. Pure.

What only the forge and the house know (approvals, checks, who somebody is) is as of a pull request
that nobody has anything to say against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from intakebot.core.facts import MOST_FILES, MOST_LINES, clean, found_by, of_files, some
from intakebot.core.neutral import neutral_facts
from intakebot.core.paths import protected
from intakebot.model import Change, Config, Facts, Finding


@dataclass(frozen=True, slots=True)
class Local:
    repo: str
    branch: str
    target: str
    title: str
    description: str
    author: str
    fork_url: str
    main_url: str
    change: Change
    markers: Sequence[str] = ()
    detected: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    config: Config = field(default_factory=Config)


def facts_of(here: Local) -> Facts:
    change, config = here.change, here.config
    files = change.files
    return neutral_facts(
        repo=here.repo,
        title=clean(here.title),
        description=clean(here.description),
        author_login=clean(here.author),
        source_branch=clean(here.branch),
        target_branch=clean(here.target),
        intake_branch=clean(here.target),
        head=change.head,
        base=change.base,
        fork_url=here.fork_url,
        main_url=here.main_url,
        pull_url=here.main_url,  # there is no page of it yet
        page_url=here.main_url,
        commits=change.commits,
        **of_files(files),
        max_lines=config.limits.get("lines", MOST_LINES),
        max_files=config.limits.get("files", MOST_FILES),
        conflict_files=some(change.conflicts),
        conflict_markers=some(here.markers),
        protected_changed=some(protected((file.path for file in files), config.protected)),
        **{name: found_by(here.detected, name) for name in here.detected},
    )
