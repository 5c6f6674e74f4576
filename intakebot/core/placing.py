"""Where a finding is, seen from a change: on a line that it added, beside one, or elsewhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from intakebot.core.patch import FilePatch
from intakebot.model import Finding

LONGEST_SPAN = 100  # lines of a finding that are looked at


class Where(StrEnum):
    ADDED = "added"  # on a line that the change added or wrote anew
    CONTEXT = "context"  # on one of the unchanged lines that the diff shows
    FILE = "file"  # elsewhere in a file that the change touches, or on the file as a whole
    OUTSIDE = "outside"  # in a file that the change leaves alone, or takes away


COUNTS: Mapping[str, Collection[Where]] = {
    "added": (Where.ADDED,),
    "context": (Where.ADDED, Where.CONTEXT),
    "file": (Where.ADDED, Where.CONTEXT, Where.FILE),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """`line` is the first of the finding's lines that is `where`. `fingerprint`, 20 hexadecimal
    digits, is the same for the same finding in later versions of a change."""

    finding: Finding
    where: Where
    line: int
    fingerprint: str

    @property
    def known(self) -> Finding:
        """The finding with its line and its name."""
        return replace(self.finding, line=self.line, fingerprint=self.fingerprint)


def place(findings: Iterable[Finding], patch: Mapping[str, FilePatch]) -> list[Placed]:
    """Each finding with where it is, in their order.

    `patch` is that of the tree which the findings speak of, from `read_patch`.
    """
    seen: dict[str, int] = {}
    placed = []
    for finding in findings:
        file = patch.get(finding.path)
        where, line = _where(finding, file)
        text = b"" if file is None else file.added.get(line) or file.kept.get(line) or b""
        name = _named(finding, finding.path, text)
        fingerprint = _fingerprint(name, 1)
        seen[fingerprint] = ordinal = seen.get(fingerprint, 0) + 1
        if ordinal > 1:
            fingerprint = _fingerprint(name, ordinal)
        placed.append(Placed(finding, where, line, fingerprint))
    return placed


def already_there(
    findings: Iterable[Finding], patch: Mapping[str, FilePatch], before: Iterable[Finding]
) -> frozenset[str]:
    """Fingerprints of placed findings that the old tree has too, on lines that were moved.

    `before` are the same tool's findings there. One that the old tree has three times excuses
    three.
    """
    moved: Counter[str] = Counter()
    by_old = {file.old: file for file in patch.values() if file.old is not None}
    for finding in before:
        file = by_old.get(finding.path)
        text = None if file is None else file.removed.get(finding.line)
        if file is not None and file.new is not None and text is not None:
            moved[_named(finding, file.new, text)] += 1
    known = set()
    for finding in findings:
        file = patch.get(finding.path)
        name = _named(finding, finding.path, file.added.get(finding.line, b"") if file else b"")
        if moved[name] > 0:
            moved[name] -= 1
            known.add(finding.fingerprint)
    return frozenset(known)


def _where(finding: Finding, file: FilePatch | None) -> tuple[Where, int]:
    line = finding.line
    if file is None:
        return Where.OUTSIDE, line
    if line in file.added:
        return Where.ADDED, line
    if finding.end_line > line > 0:
        return _span(finding, file)
    return Where.CONTEXT if line in file.kept else Where.FILE, line


def _span(finding: Finding, file: FilePatch) -> tuple[Where, int]:
    last = min(finding.end_line, finding.line + LONGEST_SPAN)
    span = range(finding.line, last + 1)
    for where, lines in ((Where.ADDED, file.added), (Where.CONTEXT, file.kept)):
        first = next((line for line in span if line in lines), None)
        if first is not None:
            return where, first
    return Where.FILE, finding.line


def _named(finding: Finding, path: str, text: bytes) -> str:
    """What stays the same when lines move and blanks change: rule, path and the line's text.

    Where a tool names no rule, or the line is not in the diff, its message has to serve.
    """
    plain = b" ".join(text.split()).decode("utf-8", "surrogateescape")
    said = "" if finding.rule and plain else finding.message
    return f"{finding.tool}\0{finding.rule}\0{path}\0{said}\0{plain}"


def _fingerprint(name: str, ordinal: int) -> str:
    """Equal ones in a file are told apart by their order."""
    text = f"{name}\0{ordinal}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:20]
