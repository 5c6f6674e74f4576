"""A "no" of the product: what it answers instead of doing as asked."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        return {"type": "error", "error": {"message": self.message, **self.more}}
