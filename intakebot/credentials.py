"""Tokens of forges: from the environment, or from files that their owner alone can read.

Files are read anew each time, so that a token is rotated by writing the new one over the old
one, without a restart. Nothing here is kept, printed or logged.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from intakebot.model import OperatorError

_EXPIRES = re.compile(r"expires:? +(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    """`text` is a token, or where `key` is set the secret of that OAuth consumer. `email` is the
    Atlassian account of an API token, else ""; `origin` names the variable or the file, for
    messages. `expires` is the day it ends as somebody wrote it down, "" where nobody did."""

    text: str = field(repr=False)
    origin: str
    email: str = ""
    key: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Reads a token, `<PREFIX>_TOKEN` with `<PREFIX>_EMAIL` and `<PREFIX>_TOKEN_EXPIRES`, or an
    OAuth consumer, `<PREFIX>_OAUTH_KEY` with `<PREFIX>_OAUTH_SECRET`. Token and secret may also be
    in the file that `..._FILE` names."""

    prefix: str
    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def name(self) -> str:
        return f"{self.prefix}_TOKEN"

    @property
    def _key(self) -> str:
        return f"{self.prefix}_OAUTH_KEY"

    @property
    def _secret(self) -> str:
        return f"{self.prefix}_OAUTH_SECRET"

    def is_set(self) -> bool:
        return any(map(self._given, (self.name, f"{self.name}_FILE", self._key)))

    def withhold(self) -> None:
        """This process, and what it starts, shall not have it."""
        files = (f"{self.name}_FILE", f"{self._secret}_FILE")
        for name in (self.name, self._key, self._secret, *files, f"{self.prefix}_EMAIL"):
            self.environ.pop(name, None)

    def read(self) -> Secret:
        """Raises OperatorError when it is not set, or others may read its file."""
        key = self._given(self._key)
        if not key:
            return self._token()
        if self._given(self.name) or self._given(f"{self.name}_FILE"):
            raise OperatorError(f"{self.name} and {self._key} are both set; unset one of them")
        text, origin, _ = self._text(self._secret)
        return Secret(text, origin, key=key)

    def _token(self) -> Secret:
        text, origin, expires = self._text(self.name)
        expires = expires or self._given(f"{self.name}_EXPIRES")
        return Secret(text, origin, email=self._given(f"{self.prefix}_EMAIL"), expires=expires)

    def _text(self, name: str) -> tuple[str, str, str]:
        """What it is, where it was found, and when it ends as far as a file says so."""
        if given := self._given(name):
            return given, name, ""
        if not (place := self._given(f"{name}_FILE")):
            raise OperatorError(f"{name} is not set; give it, or {name}_FILE")
        text, expires = _read(Path(place), f"{name}_FILE")
        return text, f"{name}_FILE", expires

    def _given(self, name: str) -> str:
        return self.environ.get(name, "").strip()


def _read(path: Path, variable: str) -> tuple[str, str]:
    """The first line, and the day that a second one may name: `expires 2027-01-31`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{variable}: {path} cannot be read: {error}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise OperatorError(f"{variable}: others may read {path}; run: chmod 600 {path}")
    if not text:
        raise OperatorError(f"{variable}: {path} is empty; write the token into it")
    secret, _, rest = text.partition("\n")
    expires = _EXPIRES.fullmatch(rest.strip())
    if len(secret.split()) != 1 or (rest.strip() and expires is None):
        raise OperatorError(
            f"{variable}: {path} should have the token on its first line, and nothing else but "
            "perhaps a second line like: expires 2027-01-31"
        )
    return secret.strip(), expires[1] if expires else ""
