"""Reads a unified diff, as bytes, for where lines are: git's own or any other's.

Written by hand because unidiff takes 740 MB for a diff of 50 MB, and guesses where the text is
wrong (docs/adr/0014-reading-diffs.md). Lines end at LF alone: form feeds, U+2028 and lone CRs
are text. A diff that ends in the middle, or of more than two sides, is BadPatch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from intakebot.model import OperatorError

HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
# Git's way to quote a name: C's escapes, and three octal digits for a byte.
ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-3][0-7]{2})')
QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"')
ESCAPED = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b'"': b'"',
    b"\\": b"\\",
}
NAMES = (b"rename from ", b"rename to ", b"copy from ", b"copy to ")


class BadPatch(OperatorError):
    pass


@dataclass(slots=True)
class FilePatch:
    """One file of a diff. `old` is None for a new file, `new` for a deleted one.

    `added` and `kept` are lines of the new file, `removed` those of the old one: number -> text,
    without the newline. A file of which only the mode changed, or a binary one, has none.
    `unended` is the last line of the new file, where that has no newline; else 0.
    """

    old: str | None = None
    new: str | None = None
    added: dict[int, bytes] = field(default_factory=dict)
    kept: dict[int, bytes] = field(default_factory=dict)
    removed: dict[int, bytes] = field(default_factory=dict)
    unended: int = 0


def read_patch(data: bytes) -> Mapping[str, FilePatch]:
    """By the path that the file has afterwards; deleted ones are left out. Raises BadPatch."""
    return {one.new: one for one in read_files(data) if one.new is not None}


def read_files(data: bytes) -> list[FilePatch]:
    """Every file of the diff, in its order. Raises BadPatch."""
    reader = _Reader(data.split(b"\n"))
    while reader.at < len(reader.lines):
        reader.step()
    if not reader.files and data.strip():
        raise BadPatch("not a unified diff: it has no file in it; write one with `git diff`")
    return reader.files


@dataclass(slots=True)
class _Reader:
    lines: list[bytes]
    at: int = 0
    files: list[FilePatch] = field(default_factory=list)

    def step(self) -> None:
        line = self.lines[self.at]
        if line.startswith(b"diff --git "):
            self.files.append(FilePatch(*_both_names(line[11:].rstrip(b"\r"))))
        elif line.startswith((b"diff --cc ", b"diff --combined ", b"@@@ ")):
            raise self._bad("a diff of a merge against all its parents; compare two commits")
        elif line.startswith((b"deleted file mode ", b"new file mode ")) and self.files:
            # An empty file has no "---" and "+++", so this alone says it.
            setattr(self.files[-1], "new" if line.startswith(b"deleted") else "old", None)
        elif line.startswith(NAMES) and self.files:
            self._renamed(line.rstrip(b"\r"))
        elif line.startswith(b"--- ") and self._next().startswith(b"+++ "):
            self._named(line, self._next())
            self.at += 1
        elif match := HUNK.match(line):
            if not self.files:
                raise self._bad("a hunk before any file")
            self._hunk(*(1 if text is None else int(text) for text in match.groups()))
            return
        self.at += 1

    def _here(self) -> bytes:
        return self.lines[self.at] if self.at < len(self.lines) else b""

    def _next(self) -> bytes:
        return self.lines[self.at + 1] if self.at + 1 < len(self.lines) else b""

    def _renamed(self, line: bytes) -> None:
        what, _, name = line.partition(b" ")[2].partition(b" ")
        if what == b"from":
            self.files[-1].old = _text(_unquoted(name))
        else:
            self.files[-1].new = _text(_unquoted(name))

    def _named(self, before: bytes, after: bytes) -> None:
        old, new = _path(before[4:], b"a/"), _path(after[4:], b"b/")
        last = self.files[-1] if self.files else None
        if last is None or last.added or last.kept or last.removed:
            self.files.append(FilePatch(old, new))  # a diff that git has not written
        else:
            last.old, last.new = old, new

    def _hunk(self, old: int, olds: int, new: int, news: int) -> None:
        """Exactly as many lines as its head says."""
        file, start = self.files[-1], self.at
        old_end, new_end = old + olds, new + news
        self.at += 1
        while old < old_end or new < new_end:
            if self.at >= len(self.lines):
                raise self._bad("it ends in the middle of this hunk; was it cut off?", start)
            line = self.lines[self.at]
            kind, text = line[:1], line[1:]
            if kind == b"+":
                file.added[new] = text
                new += 1
            elif kind == b"-":
                file.removed[old] = text
                old += 1
            elif kind == b" " or line in (b"", b"\r"):
                if line == b"" and self.at == len(self.lines) - 1:
                    raise self._bad("it ends in the middle of this hunk; was it cut off?", start)
                file.kept[new] = text
                old, new = old + 1, new + 1
            elif kind != b"\\":
                raise self._bad("this is no line of a diff")
            self.at += 1
            if kind in (b"+", b" ") and self._here().startswith(b"\\ "):
                file.unended = new - 1  # "\ No newline at end of file"
        if old > old_end or new > new_end:
            raise self._bad("this hunk has more lines than its head says", start)

    def _bad(self, why: str, at: int | None = None) -> BadPatch:
        at = self.at if at is None else at
        shown = self.lines[at][:60].decode("utf-8", "replace") if at < len(self.lines) else ""
        return BadPatch(f"not a whole diff: line {at + 1}, {shown!r}: {why}")


def _both_names(rest: bytes) -> tuple[str | None, str | None]:
    """Of `a/x b/x`. Names with blanks in them are told apart only where both are the same: for
    all others git says them once more in lines of their own."""
    if quoted := QUOTED.match(rest):
        return _path(quoted[0], b"a/"), _path(rest[quoted.end() + 1 :], b"b/")
    half = (len(rest) - 1) // 2
    first, second = rest[:half], rest[half + 1 :]
    if first[2:] != second[2:]:
        first, _, second = rest.partition(b" ")
    return _path(first, b"a/"), _path(second, b"b/")


def _path(name: bytes, prefix: bytes) -> str | None:
    """As `--- ` and `+++ ` say it; None for /dev/null."""
    name = name.rstrip(b"\r")
    name = _unquoted(name) if name.startswith(b'"') else name.partition(b"\t")[0]
    if name == b"/dev/null":
        return None
    return _text(name.removeprefix(prefix))


def _unquoted(name: bytes) -> bytes:
    if not name.startswith(b'"'):
        return name
    end = name.rfind(b'"')
    return ESCAPE.sub(lambda match: _byte(match[1]), name[1 : end if end > 0 else None])


def _byte(escape: bytes) -> bytes:
    return ESCAPED[escape] if escape in ESCAPED else bytes((int(escape, 8),))


def _text(name: bytes) -> str:
    """Names that are not UTF-8 keep their bytes, as they do everywhere here."""
    return name.decode("utf-8", "surrogateescape")
