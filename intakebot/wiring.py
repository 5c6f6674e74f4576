"""The one place where the real parts are joined."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from intakebot.checks import tools
from intakebot.checks.kit import Tools
from intakebot.checks.prepare import REGISTRIES, Pantry
from intakebot.checks.proxy import Hosts
from intakebot.checks.sandbox import Sandbox, open_sandbox
from intakebot.core.addresses import agency_page
from intakebot.core.checkfile import read_presets
from intakebot.core.dialect import Dialect, read_dialect
from intakebot.core.rulefile import read_rules
from intakebot.core.rules import rules_digest
from intakebot.credentials import TokenSource
from intakebot.flow import upkeep
from intakebot.flow.bell import RqBell
from intakebot.flow.calls import HouseCalls
from intakebot.flow.connect_tokens import PURPOSES, ends
from intakebot.flow.connect_words import Check, Desk, Purpose
from intakebot.flow.house import Bell, House
from intakebot.forges.api import Forge, SignIn
from intakebot.forges.bitbucket_cloud import BitbucketCloud, Connection, Token
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.oauth import Consumers
from intakebot.forges.bitbucket_cloud.sign_in import BitbucketSignIn
from intakebot.forges.git import GitForge as GitForgeClient
from intakebot.gitforge.foreign import install as install_hook
from intakebot.gitforge.forge import ForgeError
from intakebot.gitforge.forge import GitForge as BuiltInForge
from intakebot.gitforge.sender import run as send_webhooks
from intakebot.model import OperatorError, Repo
from intakebot.notify.api import Channel
from intakebot.notify.mail import Mail
from intakebot.repo.git import Credential
from intakebot.repo.mirror import Mirror
from intakebot.settings import Settings, dialect_files, lock_files, preset_files, rule_files
from intakebot.store import connections
from intakebot.store.database import Database

__all__ = [
    "BOT",
    "BuiltInForge",
    "ForgeError",
    "build_house",
    "built_in_forge",
    "check_data",
    "dialects",
    "install_hook",
    "send_webhooks",
    "serve_git",
]

BOT = "intakebot"
T = TypeVar("T")
_FOLDER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,80}")


class NoBell:
    """For one-shot commands that change nothing: nobody needs waking."""

    def ring(self, bells: object) -> None:
        return None


def build_house(settings: Settings, *, bell: Bell | None = None) -> House:
    """A process's own house. Raises OperatorError when a rule or a setting is malformed."""
    rules = read_rules(rule_files())
    kit = tools_at(settings)
    database = Database(settings.database_url)
    known = forges(settings, database)
    return House(
        database=database,
        forges=known,
        rules=rules,
        rules_digest=rules_digest(rules),
        bell=bell or RqBell(settings.redis_url),
        now=now,
        mirror=lambda repo: _mirror(settings, known, repo, "read"),
        landing=lambda repo: _mirror(settings, known, repo, "land"),
        sandbox=_remembered(lambda: try_sandbox(settings), seconds=60),
        toolbox=_remembered(kit.build, seconds=60),
        toolset=_remembered(kit.toolset, seconds=60),
        pantry=Pantry(settings.state / "prepared", _hosts(settings)),
        public_url=settings.public_url,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        upkeep=_upkeep(known, database),
        sign_ins=sign_ins(settings, known),
        qa_hooks=settings.qa_hooks,
        bodies_kept=settings.bodies_kept,
        channel=channel(settings),
        counting=lambda: _counting(settings, database),
        onboarding=lambda at: _onboarding(settings, database, at),
    )


def channel(settings: Settings) -> Channel | None:
    return Mail(settings.mail.server, settings.mail.sender) if settings.mail else None


def _counting(settings: Settings, database: Database) -> int:
    from intakebot.report import count  # most commands count nothing

    return count.of_house(database, settings)


