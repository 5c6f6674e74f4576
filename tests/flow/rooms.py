"""What the worker does at each bell, for tests that do it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intakebot.flow.chores import chores
from intakebot.flow.house import House
from intakebot.flow.lane import lane
from intakebot.flow.look import look
from intakebot.flow.run import run
from intakebot.flow.survey import discover, survey

Work = Callable[[House, int], None]
ROOMS: Mapping[str, Work] = {
    "look": look,
    "run": run,
    "lane": lane,
    "survey": survey,
    "discover": discover,
    "chores": chores,
}
