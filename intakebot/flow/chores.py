"""What nobody waits for, all of it in one worker: each one that is woken takes memory for good."""

from __future__ import annotations

from intakebot.flow.count import count
from intakebot.flow.house import House
from intakebot.flow.post import post


def chores(house: House, _: int = 0) -> None:
    post(house)
    count(house)
