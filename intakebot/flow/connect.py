"""Connect a repository at Bitbucket Cloud: looked at whole, then done.

Killed anywhere, it is repeated or undone: what is changed at the forge is written down first.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from intakebot.core.dialect import hook_secret, is_nonce
from intakebot.flow import connect_journal as journals
from intakebot.flow import follow
from intakebot.flow.connect_alone import alone
from intakebot.flow.connect_check import check_repository
from intakebot.flow.connect_do import Doing, NotProved, Say, undo_all
from intakebot.flow.connect_find import look_around
from intakebot.flow.connect_journal import Journal
from intakebot.flow.connect_plan import adopted_nonce, mark, people, plan
from intakebot.flow.connect_words import FORGE, Change, Check, Desk, Found, Step, Tokens, Wish
from intakebot.flow.disconnect import forget
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.model import Account, OperatorError
from intakebot.store import connections
from intakebot.store.connections import ConnectionRow

DEPLOY = "deploy"


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` are empty when all is as it should be, or when a check failed. `row` is the
    connection as it was, None for a new one; `settled` its changes as far as they came."""

    repo: Repository
    wish: Wish
    nonce: str
    checks: tuple[Check, ...]
    steps: tuple[Step, ...]
    settled: tuple[Change, ...]
    row: ConnectionRow | None

    @property
    def is_done(self) -> bool:
        """Nothing is left, neither at the forge nor in what is written down about it."""
        if self.row is None or self.steps or list(self.settled) != list(self.row.changes):
            return False
        kept = (self.row.name, self.row.intake, self.row.deploy)
        return kept == (self.repo.name, self.wish.intake, self.wish.deploy)

    @property
    def stopped(self) -> bool:
        return bool(in_the_way(self.checks))


def consider(
    desk: Desk, admin: Admin, repo: Repository, tokens: Tokens, branches: tuple[str, str]
) -> Plan:
    """What is left to do for this repository, and what speaks against it. Changes nothing.

    `branches` are the intake and the deploy branch. Where they are "", they stay as they were
    connected; else they are the main branch and "deploy".
    """
    row = journals.find(desk.database, repo.id)
    wish, bot = _wish(repo, row, *branches), _bot(tokens)
    found = look_around(desk, admin, repo, tokens, wish.branches)
    nonce = row.hook_nonce if row else adopted_nonce(found.hooks, desk.door)
    nonce = nonce if is_nonce(nonce) else secrets.token_hex(16)
    checks = [*check_repository(found, wish, bot), *_second_hooks(found, desk.door + nonce, desk)]
    settled = _settled(found, row)
    steps: list[Step] = []
    if not in_the_way(checks):
        secret = hook_secret(desk.masters[0], nonce)
        target = (desk.door + nonce, mark(secret), desk.events)
        steps = plan(found, wish, bot, settled, target)
    return Plan(repo, wish, nonce, tuple(checks), tuple(steps), tuple(settled), row)


def in_the_way(checks: Iterable[Check]) -> str:
    """What stops it, as one text; "" where nothing does."""
    return "; ".join(check.what for check in checks if check.state == "fail")


def _wish(repo: Repository, row: ConnectionRow | None, intake: str, deploy: str) -> Wish:
    intake = intake or (row.intake if row else "") or repo.main
    if not intake:
        raise OperatorError(f"{repo.name} has no branch yet; push one, or name it with --intake")
    return Wish(intake, deploy or (row.deploy if row else "") or DEPLOY)


def _bot(tokens: Tokens) -> Account:
    if tokens.bot is None:
        raise OperatorError("the bot's account is not known; see the checks of its tokens")
    return tokens.bot


def _second_hooks(found: Found, url: str, desk: Desk) -> list[Check]:
    more = [hook.url for hook in found.hooks if hook.url.startswith(desk.door) and hook.url != url]
    cure = "remove it at Repository settings → Webhooks"
    what = "another webhook leads to this house, and everything would arrive twice"
    return [Check("warn", "webhooks", f"{what}: {one}", cure) for one in more]


def _settled(found: Found, row: ConnectionRow | None) -> list[Change]:
    observed = {
        (rule.kind, rule.pattern): (str(rule.id), people(rule))
        for rule in found.restrictions
        if rule.pattern
    }
    return journals.settled(row.changes if row else (), observed)


def bring(
    desk: Desk,
    admin: Admin,
    repo: Repository,
    tokens: Tokens,
    branches: tuple[str, str],
    show: Callable[[Plan], None] = lambda _: None,
    say: Say = lambda _: None,
) -> Plan:
    """Consider it and do all steps, unless a check failed. `show` gets the plan before that.

    Raises OperatorError or TryLater; safe to repeat.
    """
    with alone(desk, repo):
        wanted = consider(desk, admin, repo, tokens, branches)
        show(wanted)
        if not wanted.stopped:
            connect(desk, admin, wanted, _bot(tokens), say)
            follow.take_in(desk, repo.workspace_id, repo.id)
    return wanted


def connect(desk: Desk, admin: Admin, wanted: Plan, bot: Account, say: Say) -> None:
    """Do the steps. When the proof fails, what this run did is undone: the proof comes first."""
    if wanted.is_done:
        return
    journal = Journal(desk.database, _opened(desk, wanted))
    journal.settle(wanted.settled)
    secret = hook_secret(desk.masters[0], wanted.nonce)
    try:
        Doing(desk, admin, wanted.repo, journal, secret, say).steps(wanted.steps)
    except NotProved as error:
        say("the proof failed; undo what was done")
        ended = _undone(desk, admin, wanted, journal, say)
        raise OperatorError(f"{error}. {ended}. {_cure(error, bot)}") from error


def _cure(error: NotProved, bot: Account) -> str:
    if not error.answered:
        return "That was no answer, so it says nothing about the token; run this once more"
    return (
        f"Look whether BITBUCKET_LAND_TOKEN belongs to {bot.display}, who needs write access, "
        "and has the scope write:repository:bitbucket"
    )


def _undone(desk: Desk, admin: Admin, wanted: Plan, journal: Journal, say: Say) -> str:
    """How undoing a run that failed ended."""
    is_new = wanted.row is None
    faults = undo_all(admin, wanted.repo, journal, say, only_unfinished=not is_new)
    if not journal.changes:
        forget(desk, journal.row)
    return f"not everything could be undone: {'; '.join(faults)}" if faults else "all undone"


def _opened(desk: Desk, wanted: Plan) -> ConnectionRow:
    repo = wanted.repo
    with desk.database.write() as connection:
        connections.keep(
            connection,
            {
                "forge": FORGE,
                "forge_id": repo.id,
                "workspace_id": repo.workspace_id,
                "name": repo.name,
                "intake": wanted.wish.intake,
                "deploy": wanted.wish.deploy,
                "hook_nonce": wanted.nonce,
                "connected_at": wanted.row.connected_at if wanted.row else desk.now(),
            },
        )
        row = connections.find(connection, FORGE, repo.id)
    if row is None:
        raise OperatorError(f"{repo.name}: somebody disconnected it just now; run this once more")
    return row
