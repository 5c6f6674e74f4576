"""What the operator decides: environment, the state folder, and where the data files are.

The environment wins over `secrets.toml` in the state folder, which `intakebot up` makes on
its first run (mode 0600). Nothing is read at import.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from intakebot.model import OperatorError

DEFAULT_STATE = ".intakebot"
SECRETS = "secrets.toml"
SHORTEST_SECRET = 16  # characters, of a QA hook
BITBUCKET_URL = "https://api.bitbucket.org/2.0"
BITBUCKET_GIT_URL = "https://bitbucket.org"


@dataclass(frozen=True, slots=True)
class QaHook:
    """What deploys a change for people or programs to look at, outside of this house."""

    url: str = field(repr=False)  # it may hold a token
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    security: Literal["starttls", "tls", "none"]  # "none" on this machine alone
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`gatekeepers` are the addresses of who decides about agencies."""

    server: MailServer
    sender: str
    gatekeepers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    state: Path
    database_url: str = field(repr=False)  # it may hold a password
    redis_url: str
    public_url: str  # the pages, without a trailing slash
    git_url: str  # the Git forge as the house and people reach it
    trusted_proxies: int
    check_slots: int
    webhook_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    bitbucket_url: str = BITBUCKET_URL
    bitbucket_git_url: str = BITBUCKET_GIT_URL
    survey_every: timedelta | None = None  # the operator's own pace; None is each forge's
    session_secret: str = field(default="", repr=False)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)  # scope -> bot's token

    @property
    def mirrors(self) -> Path:
        return self.state / "mirrors"

    prepare_hosts: tuple[str, ...] = ()  # registries besides the usual ones
    qa_hooks: Mapping[str, QaHook] = field(default_factory=dict)  # by the name that checks say
    bodies_kept: timedelta | None = None  # of deliveries; None is for ever
    trees: Path | None = None  # for the trees of checks that lie on disk; None is near the tools
    mail: MailSettings | None = None  # None: nobody is written to


