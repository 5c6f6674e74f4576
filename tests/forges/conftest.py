"""The same workshops as the flow's tests."""

from __future__ import annotations

from tests.flow.conftest import checking, shop

__all__ = ["checking", "shop"]