def _onboarding(settings: Settings, database: Database, at: datetime) -> None:
    from intakebot.report import gather, onboarding  # what counts takes a second to load

    gatekeepers = settings.mail.gatekeepers if settings.mail else ()
    page = partial(agency_page, settings.public_url)
    onboarding.tell(database, partial(gather.of_house, database, settings), page, gatekeepers, at)


def _hosts(settings: Settings) -> Hosts:
    try:
        return Hosts.read((*REGISTRIES, *settings.prepare_hosts))
    except ValueError as error:
        raise OperatorError(f"Settings: PREPARE_HOSTS: {error}") from error


def tools_at(settings: Settings) -> Tools:
    return Tools(_public_folder(settings) / "tools", tools.locks(lock_files()))


def now() -> datetime:
    return datetime.now(UTC)


def forges(settings: Settings, database: Database) -> dict[str, Forge]:
    """The built-in one, and those that a token is set for."""
    known: dict[str, Forge] = {
        "git": GitForgeClient(settings.git_url, settings.public_url, settings.tokens)
    }
    if BITBUCKET["read"].is_set():
        known[BitbucketCloud.name] = bitbucket_cloud(settings, database)
    return known


def sign_ins(settings: Settings, known: Mapping[str, Forge]) -> dict[str, SignIn]:
    """Where people may sign in at the forge's own pages."""
    cloud, consumer = known.get(BitbucketCloud.name), TokenSource("BITBUCKET_SIGN_IN")
    if not isinstance(cloud, BitbucketCloud) or not consumer.is_set():
        return {}
    site = settings.bitbucket_git_url
    return {cloud.name: BitbucketSignIn(site, consumer.read, cloud.api, cloud.me)}


def _upkeep(known: Mapping[str, Forge], database: Database) -> Callable[[], Iterable[Check]]:
    cloud = known.get(BitbucketCloud.name)
    apis: Mapping[Purpose, Api] = {"read": cloud.api} if isinstance(cloud, BitbucketCloud) else {}
    return lambda: (
        *upkeep.look(apis),
        *(ends(token_end, now().date()) if apis else ()),
        *upkeep.following(database, now()),
    )


BITBUCKET: Mapping[str, TokenSource] = {
    "read": TokenSource("BITBUCKET"),
    "land": TokenSource("BITBUCKET_LAND"),
    "admin": TokenSource("BITBUCKET_ADMIN"),  # for connect, disconnect, doctor and the clock
}


def withhold_admin() -> None:
    """For the processes that have no use for the administrator's token."""
    BITBUCKET["admin"].withhold()


def bitbucket_cloud(settings: Settings, database: Database) -> BitbucketCloud:
    def connected() -> list[Connection]:
        with database.read() as connection:
            rows = connections.all_of(connection, BitbucketCloud.name)
        return [
            Connection(row.forge_id, row.workspace_id, row.name, row.intake, row.deploy)
            for row in rows
        ]

    tokens = bitbucket_tokens(settings)

    def tip(url: str, branch: str) -> str | None:
        token = tokens("read")
        credential = Credential(settings.bitbucket_git_url, token.git_user, token.secret)
        mirror = Mirror(settings.mirrors / f"{BitbucketCloud.name}-tips.git", credential)
        return mirror.tips(url, [branch]).get(branch)

    return BitbucketCloud(
        settings.bitbucket_url,
        settings.bitbucket_git_url,
        tokens,
        connected,
        now,
        tip,
        survey_every=settings.survey_every,
        calls=HouseCalls(database, now),
    )


def bitbucket_desk(settings: Settings, database: Database) -> Desk:
    """What connect, disconnect and doctor need; a token that is not set has no entry."""
    tokens = bitbucket_tokens(settings)

    def land(repo_id: str) -> Mirror:
        repo = Repo(BitbucketCloud.name, repo_id, "", "", "", "")
        token = tokens("land")
        return _mirror_with(
            settings, repo, Credential(settings.bitbucket_git_url, token.git_user, token.secret)
        )

    calls = HouseCalls(database, now)

    def api(purpose: Purpose) -> Api:
        return Api(settings.bitbucket_url, lambda _: tokens(purpose), now, calls=calls)

    kinds = dialects()[BitbucketCloud.name].kinds
    return Desk(
        database=database,
        now=now,
        calls=calls,
        apis={purpose: api(purpose) for purpose in PURPOSES if BITBUCKET[purpose].is_set()},
        land=land,
        git_url=settings.bitbucket_git_url,
        public_url=settings.public_url,
        masters=settings.webhook_secrets.get(BitbucketCloud.name, ()),
        events=frozenset(kind for kind in kinds if not kind.startswith("repo:commit_status_")),
        end=token_end,
    )


