"""Failed sign-ins by address, in memory and bounded: guessing is slowed, not punished."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

MOST = 10  # failures in a window
WINDOW = timedelta(minutes=5)
REMEMBERED = 10_000  # addresses; the one that failed longest ago is forgotten first


@dataclass(slots=True)
class Attempts:
    now: Callable[[], datetime]
    _failed: OrderedDict[str, tuple[datetime, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait(self, address: str) -> int:
        """Seconds until this address may try again; 0 when it may now."""
        with self._lock:
            since, count = self._failed.get(_network(address), (self.now(), 0))
        left = (since + WINDOW - self.now()).total_seconds()
        return max(0, int(left) + 1) if count >= MOST and left > 0 else 0

    def failed(self, address: str) -> None:
        network, now = _network(address), self.now()
        with self._lock:
            since, count = self._failed.pop(network, (now, 0))
            if since + WINDOW <= now:
                since, count = now, 0
            self._failed[network] = (since, count + 1)
            while len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)


def _network(address: str) -> str:
    """One household of IPv6 has 2^64 addresses to try from, so it counts as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
