"""Parts that many of the product's answers share, read into the house's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from intakebot.model import Account

Json = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = Account("", "somebody who is gone", "somebody who is gone")


def part(found: object, *names: str) -> Any:
    """`found[a][b]...`, None where any of it is missing or null."""
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def text(found: object, *names: str) -> str:
    value = part(found, *names)
    return value if isinstance(value, str) else ""


def account(found: object) -> Account:
    """`nickname` is missing in old answers and for bots; the uuid alone identifies."""
    uuid = text(found, "uuid")
    if not uuid:
        return NOBODY
    name = text(found, "display_name")
    return Account(uuid, text(found, "nickname") or name or uuid, name)


def moment(found: object, *names: str) -> datetime | None:
    """An aware time in UTC; None where it is missing or no time."""
    try:
        at = datetime.fromisoformat(text(found, *names))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def micros(at: datetime) -> int:
    """Microseconds since the epoch, which order all that happened to a pull request."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass(frozen=True, slots=True)
class Place:
    """A repository as an answer names it. `full_name` may change, `id` does not."""

    id: str
    full_name: str
    page: str
    workspace: str

    def clone_url(self, git_url: str) -> str:
        return f"{git_url}/{quote(self.full_name, safe='/')}.git"


def place(found: object, site: str) -> Place | None:
    """None where the repository is gone, or not shown to us."""
    uuid, name = text(found, "uuid"), text(found, "full_name")
    if not uuid or not name:
        return None
    page = link(found) or f"{site}/{quote(name, safe='/')}"
    return Place(uuid, name, page, name.partition("/")[0])


def link(found: object) -> str:
    """The page of an object, where it is a web address."""
    href = text(found, "links", "html", "href")
    return href if href.startswith(("https://", "http://")) else ""
