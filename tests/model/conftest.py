"""The sandbox that checks run in is found and tested once."""

from __future__ import annotations

from tests.flow.conftest import checking

__all__ = ["checking"]
