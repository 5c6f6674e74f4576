"""Set a Bitbucket Cloud repository up as a gate, and take that back again.

Everything is shown first. What is about to be changed is written down before it is changed, so
that a connect that was killed can be repeated, or undone by `disconnect`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from intakebot.core.dialect import hook_secret
from intakebot.crash import crashpoint
from intakebot.forges.bitbucket_cloud import admin
from intakebot.forges.bitbucket_cloud.admin import Found
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.words import repository_path
from intakebot.model import OperatorError
from intakebot.store import connections
from intakebot.store.connections import ConnectionRow
from intakebot.store.database import Database

FORGE = "bitbucket-cloud"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asks for. `bot` is the account id that may write; `masters` are the
    forge's webhook secrets, the newest first."""

    intake: str
    deploy: str
    bot: str
    public_url: str
    masters: Sequence[str]
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` and `branch` are of a restriction, both "" for the hook."""

    says: str
    kind: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What connecting would do, and what speaks against it."""

    repo: Found
    steps: tuple[Step, ...]
    faults: tuple[str, ...]  # nothing is done while there is one
    warnings: tuple[str, ...]


def outlook(api: Api, database: Database, full_name: str, wish: Wish) -> Outlook:
    """Look, change nothing."""
    repo = admin.find(api, full_name)
    with database.read() as connection:
        row = connections.find(connection, FORGE, repo.id)
    faults, warnings = _judged(api, repo, wish)
    return Outlook(repo, tuple(_steps(api, repo, wish, row)), tuple(faults), tuple(warnings))


def _judged(api: Api, repo: Found, wish: Wish) -> tuple[list[str], list[str]]:
    faults: list[str] = []
    warnings = [
        "merge checks only warn on the Free and Standard plans, and approvals survive a push: "
        "the restrictions below and this bot are the gate"
    ]
    if repo.fork_policy == "no_forks":
        faults.append(
            f"{repo.name} forbids forks, so nobody could send changes; choose 'Allow forks' or "
            "'Allow only private forks' at Repository settings → Repository details → Forking"
        )
    if not wish.masters:
        faults.append(
            "INTAKEBOT_SECRET_BITBUCKET_CLOUD is not set; give 32 random characters, "
            "here and to `intakebot up`"
        )
    if not admin.has_branch(api, repo, wish.intake):
        faults.append(f"{repo.name} has no branch {wish.intake}; name another with --intake")
    if not admin.has_branch(api, repo, wish.deploy):
        warnings.append(f"{repo.name} has no branch {wish.deploy}; the first landing makes it")
    place = urlsplit(wish.public_url)
    if place.scheme != "https" or place.hostname in ("127.0.0.1", "localhost"):
        warnings.append(
            f"PUBLIC_URL is {wish.public_url}; Bitbucket Cloud sends to public https addresses "
            "alone, so without one the bot looks round every few minutes instead"
        )
    return faults, warnings


def _steps(api: Api, repo: Found, wish: Wish, row: ConnectionRow | None) -> list[Step]:
    steps = []
    there = {str(one.get("uuid")) for one in admin.hooks(api, repo)}
    if row is None or row.hook_id not in there:
        steps.append(Step(f"make a webhook to {wish.public_url}/hooks/{FORGE}/..."))
    rules = admin.restrictions(api, repo.path)
    for branch in dict.fromkeys((wish.intake, wish.deploy)):
        for kind in admin.RESTRICTED:
            same = [one for one in rules if (one.get("kind"), one.get("pattern")) == (kind, branch)]
            if not same:
                steps.append(Step(f"restrict '{kind}' on {branch} to the bot", kind, branch))
            elif not admin.allows_only(same[0], wish.bot):
                raise OperatorError(
                    f"{repo.name}: somebody has set '{kind}' on {branch} already, for others than "
                    "the bot; remove it at Repository settings → Branch restrictions, or put the "
                    "bot alone there"
                )
    return steps


def connect(
    api: Api, database: Database, seen: Outlook, wish: Wish, now: datetime
) -> ConnectionRow:
    """Do the steps. Repeating it after a kill does what is left."""
    repo = seen.repo
    with database.write() as connection:
        row = connections.find(connection, FORGE, repo.id)
        connections.keep(
            connection,
            {
                "forge": FORGE,
                "forge_id": repo.id,
                "workspace_id": repo.workspace_id,
                "name": repo.name,
                "intake": wish.intake,
                "deploy": wish.deploy,
                "hook_nonce": row.hook_nonce if row else secrets.token_hex(16),
                "connected_at": row.connected_at if row else now,
            },
        )
    for step in seen.steps:
        row = _kept(database, repo)
        if step.kind:
            _restrict(api, database, row, repo, step, wish.bot)
        else:
            _hook(api, database, row, repo, wish)
        crashpoint("connect.mid")
    return _kept(database, repo)


def _hook(api: Api, database: Database, row: ConnectionRow, repo: Found, wish: Wish) -> None:
    """One that a killed connect made is found by its address, and replaced: nobody knows whether
    it has the right secret."""
    url = f"{wish.public_url}/hooks/{FORGE}/{row.hook_nonce}"
    for old in admin.hooks(api, repo):
        if old.get("url") == url:
            admin.drop_hook(api, repo.path, str(old.get("uuid")))
    secret = hook_secret(wish.masters[0], row.hook_nonce)
    hook_id = admin.add_hook(api, repo, url, secret, wish.events)
    with database.write() as connection:
        connections.change(connection, row.id, hook_id=hook_id)


def _restrict(
    api: Api, database: Database, row: ConnectionRow, repo: Found, step: Step, bot: str
) -> None:
    """Written down first: a restriction of just this kind and branch was not there before us."""
    what = {"what": "restriction", "kind": step.kind, "pattern": step.branch}
    if what not in row.changes:
        with database.write() as connection:
            connections.change(connection, row.id, changes=[*row.changes, what])
    admin.add_restriction(api, repo, step.kind, step.branch, bot)


def _kept(database: Database, repo: Found) -> ConnectionRow:
    with database.read() as connection:
        row = connections.find(connection, FORGE, repo.id)
    if row is None:
        raise OperatorError(f"{repo.name}: somebody disconnected it meanwhile; connect it again")
    return row


# --- and back -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undoing:
    """`hook` is its uuid while it is there; `rules` are ids of restrictions as we set them;
    `left` says what others changed since, which stays."""

    row: ConnectionRow
    hook: str
    rules: tuple[tuple[str, str], ...]  # (id, what it says)
    left: tuple[str, ...]


def undoing(api: Api, database: Database, full_name: str, bot: str) -> Undoing:
    repo = admin.find(api, full_name)
    row = _kept_or_none(database, repo)
    if row is None:
        raise OperatorError(f"{repo.name} is not connected")
    there = {str(one.get("uuid")) for one in admin.hooks(api, repo)}
    ours = {(one.get("kind"), one.get("pattern")) for one in row.changes}
    rules, left = [], []
    for rule in admin.restrictions(api, repo.path):
        if (rule.get("kind"), rule.get("pattern")) not in ours:
            continue
        says = f"'{rule.get('kind')}' on {rule.get('pattern')}"
        if admin.allows_only(rule, bot):
            rules.append((str(rule.get("id")), says))
        else:
            left.append(f"{says} was changed by somebody since, and stays")
    return Undoing(row, row.hook_id if row.hook_id in there else "", tuple(rules), tuple(left))


def disconnect(api: Api, database: Database, seen: Undoing) -> None:
    path = repository_path(seen.row.workspace_id, seen.row.forge_id)
    if seen.hook:
        admin.drop_hook(api, path, seen.hook)
    for rule, _ in seen.rules:
        admin.drop_restriction(api, path, rule)
    with database.write() as connection:
        connections.forget(connection, seen.row.id)


def _kept_or_none(database: Database, repo: Found) -> ConnectionRow | None:
    with database.read() as connection:
        return connections.find(connection, FORGE, repo.id)
