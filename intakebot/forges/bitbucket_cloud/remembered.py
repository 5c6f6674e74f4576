"""A memory of bounded size, for this process only; what it forgets is asked for again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

MOST = 5_000
K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Forgets what was set longest ago. Safe between threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        with self.lock:
            return self.values.get(key)

    def set(self, key: K, value: V) -> None:
        with self.lock:
            self.values[key] = value
            self.values.move_to_end(key)
            while len(self.values) > MOST:
                self.values.popitem(last=False)
