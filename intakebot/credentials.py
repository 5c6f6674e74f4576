"""Tokens of forges: from the environment, or from files that their owner alone can read.

Files are read anew each time, so that a token is rotated by writing the new one over the old
one, without a restart. Nothing here is kept, printed or logged.
"""

from __future__ import annotations

import os
import stat
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from intakebot.model import OperatorError


@dataclass(frozen=True, slots=True)
class Secret:
    """`email` is the Atlassian account of an API token, and "" for an access token; `origin`
    names the variable or the file, for messages."""

    email: str
    text: str = field(repr=False)
    origin: str = ""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Reads `<PREFIX>_TOKEN` or the file in `<PREFIX>_TOKEN_FILE`, and `<PREFIX>_EMAIL`."""

    prefix: str
    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def name(self) -> str:
        return f"{self.prefix}_TOKEN"

    def is_set(self) -> bool:
        return bool(self.environ.get(self.name) or self.environ.get(f"{self.name}_FILE"))

    def withhold(self) -> None:
        """This process, and what it starts, shall not have it."""
        for name in (self.name, f"{self.name}_FILE", f"{self.prefix}_EMAIL"):
            self.environ.pop(name, None)

    def read(self) -> Secret:
        """Raises OperatorError when it is not set, or others may read its file."""
        email = self.environ.get(f"{self.prefix}_EMAIL", "").strip()
        given = self.environ.get(self.name, "").strip()
        if given:
            return Secret(email, given, self.name)
        place = self.environ.get(f"{self.name}_FILE", "").strip()
        if not place:
            raise OperatorError(f"{self.name} is not set; give it, or {self.name}_FILE")
        return Secret(email, _read(Path(place), f"{self.name}_FILE"), f"{self.name}_FILE")


def _read(path: Path, variable: str) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{variable}: {path} cannot be read: {error}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise OperatorError(f"{variable}: others may read {path}; run: chmod 600 {path}")
    if not text:
        raise OperatorError(f"{variable}: {path} is empty; write the token into it")
    return text
