"""Whether what `connect` set up at Bitbucket Cloud still stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from intakebot.core.escape import visible
from intakebot.flow import connect as connecting
from intakebot.flow import upkeep
from intakebot.flow.connect_check import check_house, fork_policy, levels
from intakebot.flow.connect_find import levels_of
from intakebot.flow.connect_journal import known
from intakebot.flow.connect_plan import in_words
from intakebot.flow.connect_tokens import clock, look_at_tokens
from intakebot.flow.connect_words import (
    FORGE,
    Check,
    Desk,
    Found,
    Prove,
    Purpose,
    PutHook,
    Step,
    Tokens,
)
from intakebot.flow.doctor import Exam
from intakebot.forges.bitbucket_cloud.admin import Admin
from intakebot.model import OperatorError
from intakebot.store import deliveries
from intakebot.store.connections import ConnectionRow

QUIET = timedelta(days=7)


@dataclass
class Cloud:
    """`tokens` are set by the first exam, and the later ones need them."""

    desk: Desk
    tokens: Tokens = field(default_factory=lambda: Tokens({}, ()))

    def exams(self, rows: Sequence[ConnectionRow]) -> list[Exam]:
        """None where nothing says that Bitbucket Cloud is used."""
        if not rows and "read" not in self.desk.apis:
            return []
        each: list[Exam] = [(row.name, partial(self.look_at, row)) for row in rows]
        return [("tokens of Bitbucket Cloud", self.look_at_all), *each]

    def look_at_all(self) -> Iterator[Check]:
        self.tokens = look_at_tokens(self.desk, ("read", "land"))
        yield from self.tokens.checks
        yield clock(self.tokens.known, self.desk.now())
        self.desk.calls.save()
        yield from upkeep.look(
            {purpose: api for purpose, api in self.desk.apis.items() if purpose != "land"}
        )
        yield from check_house(self.desk.public_url, self.desk.masters)
        yield from upkeep.following(self.desk.database, self.desk.now())
        if not known(self.desk.database):
            what = "no repository is connected"
            cure = "run: intakebot connect bitbucket-cloud WORKSPACE/REPO"
            yield Check("warn", "connections", what, cure)

    def look_at(self, row: ConnectionRow) -> Iterator[Check]:
        for check in self._of(row):
            yield replace(check, about=f"{visible(row.name, 120)}: {check.about}")

    def _of(self, row: ConnectionRow) -> Iterator[Check]:
        yield self._last_delivery(row)
        if "admin" in self.tokens.known:
            yield from self._whole(row)
        elif "read" in self.tokens.known:
            yield from self._as_the_bot(row)

    def _whole(self, row: ConnectionRow) -> Iterator[Check]:
        admin = Admin(self.desk.apis["admin"])
        repo = admin.repository(row.workspace_id, row.forge_id)
        if not self.desk.masters or self.tokens.bot is None or "land" not in self.desk.apis:
            yield Check("fail", "connection", "can't be compared before what is above is mended")
            return
        found = connecting.consider(self.desk, admin, repo, self.tokens, ("", ""))
        yield from found.checks
        if found.stopped:
            return
        cure = f"run: intakebot connect bitbucket-cloud {repo.name} --yes"
        for step in found.steps:
            yield left_to_do(step, cure)
        if found.is_done:
            yield Check("ok", "connection", "the webhook and the restrictions are as set")
        elif not found.steps:
            yield Check("warn", "connection", "connect was not finished", cure)

    def _as_the_bot(self, row: ConnectionRow) -> Iterator[Check]:
        admin = Admin(self.desk.apis["read"], "read")
        repo = admin.repository(row.workspace_id, row.forge_id)
        right: dict[Purpose, str] = {}
        try:
            right |= levels_of(admin, repo, self.tokens)
        except OperatorError as error:
            yield Check("fail", "the bot's right", str(error))
        found = Found(repo, "", right, (), (), {})
        yield fork_policy(found)
        yield from levels(found)
        what = "the webhook and the restrictions can't be looked at with the bot's tokens"
        cure = "give BITBUCKET_ADMIN_TOKEN and BITBUCKET_ADMIN_EMAIL for this one command"
        yield Check("warn", "connection", what, cure)

    def _last_delivery(self, row: ConnectionRow) -> Check:
        with self.desk.database.read() as connection:
            last = deliveries.last_received(connection, FORGE, row.forge_id)
        about, now = "last delivery", self.desk.now()
        cure = "look at Repository settings → Webhooks → View requests, and at PUBLIC_URL"
        if last is None:
            return Check("warn", about, "none has arrived yet", cure)
        what = f"it arrived at {last:%Y-%m-%d %H:%M} UTC"
        return Check("warn" if now - last > QUIET else "ok", about, what, cure)


def left_to_do(step: Step, cure: str) -> Check:
    """Without the webhook the bot still looks by itself; without a restriction others get past."""
    match step:
        case PutHook():
            return Check("warn", "webhook", f"connect would {in_words(step)}", cure)
        case Prove():
            return Check("warn", "proof", f"connect would {in_words(step)}", cure)
        case _:
            return Check("fail", "restrictions", f"connect would {in_words(step)}", cure)
