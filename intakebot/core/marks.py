"""The bot's marks on comments, for forges that keep no keys: a short code in a visible footer."""

from __future__ import annotations

import hashlib
import re

_FOOTER = re.compile(r"\n\n_intakebot · ([0-9a-f]{10})_\s*\Z")


def tag(key: str) -> str:
    """The code of a mark: ten hex digits, the same for the same key."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def signed(text: str, key: str) -> str:
    """The text with its footer."""
    return f"{text.rstrip()}\n\n_intakebot · {tag(key)}_"


def read(text: str) -> tuple[str, str | None]:
    """Text without its footer, and the code; None when there is none. Inverse of `signed`."""
    found = _FOOTER.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, None)
