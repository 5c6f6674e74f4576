"""Where the bot has other machines try what a change gives, and how calls to them are signed."""

from __future__ import annotations

from intakebot.core.dialect import SCHEMES

BRANCHES = "intake/try/"  # and the number of the pull request; in the main repository


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the exact body, as forges write it: `sha256=` and 64 hexadecimal digits."""
    scheme = SCHEMES["hmac-sha256"]
    return f"sha256={scheme(secret.encode('utf-8', 'surrogateescape'), body)}"
