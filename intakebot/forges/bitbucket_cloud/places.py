"""Addresses that people are given: their fork, where one is made, the form for the same change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from intakebot.core import escape
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.remembered import Remembered
from intakebot.forges.bitbucket_cloud.shapes import Place, place, text
from intakebot.model import Account

PLACEHOLDER = "YOUR-WORKSPACE"
LOOK_AGAIN = timedelta(minutes=10)  # for a fork that was not there yet


@dataclass(frozen=True, slots=True)
class Addresses:
    fork_url: str
    fork_page: str
    open_page: str


def addresses(main: Place, fork: Place | None, branch: str, target: str, git_url: str) -> Addresses:
    """`fork` is None where the author's is not known: the address then has a word to replace,
    and the form, which nobody can open with such a word in it, is left out."""
    fork_page = f"{main.page}/fork"
    slug = main.full_name.partition("/")[2]
    if fork is None:
        return Addresses(f"{git_url}/{PLACEHOLDER}/{quote(slug, safe='')}.git", fork_page, "")
    query = urlencode({"source": branch, "dest": f"{main.full_name}::{target}"})
    return Addresses(fork.clone_url(git_url), fork_page, f"{fork.page}/pull-requests/new?{query}")


def let_me_in(fork: Place, bot: Account) -> str:
    """The clicks with which somebody lets the bot read their private fork; Markdown."""
    return (
        f"I can't read {escape.code(fork.full_name)}, so I can't check this change. Its owner can "
        f"let me in: open {fork.page}/admin/permissions (Repository settings → Repository "
        f"permissions), choose 'Add users or groups', enter {escape.code(bot.login)}, give it "
        "'Read' and confirm. I look again by myself."
    )


class Forks:
    """Which fork of a main repository is a person's own, remembered."""

    def __init__(self, api: Api, site: str, now: Callable[[], datetime]) -> None:
        self.api = api
        self.site = site
        self.now = now
        self.known: Remembered[tuple[str, str], tuple[datetime, Place | None]] = Remembered()

    def of(self, path: str, author: Account) -> Place | None:
        """`path` is the main repository's. Asked only where nothing else names the fork."""
        at, found = self.known.get((path, author.id)) or (None, None)
        if at is not None and (found is not None or self.now() - at < LOOK_AGAIN):
            return found
        forks = self.api.pages(f"{path}/forks?pagelen=50")
        own = [place(one, self.site) for one in forks if _is_own(one, author)]
        found = next((one for one in own if one is not None), None)
        self.known.set((path, author.id), (self.now(), found))
        return found


def _is_own(fork: object, author: Account) -> bool:
    """A workspace of one person has that person's uuid when it is old, else mostly their name.

    A wrong guess does no harm: the author is shown an address that takes no push from them.
    """
    if text(fork, "owner", "uuid") == author.id:
        return True
    return text(fork, "workspace", "slug").lower() == author.login.lower()
