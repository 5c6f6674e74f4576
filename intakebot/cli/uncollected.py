"""For commands that make very many rows, and end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collections meanwhile: each would look through all rows again, and none of them
    is part of a cycle. A quarter of the time of a large report went there."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
