"""Searching thousands of paths with one regular expression, in linear time.

The matcher is the expression engine's (RE2: no backtracking). It compiles the pattern anew on
every call, about 20 µs, so groups of paths are tried as one text first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

Matches = Callable[[str, str], bool]  # (text, pattern): is the pattern found in the text?

GROUP = 256
# In a text of many lines `^` and `$` can stand for the ends of a path; these can not.
_ONLY_ONE_BY_ONE = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")


def _may_match(group: Sequence[str], pattern: str, matches: Matches) -> bool:
    """False only when no path of the group matches."""
    if _ONLY_ONE_BY_ONE.search(pattern):
        return True
    return matches("\n".join(group), f"(?m){pattern}")


def matching(paths: Sequence[str], pattern: str, matches: Matches) -> Iterator[str]:
    """The paths in which `pattern` is found, in their order."""
    matches("", pattern)  # a bad pattern is an error also when there is nothing to search
    for start in range(0, len(paths), GROUP):
        group = paths[start : start + GROUP]
        if _may_match(group, pattern, matches):
            yield from (path for path in group if matches(path, pattern))
