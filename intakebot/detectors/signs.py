"""Quick looks for what gives something away, in bytes of any kind, by RE2: one pass, linear."""

from __future__ import annotations

from typing import Any

import re2


def signs(pattern: bytes) -> Any:
    """A compiled pattern over plain bytes, whatever they are in."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern, options)
