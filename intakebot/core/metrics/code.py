"""Which paths are code, and which are tests, by the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODE = re.compile(
    r"\.(?:py|js|mjs|cjs|jsx|ts|tsx|vue|svelte|php|rb|java|kt|go|rs|cs|c|h|cpp|swift|sh|sql|twig|liquid)$"
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|cypress|e2e)/|(?:^|/)test_[^/]+$|[._-](?:test|spec)s?\.[^/.]+$"
    r"|Test\.(?:php|java|kt|cs)$",
)


def is_code(paths: Iterable[str]) -> bool:
    return any(_CODE.search(path) for path in paths)


def has_tests(paths: Iterable[str]) -> bool:
    return any(_TESTS.search(path) for path in paths)
