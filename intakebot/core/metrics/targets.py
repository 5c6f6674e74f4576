"""What is to be reached. The owner sets it; it is nobody's finding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Targets:
    """The share that has to pass at first to be ready, and below which it is at risk."""

    ready: float = 0.60
    risk: float = 0.40
