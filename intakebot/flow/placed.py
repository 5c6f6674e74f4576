"""Which findings of the checks are about what the pull request changed, and new with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from intakebot.core.mending import patch_of
from intakebot.core.patch import FilePatch, read_patch
from intakebot.core.placing import Where, already_there, place
from intakebot.model import Change, Finding
from intakebot.repo.change import raw_patch
from intakebot.repo.git import Git, TooMuch

SYMLINK = "120000"
LEVELS = ("reject", "error", "warning", "note")
MOST_PATHS = 400  # in one call of git
MOST_GONE = 200  # deleted files that are looked through for what was renamed


def on_changed_lines(
    git: Git, change: Change, found: Sequence[Finding], before: Sequence[Finding]
) -> list[Finding]:
    """Those on lines that the pull request added or wrote anew, most important first.

    The checks ran on the head's own tree, so lines are those of merge base against head.
    `before` are the same checks' findings in the merge base: what was there is not the author's.
    """
    if change.merge_base is None:
        return []
    # A symlink has no lines of its own: a tool that followed it speaks of another file.
    touched = {
        file.path for file in change.files if file.change != "deleted" and file.new_mode != SYMLINK
    }
    here = [one for one in found if one.path in touched]
    patch = _patch(git, change, change.merge_base, {one.path for one in here if one.line})
    placed = [one for one in place(here, patch) if not one.line or one.where is Where.ADDED]
    old = already_there([one.known for one in placed], patch, before)
    mine = [_mended(one.known, patch) for one in placed if one.fingerprint not in old]
    return sorted(mine, key=_importance)


def _mended(finding: Finding, patch: Mapping[str, FilePatch]) -> Finding:
    if finding.fix is None or finding.path not in patch:
        return finding
    return replace(finding, patch=patch_of(finding.path, finding.fix, patch[finding.path]))


def _patch(git: Git, change: Change, before: str, paths: Collection[str]) -> dict[str, FilePatch]:
    """Where it is too large to be read at once, file by file; findings in a file that is too large
    by itself are in the check's log alone."""
    if not paths:
        return {}
    gone = [file.path for file in change.files if file.change == "deleted"]
    wanted = [*sorted(paths), *(gone if len(gone) <= MOST_GONE else [])]
    found: dict[str, FilePatch] = {}
    for first in range(0, len(wanted), MOST_PATHS):
        some = wanted[first : first + MOST_PATHS]
        try:
            found |= read_patch(raw_patch(git, before, change.head, some, renames=True))
        except TooMuch:
            for path in some:
                with suppress(TooMuch):
                    found |= read_patch(raw_patch(git, before, change.head, [path]))
    return found


def _importance(finding: Finding) -> tuple[int, str, int, str]:
    return (LEVELS.index(finding.level.value), finding.path, finding.line, finding.message)