def bitbucket_tokens(settings: Settings) -> Callable[[Purpose], Token]:
    """Each is read anew when it is asked for. An API token comes with the email of its account;
    for an OAuth consumer, one of its access tokens that still holds."""
    consumers = Consumers(settings.bitbucket_git_url, now)

    def token(purpose: Purpose) -> Token:
        secret = BITBUCKET[purpose].read()
        if secret.key:
            return consumers.token(secret.key, secret.text, secret.origin)
        kind: Literal["api", "access"] = "api" if secret.email else "access"
        return Token(kind, secret.email, secret.text, secret.origin)

    return token


def token_end(purpose: Purpose) -> str | None:
    """The day that somebody wrote down, "" for none; None for what ends never or is not set.

    Raises OperatorError for a token that can't be read.
    """
    if not BITBUCKET[purpose].is_set():
        return None
    secret = BITBUCKET[purpose].read()
    return None if secret.key else secret.expires


def dialects() -> dict[str, Dialect]:
    """Forge -> its dialect."""
    read = [read_dialect(name, text) for name, text in dialect_files().items()]
    return {dialect.forge: dialect for dialect in read}


def check_data() -> None:
    """Read every rule and dialect, so that a malformed one is told before anything starts."""
    read_rules(rule_files())
    read_presets(preset_files())
    dialects()


def serve_git(state: Path, host: str, port: int, threads: int = 32) -> None:
    """The built-in forge's server; blocks until told to stop, and then exits the process."""
    # Flask is a good part of any command's start, and only this one needs it.
    from intakebot.gitforge.server import serve

    serve(state, host, port, threads)


def built_in_forge(settings: Settings) -> BuiltInForge:
    return BuiltInForge(settings.state)


def _mirror(
    settings: Settings, known: Mapping[str, Forge], repo: Repo, purpose: Literal["read", "land"]
) -> Mirror:
    """Bare, named by the forge's own id, so that a renamed repository keeps its mirror."""
    return _mirror_with(settings, repo, known[repo.forge].credential(repo, purpose))


def _mirror_with(settings: Settings, repo: Repo, credential: Credential) -> Mirror:
    name = repo.id.strip("{}")
    if not _FOLDER.fullmatch(name):
        raise OperatorError(f"the forge's repository id {repo.id!r} can't name a folder")
    return Mirror(settings.mirrors / f"{repo.forge}-{name}.git", credential)


def try_sandbox(settings: Settings) -> Sandbox:
    """Found and tested now; raises NoSandbox."""
    public = _public_folder(settings)
    return open_sandbox(folder=public, trees=settings.trees or public / "trees")


def _public_folder(settings: Settings) -> Path:
    """Where things lie that the sandbox must be able to read.

    Started by root, checks run as another user, who can't look into root's home.
    """
    return Path("/var/lib/intakebot") if os.getuid() == 0 else settings.state


def _remembered(make: Callable[[], T], *, seconds: float) -> Callable[[], T]:
    """What `make` gives, kept for good; a failure is kept for `seconds` and raised again."""
    made: list[T] = []
    failed: list[tuple[float, OperatorError]] = []

    def get() -> T:
        if made:
            return made[0]
        if failed and time.monotonic() - failed[0][0] < seconds:
            raise failed[0][1]
        try:
            made.append(make())
        except OperatorError as error:
            failed[:] = [(time.monotonic(), error)]
            raise
        return made[0]

    return get
