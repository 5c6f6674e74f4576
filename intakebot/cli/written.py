"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from intakebot.model import OperatorError


def write_whole(out: Path, whole: str | bytes) -> None:
    """Raises OperatorError with what is in the way."""
    try:
        with tempfile.NamedTemporaryFile(
            "wb", dir=out.parent, prefix=f".{out.name}", delete=False
        ) as made:
            made.write(whole.encode() if isinstance(whole, str) else whole)
        os.chmod(made.name, 0o644)
        os.replace(made.name, out)
    except OSError as error:
        raise OperatorError(f"{out}: can't be written: {error.strerror}") from error
