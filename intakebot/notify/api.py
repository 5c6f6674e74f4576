"""What a channel is: something that takes letters to people outside of the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """`key` names it for ever: whoever gets it twice can tell that it is the same."""

    key: str
    to: str  # the address of one person or list
    subject: str
    text: str
    at: datetime


class Channel(Protocol):
    @property
    def title(self) -> str:
        """What operators know it by: "smtp.example.com:587"."""

    def send(self, letter: Letter) -> None:
        """Returns when somebody else answers for it.

        Raises TryLater where that may come, OperatorError where this letter will never be taken.
        """

    def try_out(self) -> None:
        """As `send`, up to where a letter would be handed over."""