def load(state: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the house in `state`; names everything that is missing at once."""
    folder = (state or Path(environ.get("INTAKEBOT_STATE") or DEFAULT_STATE)).resolve()
    kept = _read_secrets(folder / SECRETS)
    number = _Numbers(environ)
    port = number.read("PORT", 8420)
    survey_every = number.read("SURVEY_EVERY", 0, least=1)
    delivery_days = number.read("DELIVERY_DAYS", 30)
    settings = Settings(
        state=folder,
        database_url=environ.get("DATABASE_URL")
        or kept.get("DATABASE_URL")
        or f"sqlite:///{folder / 'intakebot.db'}",
        redis_url=environ.get("REDIS_URL") or f"unix://{folder / 'run' / 'bell.sock'}",
        public_url=(environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        git_url=(environ.get("GIT_URL") or f"http://127.0.0.1:{port + 1}").rstrip("/"),
        trusted_proxies=number.read("TRUSTED_PROXIES", 0),
        check_slots=number.read("CHECK_SLOTS", 2),
        trees=Path(trees).resolve() if (trees := environ.get("TREES_DIR")) else None,
        prepare_hosts=tuple(environ.get("PREPARE_HOSTS", "").replace(",", " ").split()),
        survey_every=timedelta(seconds=survey_every) if survey_every else None,
        bitbucket_url=(environ.get("BITBUCKET_URL") or BITBUCKET_URL).rstrip("/"),
        bitbucket_git_url=(environ.get("BITBUCKET_GIT_URL") or BITBUCKET_GIT_URL).rstrip("/"),
        webhook_secrets=_webhook_secrets(environ, kept),
        qa_hooks=_qa_hooks(environ, kept),
        mail=_mail({**kept, **environ}),
        bodies_kept=timedelta(days=delivery_days) if delivery_days else None,
        session_secret=environ.get("SESSION_SECRET") or kept.get("SESSION_SECRET", ""),
        tokens={
            scope: environ.get(name) or kept.get(name, "")
            for scope, name in (
                ("bot", "GIT_BOT_TOKEN"),
                ("land", "GIT_LAND_TOKEN"),
                ("web", "GIT_WEB_TOKEN"),
            )
        },
    )
    if number.faults:
        raise OperatorError("Settings: " + "; ".join(number.faults))
    return settings


class _Numbers:
    """Reads whole numbers from the environment and collects every fault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def read(self, name: str, default: int, *, least: int = 0) -> int:
        text = self.environ.get(name, "").strip()
        if not text:
            return default
        if text.isdecimal() and int(text) >= least:
            return int(text)
        hint = f"like {default}" if default else f"from {least} on"
        self.faults.append(f"{name} is {text!r}; it takes a whole number, {hint}")
        return default


def _webhook_secrets(
    environ: Mapping[str, str], kept: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Forge -> secrets, newest first. `INTAKEBOT_SECRET_GIT=new,old` while one is rotated."""
    prefix = "INTAKEBOT_SECRET_"
    found = {**kept, **environ}
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): tuple(
            part for part in (piece.strip() for piece in value.split(",")) if part
        )
        for name, value in found.items()
        if name.startswith(prefix)
    }


def _qa_hooks(environ: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, QaHook]:
    """`QA_PREVIEW_URL` and `QA_PREVIEW_SECRET` are the hook `preview`. Raises OperatorError."""
    found = {**kept, **environ}
    hooks = {}
    for variable, url in found.items():
        match = re.fullmatch(r"QA_([A-Z0-9_]{1,40})_URL", variable)
        if not match or not url.strip():
            continue
        secret = found.get(f"QA_{match[1]}_SECRET", "").strip()
        if not url.startswith(("https://", "http://")):
            raise OperatorError(f"Settings: {variable} must start with https:// or http://")
        if len(secret) < SHORTEST_SECRET:
            raise OperatorError(
                f"Settings: QA_{match[1]}_SECRET must have {SHORTEST_SECRET} characters or more, "
                "the same here and there: it signs the call and its answer"
            )
        hooks[match[1].lower().replace("_", "-")] = QaHook(url.strip(), secret)
    return hooks


_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")  # as much as keeps a header and a command whole
_PORTS = {"smtp": 587, "smtps": 465}


def _mail(found: Mapping[str, str]) -> MailSettings | None:
    """`SMTP_URL`, `MAIL_FROM` and `MAIL_TO`. Raises OperatorError that tells no secret."""
    url = found.get("SMTP_URL", "").strip()
    if not url:
        return None
    server = _mail_server(url)
    sender = found.get("MAIL_FROM", "").strip()
    gatekeepers = tuple(found.get("MAIL_TO", "").replace(",", " ").split())
    for name, addresses in (("MAIL_FROM", (sender,)), ("MAIL_TO", gatekeepers)):
        if not addresses or not all(map(_ADDRESS.fullmatch, addresses)):
            said = " ".join(addresses)
            raise OperatorError(
                f"Settings: {name} is {said!r}; with SMTP_URL it takes "
                + ("an address" if name == "MAIL_FROM" else "addresses, with commas between them")
                + ", like gate@example.com"
            )
    return MailSettings(server, sender, gatekeepers)


def _mail_server(url: str) -> MailServer:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        port = 0
    if not port or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise OperatorError(
            "Settings: SMTP_URL takes smtp://USER:PASSWORD@HOST:PORT, or smtps:// where the "
            "connection begins encrypted; what is special in a password is written as %XX"
        )
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    security: Literal["starttls", "tls", "none"] = "none" if here else "starttls"
    return MailServer(
        parts.hostname,
        port,
        "tls" if parts.scheme == "smtps" else security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def _read_secrets(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: cannot be read: {error}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise OperatorError(f"{path}: others may read it; run: chmod 600 {path}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path}: {error}; mend it or restore it from a backup") from error
    return {name: str(value) for name, value in values.items()}


def keep_secrets(folder: Path, values: Mapping[str, str]) -> None:
    """Add secrets to the state folder's file, atomically, readable by the owner alone."""
    path = folder / SECRETS
    merged = {**_read_secrets(path), **values}
    new = folder / f".{SECRETS}.{secrets.token_hex(4)}"
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write("# Made by intakebot. Keep it secret; a backup of this folder needs it.\n")
        # A text in JSON is the same text in TOML.
        texts = {name: json.dumps(value, ensure_ascii=False) for name, value in merged.items()}
        out.writelines(f"{name} = {text}\n" for name, text in sorted(texts.items()))
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, path)


def require(settings: Settings, *, forges: tuple[str, ...] = ("git",)) -> None:
    """No secret, no start: refuse to serve with a door that anybody could open."""
    missing = [
        f"  INTAKEBOT_SECRET_{forge.upper().replace('-', '_')}   not set; "
        "the same text as in the forge's webhook"
        for forge in forges
        if not settings.webhook_secrets.get(forge)
    ]
    if not settings.session_secret:
        missing.append("  SESSION_SECRET   not set; any 32 random characters, kept between starts")
    for scope, token in settings.tokens.items():
        if not token:
            missing.append(f"  GIT_{scope.upper()}_TOKEN   not set; `intakebot up` makes one")
    if missing:
        count = f"{len(missing)} thing{'s are' if len(missing) > 1 else ' is'} missing"
        raise OperatorError(f"Settings: {count} before intakebot can start\n" + "\n".join(missing))


def report_text(settings: Settings) -> str | None:
    """Of the operator's `report.toml`; None where there is none. Raises OperatorError."""
    path = settings.state / "report.toml"
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: cannot be read: {error}") from error


# --- rules/ and webhooks/ -------------------------------------------------------------


def data_folder(name: str) -> Path:
    """`rules` or `webhooks`: inside the installed package, else in the checkout that is ours.

    A folder that merely lies beside the package (site-packages/rules, a stranger's) is never
    read: beside it must lie the pyproject.toml that names intakebot.
    """
    package = Path(__file__).resolve().parent
    shipped = package / name
    if shipped.is_dir():
        return shipped
    checkout = package.parent
    if (checkout / name).is_dir() and _names_us(checkout / "pyproject.toml"):
        return checkout / name
    raise OperatorError(
        f"{name}/ is neither in the package ({shipped}) nor in a checkout of intakebot; "
        "install intakebot again"
    )


def _names_us(pyproject: Path) -> bool:
    try:
        with pyproject.open("rb") as file:
            return bool(tomllib.load(file).get("project", {}).get("name") == "intakebot")
    except (OSError, tomllib.TOMLDecodeError):
        return False


def rule_files() -> dict[str, str]:
    """File name -> text of every shipped rule."""
    return _texts(data_folder("rules"))


def preset_files() -> dict[str, str]:
    """File name -> text of every shipped preset of checks."""
    return _texts(data_folder("rules") / "presets")


def lock_files() -> dict[str, str]:
    """File name -> text of the lock of each preset's tools."""
    return _texts(data_folder("rules") / "presets", "*.lock")


def dialect_files() -> dict[str, str]:
    """File name -> text of every shipped dialect."""
    return _texts(data_folder("webhooks"))


def _texts(folder: Path, pattern: str = "*.toml") -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob(pattern))}
