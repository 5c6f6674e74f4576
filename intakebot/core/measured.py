"""Times and sizes as people write them: "10m", "4g"."""

from __future__ import annotations

import re

SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
TIMES = {"s": 1, "m": 60, "h": 3600}


def measured_time(text: str) -> int:
    """Seconds of "10m" and the like. Raises ValueError."""
    seconds = _measured(text, TIMES)
    if not 1 <= seconds <= 3600:
        raise ValueError('must lie between "1s" and "1h"')
    return seconds


def measured_size(text: str) -> int:
    """Bytes of "1g" and the like. Raises ValueError."""
    size = _measured(text, SIZES)
    if not (32 << 20) <= size <= (64 << 30):
        raise ValueError('must lie between "32m" and "64g"')
    return size


def _measured(text: str, units: dict[str, int]) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([a-z])", text)
    if not match or match[2] not in units:
        known = ", ".join(units)
        raise ValueError(f"{text!r} is not a number and one of {known}")
    return int(match[1]) * units[match[2]]
