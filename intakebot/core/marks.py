"""The bot's marks on comments, for forges that keep no keys: a short code in a visible footer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from intakebot.model import BotComment, Comment

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


def resolve(
    comments: Iterable[Comment], known: Mapping[str, str], candidates: Iterable[str]
) -> dict[str, BotComment]:
    """Key -> the bot's comment that carries it.

    `comments` are the bot's own, `known` maps ids to keys as kept when they were posted. One that
    is neither keyed nor known was posted just before a crash, or its answer was lost: its tag
    tells which of the `candidates` it is. Of two with one key, the older one is it.
    """
    by_tag = {tag(key): key for key in candidates}
    found: dict[str, BotComment] = {}
    for one in sorted(comments, key=lambda comment: comment.seq):
        key = one.key or known.get(one.id) or by_tag.get(one.tag or "")
        if key is not None and key not in found:
            found[key] = BotComment(one.id, one.text, one.path, one.line, one.resolved, one.replied)
    return found
