"""Which account is the bot's own at each forge, asked for beside the requests."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Lock, Thread
from time import monotonic

from intakebot import log
from intakebot.forges.api import Forge
from intakebot.model import OperatorError, TryLater

GLANCE = 0.2  # seconds the request that starts a lookup waits for it; all others wait for nothing
AGAIN = 30.0  # seconds between lookups at a forge that does not answer


class OwnAccounts:
    """A forge that is down never delays or fails a delivery: its bot is just not known yet."""

    def __init__(self, forges: Mapping[str, Forge]) -> None:
        self._forges = forges
        self._ids: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._lock = Lock()

    def id_at(self, forge: str) -> str | None:
        if forge not in self._ids and self._may_ask(forge):
            answered = Event()
            Thread(target=self._ask, args=(forge, answered), daemon=True).start()
            answered.wait(GLANCE)
        return self._ids.get(forge)

    def _may_ask(self, forge: str) -> bool:
        with self._lock:
            due = forge in self._forges and monotonic() >= self._asked.get(forge, 0.0)
            if due:
                self._asked[forge] = monotonic() + AGAIN
            return due

    def _ask(self, forge: str, answered: Event) -> None:
        try:
            self._ids[forge] = self._forges[forge].me().id
        except (TryLater, OperatorError) as error:
            log.warning("the bot's own account is not known yet", forge=forge, why=str(error))
        finally:
            answered.set()
