"""Sends the letters that are due, each until the channel has taken it or never will.

A crash between the channel's answer and our note of it sends a letter twice, under the same
Message-ID: that is better than not at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import House
from intakebot.model import OperatorError, TryLater
from intakebot.notify.api import Channel, Letter
from intakebot.store import letters

TAKEN_FOR = timedelta(minutes=5)  # then somebody else may try it
PAUSE, DOUBLED = timedelta(minutes=1), 8  # times at most: then every four hours
GIVEN_UP = timedelta(days=5)  # as mail servers do with each other (RFC 5321, 4.5.4.1)


def post(house: House) -> None:
    """Write what there is to tell, and send what is due."""
    try:
        house.onboarding(house.now())
    except OperatorError as error:  # a report.toml that can't be read, or nothing to report on
        log.warning("no report is made for the gatekeepers", why=str(error))
    while house.channel is not None and _send_one(house, house.channel):
        pass


def _send_one(house: House, channel: Channel) -> bool:
    """Whether there may be more to send now."""
    now = house.now()
    with house.database.write() as connection:
        row = letters.take(connection, now, now + TAKEN_FOR)
    if row is None:
        return False
    letter = Letter(row.key, row.recipient, row.subject, row.body, row.at)
    crashpoint("letter.before_send")
    try:
        channel.send(letter)
    except OperatorError as error:
        log.warning("a letter is refused and not tried again", to=row.recipient, why=str(error))
        with house.database.write() as connection:
            letters.fail(connection, row.id, str(error), None)
        return True
    except TryLater as error:
        _wait(house, row, str(error))
        return False
    crashpoint("letter.after_send")
    with house.database.write() as connection:
        letters.sent(connection, row.id, house.now())
    return True


def _wait(house: House, row: sa.Row[Any], why: str) -> None:
    """All that are due, for the next might have to wait for the same; this one longer, so that the
    others have their turn before it."""
    now = house.now()
    again = now + PAUSE * 2 ** min(row.tries + 1, DOUBLED)
    over = again - row.at > GIVEN_UP
    log.warning("letters wait", why=why, given_up=over, until=str(again))
    with house.database.write() as connection:
        letters.put_off(connection, now, now + PAUSE)
        letters.fail(connection, row.id, why, None if over else again)
