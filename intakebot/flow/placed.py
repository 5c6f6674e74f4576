"""Which findings of the checks are about what the pull request changed, and new with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from intakebot.core.mending import patch_of
from intakebot.core.patch import FilePatch, read_patch
from intakebot.core.placing import COUNTS, Placed, Where, already_there, place
from intakebot.model import Change, Finding
from intakebot.repo.change import raw_patch
from intakebot.repo.git import Git, TooMuch

SYMLINK = "120000"
LEVELS = ("reject", "error", "warning", "note")
MOST_PATHS = 400  # in one call of git
MOST_GONE = 200  # deleted files that are looked through for what was renamed


def on_changed_lines(
    git: Git,
    change: Change,
    found: Mapping[str, Sequence[Finding]],
    lines: Mapping[str, str],
    before: Sequence[Finding],
) -> list[Finding]:
    """Those on lines that the pull request added or wrote anew, most important first.

    `found` maps checks to what they found, `lines` maps them to what counts: "added", or also what
    is on "context" lines that the diff shows, or anywhere in a "file" that was touched. The checks
    ran on the head's own tree, so lines are those of merge base against head. `before` are the same
    checks' findings in the merge base: what was there is not the author's.
    """
    if change.merge_base is None:
        return []
    # A symlink has no lines of its own: a tool that followed it speaks of another file.
    touched = {
        file.path for file in change.files if file.change != "deleted" and file.new_mode != SYMLINK
    }
    counted = [(COUNTS[lines[check]], one) for check, those in found.items() for one in those]
    counted = [(counts, one) for counts, one in counted if one.path in touched]
    here = [one for _, one in counted]
    patch = _patch(git, change, change.merge_base, {one.path for one in here if one.line})
    placed = [
        one
        for (counts, _), one in zip(counted, place(here, patch), strict=True)
        if not one.finding.line or one.where in counts
    ]
    old = already_there([one.known for one in placed], patch, before)
    mine = [_mended(one, patch) for one in placed if one.fingerprint not in old]
    return sorted(mine, key=_importance)


def _mended(placed: Placed, patch: Mapping[str, FilePatch]) -> Finding:
    """With the patch of its fix, and whether a comment can stand on its line."""
    finding = replace(placed.known, in_diff=placed.where in (Where.ADDED, Where.CONTEXT))
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
