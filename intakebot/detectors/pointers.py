"""Files of git-lfs, of which the repository has only a few lines: the file itself is elsewhere.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BEGINS = b"version https://git-lfs.github.com/spec/v1\n"
LONGEST = 1024  # bytes, as the specification has it
SIZE = re.compile(rb"^size ([0-9]{1,15})$", re.MULTILINE)


def suspects(data: bytes) -> bool:
    return len(data) < LONGEST and data.startswith(BEGINS)


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    if suspects(data):
        size = SIZE.search(data)
        yield 0, f"a pointer to a file of {int(size[1]):,} bytes" if size else "a pointer to a file"
