"""Quick looks for what gives something away, in bytes of any kind, by RE2: one pass, linear."""

from __future__ import annotations

from typing import Any

import re2

BINARY_WITHIN = 8000  # bytes in which a NUL says that it is no text, as git has it


def signs(pattern: bytes) -> Any:
    """A compiled pattern over plain bytes, whatever they are in."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern, options)


def in_text(pattern: Any, data: bytes) -> bool:
    """Whether a text has one of these signs."""
    return pattern.search(data) is not None and b"\0" not in data[:BINARY_WITHIN]
