"""Waiting for machines that are not ours, for tests of checks that run elsewhere."""

from __future__ import annotations

from datetime import timedelta

from intakebot.flow.elsewhere import LOOK_EVERY
from tests.flow.workshop import Workshop


def a_while(shop: Workshop, time: timedelta = LOOK_EVERY * 2) -> None:
    """Long enough for the house to look again at what it waits for."""
    shop.passes(time)
    shop.sweep()
    shop.settle()


def branches(shop: Workshop) -> list[str]:
    """Of the main repository, as it is served."""
    return shop.served("for-each-ref", "--format=%(refname:short)").split()
