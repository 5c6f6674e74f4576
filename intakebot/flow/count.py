"""Has written down what pull requests came to that are over, so that reports take no time."""

from __future__ import annotations

from intakebot import log
from intakebot.flow.house import House
from intakebot.model import OperatorError


def count(house: House) -> None:
    try:
        written = house.counting()
    except OperatorError as error:  # a report.toml that can't be read: reports say so, too
        log.warning("nothing is counted for reports", why=str(error))
        return
    if written:
        log.info("counted for reports", pulls=written)
