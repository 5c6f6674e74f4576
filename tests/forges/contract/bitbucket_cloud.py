"""The bench of Bitbucket Cloud: the fake of `intakebot.world`, with tokens of the told scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token as Markup

from intakebot.forges.api import Forge
from intakebot.forges.bitbucket_cloud import Token
from intakebot.forges.bitbucket_cloud.advice import SCOPES
from intakebot.forges.bitbucket_cloud.words import Purpose
from intakebot.model import Permission
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from tests.forges.bitbucket_cloud.cast import MAIN, Cast
from tests.forges.clock import Clock
from tests.forges.contract.bench import HALF, LIMITED_FOR, BuildState, On, Opinion, Way, Who

ALWAYS = 1_000_000  # times
REQUESTS: dict[On, str] = {
    "reads": "^GET ",
    "writes": "^(POST|PUT|DELETE) ",
    "permissions": "^GET .*/permissions/",
}
# What the product makes of words that are no markup: people, issues and pull requests, addresses.
TRIGGERS = re.compile(r"@[\w{]|(?<![\w&])[#!]\d|://\w|\bwww\.\w")


@dataclass
class CloudBench:
    cast: Cast
    page: int = 50
    comments_page: int = 50
    cure: str = f"scopes {SCOPES[0]}"

    def __post_init__(self) -> None:
        cast = self.cast
        self.forge: Forge = cast.forge
        self.repo_id = cast.repo_id
        self.clock = cast.clock
        self.people: dict[Who, Member] = {
            "ada": cast.ada,
            "wim": cast.bob,
            "eve": cast.cloud.user("eve"),
            "bot": cast.bot,
        }
        read = cast.cloud.token("intakebot", SCOPES)
        land = cast.cloud.token("intakebot", ("write:repository:bitbucket",))
        secrets: dict[Purpose, str] = {"read": read, "land": land}
        for purpose, secret in secrets.items():
            cast.tokens[purpose] = Token("api", cast.bot.email, secret, "the test")

    # What people do.

    def id_of(self, who: Who) -> str:
        return self.people[who].uuid

    def sign_in(self, who: Who) -> tuple[str, str]:
        return self.people[who].email, self.people[who].token

    def grants(self, who: Who, level: Permission) -> None:
        self.cast.cloud.grant(self.people[who].nickname, MAIN, level.value)

    def opens(self, branch: str = "banner", *, title: str = "A banner", draft: bool = False) -> int:
        files = {f"{branch}.html": "<b>Hi</b>\n"}
        return self.cast.opens(branch, files, title=title, draft=draft)[0]

    def opens_from_main(self, branch: str) -> int:
        return self.cast.opens_from_main(branch)

    def multiply(self, count: int) -> None:
        self.cast.multiply(max(self.cast.cloud.at(MAIN).pulls), count + 1)

    def pushes(self, branch: str = "banner") -> str:
        self.cast.ada.must("switch", "--quiet", branch, within=self.cast.clone)
        return self.cast.pushes({f"{branch}-{self.head(branch)[:12]}.html": "<p>More</p>\n"})

    def branch(self, name: str) -> None:
        self.cast.branch(name)

    def says(self, who: Who, number: int, text: str, *, reply_to: str = "") -> str:
        more = {"parent": {"id": int(reply_to)}} if reply_to else {}
        return self.cast.says(self.people[who], number, text, **more)

    def edits(self, number: int, comment: str, text: str) -> None:
        self._comment("PUT", number, comment, {"content": {"raw": text}})

    def deletes(self, number: int, comment: str) -> None:
        self._comment("DELETE", number, comment)

    def _comment(self, method: str, number: int, comment: str, body: object = None) -> None:
        who = self.cast.ada if method == "PUT" else self.cast.bot
        path = f"/repositories/{MAIN}/pullrequests/{number}/comments/{comment}"
        assert who.api(method, path, body).ok

    def reviews(self, number: int, opinion: Opinion | None) -> None:
        """No time of the product's moves with it."""
        pull = self.cast.cloud.pull(MAIN, number)
        stamp = pull.updated_on
        match opinion:
            case "approved":
                self.cast.approves(self.cast.bob, number)
            case "changes_requested":
                self.cast.requests_changes(self.cast.bob, number)
            case None:
                self._takes_back(number)
        pull.updated_on = stamp

    def _takes_back(self, number: int) -> None:
        path = f"/repositories/{MAIN}/pullrequests/{number}"
        given = ("approve", "request-changes")
        withdrawn = [self.cast.bob.api("DELETE", f"{path}/{one}").ok for one in given]
        assert any(withdrawn)

    def retitles(self, number: int, title: str) -> None:
        self.cast.edits(number, title=title)

    def retargets(self, number: int, target: str) -> None:
        self.cast.edits(number, destination={"branch": {"name": target}})

    def drafts(self, number: int) -> None:
        self.cast.edits(number, draft=True)

    def closes(self, number: int) -> None:
        self.cast.declines(self.cast.bob, number)

    def builds(self, commit: str, name: str, state: BuildState) -> None:
        self.cast.builds(commit, name, state)

    def lands(self, number: int) -> None:
        self.cast.lands(number)

    def loses_fork(self) -> None:
        self.cast.cloud.delete_repository("ada/site")

    # What people see.

    def head(self, branch: str = "banner") -> str:
        return self.cast.cloud.tip("ada/site", branch)

    def shown(self, number: int, comment: str) -> str:
        return self.cast.cloud.pull(MAIN, number).remarks[int(comment)].raw

    def reports(self) -> Sequence[tuple[str, int]]:
        reports = self.cast.cloud.at(MAIN).reports.values()
        return [(str(one.fields["title"]), len(one.annotations)) for one in reports]

    def remarks(self, commit: str) -> Sequence[str]:
        said = self.cast.cloud.at(MAIN).commit_comments.values()
        return [one.raw for one in said if one.commit == commit]

    def acts_on(self, text: str) -> list[str]:
        reader = MarkdownIt("gfm-like", {"linkify": False})
        return [act for token in reader.parse(text) for act in _acts(token)]

    # The plug, another way.

    def fresh(self) -> Forge:
        return self.cast.new_forge()

    def refused(self) -> Forge:
        wrong = Token("api", self.cast.bot.email, "ATATTwrong", "the test")
        return self.cast.new_forge(lambda _: wrong)

    def secrets_shown(self) -> set[str]:
        return {call.token for call in self.cast.api_calls()}

    # Going wrong.

    def fails(self, way: Way, on: On) -> None:
        mischief, calls = self.cast.cloud.mischief, REQUESTS[on]
        match way:
            case "limited":
                mischief.answer(429, calls, times=ALWAYS, retry_after=LIMITED_FOR)
            case "down":
                mischief.answer(503, calls, times=ALWAYS)
            case "html":
                mischief.html(calls, times=ALWAYS)
            case "404-page":
                mischief.html(calls, times=ALWAYS, status=404)
            case "half":
                mischief.says(HALF, calls, times=ALWAYS)
            case "nothing":
                mischief.says("{}", calls, times=ALWAYS)
            case "cut":
                mischief.cut(calls, times=ALWAYS)

    def loses_answer(self) -> None:
        self.cast.cloud.mischief.cut("^(POST|PUT) ", after=True)

    def lags(self) -> None:
        self.cast.cloud.mischief.lag(matching="")

    def recovers(self) -> None:
        self.cast.cloud.mischief.clear()


def _acts(token: Markup) -> Iterator[str]:
    if token.type == "text":
        yield from TRIGGERS.findall(token.content)
    elif token.type not in ("inline", "softbreak", "text_special"):
        yield " ".join([token.type, *map(str, token.attrs.values())])
    for child in token.children or ():
        yield from _acts(child)


@contextmanager
def open_bench(request: pytest.FixtureRequest, folder: Path) -> Iterator[CloudBench]:
    clock = Clock()
    with BitbucketCloud(folder / "cloud", now=clock.now) as cloud:
        yield CloudBench(Cast(cloud, folder, clock))
        assert cloud.contract_errors == ()
