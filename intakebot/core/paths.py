"""Paths as the file systems of people's machines take them: several names may be one place."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence

# What Windows calls a long name by as well: INTAKE~1.TOM, or GI7D29~1 when there are many.
_SHORT = re.compile(r"(?P<stem>[^.~]{1,6})~[0-9]+(\..{0,3})?")


def protected(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Those that match a pattern, under any name for it. `dir/` means all below it, and the
    folder's own name, where a link may take its place; `*` matches `/` too."""
    wanted = [one for pattern in patterns for one in _wanted(pattern)]
    stems = {stem for pattern in patterns if (stem := _stem(pattern))}
    return [path for path in paths if _matches(folded(path), wanted, stems)]


def matching(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Those that match a pattern as it is written, for choosing and not for guarding.

    `dir/` means all below it; `*` matches `/` too.
    """
    tests = [
        re.compile(fnmatch.translate(f"{one}*" if one.endswith("/") else one)) for one in patterns
    ]
    return [path for path in paths if any(test.match(path) for test in tests)]


def folded(path: str) -> str:
    """The same for every path that macOS or Windows may take for this one.

    There, case, composed letters, invisible characters, and dots and blanks at the end of a name
    don't count, a backslash parts folders, and what follows a colon is no part of the name.
    """
    if path.isascii():
        plain = path.lower()
    else:
        decomposed = unicodedata.normalize("NFD", path).casefold()
        seen = "".join(char for char in decomposed if unicodedata.category(char) != "Cf")
        plain = unicodedata.normalize("NFC", seen)
    names = plain.replace("\\", "/").split("/")
    return "/".join(name.partition(":")[0].rstrip(". ") or name for name in names)


def is_short(name: str) -> bool:
    """Whether it looks like the second name that Windows gives to long ones, such as LONGNA~1."""
    return _SHORT.fullmatch(name) is not None


def _matches(path: str, wanted: Sequence[str], stems: set[str]) -> bool:
    return _is_short_for(path, stems) or any(fnmatch.fnmatchcase(path, one) for one in wanted)


def _wanted(pattern: str) -> list[str]:
    whole = folded(pattern)
    return [whole.rstrip("/"), f"{whole}*"] if pattern.endswith("/") else [whole]


def _stem(pattern: str) -> str:
    """What the short name of a pattern's first folder or file begins with; "" for any."""
    first = folded(pattern).partition("/")[0]
    return "" if set("*?[") & set(first) else re.sub(r"[. ]", "", first)[:6]


def _is_short_for(path: str, stems: set[str]) -> bool:
    match = _SHORT.fullmatch(path.partition("/")[0])
    if not match:
        return False
    given = match["stem"]
    hashed = re.fullmatch(r"(..)[0-9a-f]{4}", given)
    return any(
        given in (stem, stem[:5]) or (hashed is not None and stem.startswith(hashed[1]))
        for stem in stems
    )
