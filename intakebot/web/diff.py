"""A pull request's diff with each finding under its line, read from the mirror and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from intakebot.model import ChangedFile, Finding
from intakebot.repo.change import changed_files, patch
from intakebot.repo.git import Git
from intakebot.web.shown import seen_line

MOST_FILES = 50
MOST_LINES = 2_000  # of one file
MOST_LINES_IN_ALL = 20_000
LONGEST_PATCH = 20_000  # changed lines; a longer patch is not even asked for
SIGNS = {"+": "added", "-": "removed"}
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_Line = tuple[str, int | None, int | None, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `old` and `new` are its numbers before and after; a hunk's head has neither."""

    kind: str  # added, removed, same, hunk
    old: int | None
    new: int | None
    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """`aside` are findings on the file itself or on lines that are not shown."""

    path: str
    change: str
    added: int | None
    removed: int | None
    rows: tuple[Row, ...] = ()
    hidden: int = 0  # lines left out
    note: str = ""
    aside: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    files: tuple[File, ...]
    hidden: int  # files left out
    aside: tuple[Finding, ...]  # findings in files that are not shown


def read_diff(git: Git, before: str, after: str, findings: Sequence[Finding]) -> Diff:
    """The change from `before` to `after`. Raises GitFailed or TryLater."""
    changed = changed_files(git, before, after)
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    # When not all fit, those that somebody has something to say about come first.
    order = sorted(changed, key=lambda file: file.path not in by_path)
    chosen = (order if len(changed) > MOST_FILES else changed)[:MOST_FILES]
    left = MOST_LINES_IN_ALL
    files = []
    for file in chosen:
        shown = _file(git, before, after, file, by_path.pop(file.path, []), min(MOST_LINES, left))
        left -= len(shown.rows)
        files.append(shown)
    aside = tuple(finding for rest in by_path.values() for finding in rest)
    return Diff(tuple(files), len(changed) - len(chosen), aside)


def _file(
    git: Git, before: str, after: str, file: ChangedFile, findings: list[Finding], most: int
) -> File:
    named = File(file.path, file.change, file.added, file.removed, aside=tuple(findings))
    if file.added is None or file.removed is None:
        return _noted(named, "A binary file; its content is not shown.")
    if file.added + file.removed > LONGEST_PATCH or most <= 0:
        return _noted(named, "Too large to be shown here.")
    at_line: dict[int, list[Finding]] = {}
    for finding in findings:
        at_line.setdefault(finding.line, []).append(finding)
    lines = _lines(patch(git, before, after, [file.path]))
    rows = tuple(_row(line, at_line) for line in islice(lines, most))
    hidden = sum(1 for _ in lines)
    placed = {id(finding) for row in rows for finding in row.findings}
    return File(
        file.path,
        file.change,
        file.added,
        file.removed,
        rows,
        hidden=hidden,
        note="" if rows else _without_lines(file),
        aside=tuple(finding for finding in findings if id(finding) not in placed),
    )


def _noted(file: File, note: str) -> File:
    return File(file.path, file.change, file.added, file.removed, note=note, aside=file.aside)


def _without_lines(file: ChangedFile) -> str:
    if file.change == "modified":
        return f"Only its mode changed, from {file.old_mode} to {file.new_mode}."
    return "An empty file."


def _lines(patch_text: str) -> Iterator[_Line]:
    """(kind, number before, number after, text) of every line in git's patch of one path.

    A hunk ends by the counts in its head, so that no line of a file is taken for a head.
    """
    old = new = old_left = new_left = 0
    for line in patch_text.split("\n"):
        if old_left <= 0 and new_left <= 0:
            head = HUNK.match(line)
            if head:
                old, new = int(head[1]), int(head[3])
                old_left, new_left = int(head[2] or 1), int(head[4] or 1)
                yield "hunk", None, None, line
            continue
        kind = SIGNS.get(line[:1], "same")
        if line[:1] == "\\":  # "\ No newline at end of file", which counts as no line
            continue
        before, after = kind != "added", kind != "removed"
        yield kind, old if before else None, new if after else None, line[1:]
        old, old_left = old + before, old_left - before
        new, new_left = new + after, new_left - after


def _row(line: _Line, at_line: Mapping[int, Sequence[Finding]]) -> Row:
    kind, old, new, text = line
    findings = tuple(at_line.get(new, ())) if new is not None else ()
    return Row(kind, old, new, seen_line(text), findings)
