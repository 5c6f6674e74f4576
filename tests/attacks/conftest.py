"""One tested sandbox, lent to every site with checks."""

from __future__ import annotations

from tests.flow.conftest import checking

__all__ = ["checking"]
