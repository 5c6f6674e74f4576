"""The story on a fake Bitbucket Cloud, with a house beside it that `intakebot connect` set up.

What people click on the product's pages is done here by the API or by the fake's own acts; what
they read there is read from the fake as it stands. The rest is real git over real HTTP.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from intakebot.core import marks
from intakebot.forges.bitbucket_cloud import BitbucketCloud as Plug
from intakebot.forges.bitbucket_cloud.admin_tokens import SCOPES
from intakebot.up.sample import sample_files
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from intakebot.world.bitbucket_cloud.sender import Sender
from intakebot.world.house import RunningHouse, Viewer
from intakebot.world.people import GitUser, Refused, Said, Visitor, taken
from intakebot.world.ports import free_ports
from intakebot.world.stage import Character, Opened, Remark, shell_block

Json = Mapping[str, object]
FORGE = Plug.name
WORKSPACE, SLUG = "acme", "site"
REPO = f"{WORKSPACE}/{SLUG}"
PULLS = f"/repositories/{REPO}/pullrequests"
OWNER, BOT = "olga", "intakebot"
COMPARED = "All calls and answers were compared with Bitbucket Cloud's published contract."
NOT_COMPARED = (
    "Nothing was compared with Bitbucket Cloud's published contract: it is not at hand "
    "(INTAKEBOT_SPECS names its folder), or openapi-core is not installed (extra `world`)."
)
SURVEY_EVERY = 1  # seconds; at the usual pace a story without webhooks takes half an hour


@dataclass
class CloudStage:
    house: RunningHouse
    cloud: BitbucketCloud
    bot: Member
    repo: str = REPO
    people: dict[str, Member] = field(default_factory=dict)

    def somebody(self, one: Character) -> GitUser:
        member = self.cloud.user(one.name)
        self.cloud.grant(one.name, REPO, one.access)
        self.house.enrol(
            FORGE, member.uuid, one.name, one.group, agency=one.agency, roles=one.roles
        )
        self.people[one.name] = member
        return member

    def main_url(self, who: GitUser) -> str:
        return self.people[who.name].url(REPO)

    def fork_url(self, who: GitUser) -> str:
        return self.people[who.name].url(f"{who.name}/{SLUG}")

    def fork(self, who: GitUser) -> None:
        """On the product's page, with the box ticked that lets the repository's people in."""
        self.cloud.fork(who.name, REPO, inherit=True)

    def viewer(self, who: GitUser) -> Viewer:
        """Signed in with their Atlassian account's address and their own API token."""
        member = self.people[who.name]
        return Visitor(self.house.page_url, f"{FORGE}/{member.email}", member.token)

    def explains(self, refused: Said) -> bool:
        """Nobody can add a word to what the product says of a branch restriction."""
        return "Permission denied to update branch main." in refused.remote

    def open_from_main(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        seen = _push(who, "origin", branch, clone)
        return self._opened(who, {"branch": {"name": branch}}, title, seen)

    def open_from_fork(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        self.fork(who)
        who.must("remote", "add", "fork", self.fork_url(who), within=clone)
        seen = _push(who, "fork", branch, clone)
        return self._opened(who, from_fork(f"{who.name}/{SLUG}", branch), title, seen)

    def open_after_refusal(
        self, who: GitUser, clone: Path, refused: Said, branch: str, title: str
    ) -> Opened:
        return self.open_from_fork(who, clone, branch, title)

    def open_as_coached(self, who: GitUser, clone: Path, comment: str, title: str) -> Opened:
        """Paste the commands, then send the form that the link leads to, as it is filled in."""
        pasted = who.paste(shell_block(comment), clone)
        if not pasted.ok:
            raise Refused(f"the commands of the comment do not work: {pasted.text}")
        fork, branch, target = form(comment)
        return self._opened(who, from_fork(fork, branch), title, pasted.remote, target)

    def say(self, who: GitUser, number: int, text: str) -> str:
        body = {"type": "pullrequest_comment", "content": {"raw": text}}
        path = f"{PULLS}/{number}/comments"
        return str(taken(self.people[who.name].api("POST", path, body))["id"])

    def remarks(self, number: int) -> Sequence[Remark]:
        return [
            Remark(
                tag=marks.read(one.raw)[1] or "",
                text=one.raw,
                path=(one.inline or {}).get("path", ""),
                line=(one.inline or {}).get("to") or 0,
                resolved=one.resolved_by is not None,
            )
            for one in self.cloud.remarks(REPO, number)
            if one.user == self.bot.uuid
        ]

    def told(self) -> Sequence[str]:
        calls = sum(not one.method.startswith("git-") for one in self.cloud.calls)
        return (
            f"The fake answered {calls} calls of its API, and made "
            f"{deliveries(self.cloud.webhooks)}.",
            COMPARED if self.cloud.validated else NOT_COMPARED,
        )

    def faults(self) -> Sequence[str]:
        return [f"not as the contract has it: {fault}" for fault in self.cloud.contract_errors]

    def _opened(
        self, who: GitUser, source: Json, title: str, seen: str, target: str = "main"
    ) -> Opened:
        """What the product's form for a new pull request sends."""
        body = {
            "type": "pullrequest",
            "title": title,
            "source": source,
            "destination": {"branch": {"name": target}},
        }
        made = taken(self.people[who.name].api("POST", PULLS, body))
        shown = f"Pull request #{made['id']} opened: {made['links']['html']['href']}"
        seen = f"{seen}\n{shown}" if seen else shown
        return Opened(int(made["id"]), made["source"]["branch"]["name"], seen)


def from_fork(full_name: str, branch: str) -> Json:
    """The source of a pull request."""
    return {"repository": {"full_name": full_name}, "branch": {"name": branch}}


def form(comment: str) -> tuple[str, str, str]:
    """Fork, its branch and the target that the comment's link to the product's form names."""
    link = re.search(r"<\S+?://[^/]+/(\S+)/pull-requests/new\?(\S+)>", comment)
    if link is None:
        raise Refused(f"this names no form for a new pull request: {comment}")
    asked = parse_qs(link[2])
    return link[1], asked["source"][0], asked["dest"][0].rpartition("::")[2]


def deliveries(sender: Sender) -> str:
    """How many, and how many of them were lost."""
    sender.settled()
    made = [one.outcome for one in sender.history]
    lost = made.count("dropped")
    words = {0: "none", len(made): "all"}.get(lost, str(lost))
    return f"{len(made)} webhook deliveries, {words} of them lost"


def _push(who: GitUser, remote: str, branch: str, clone: Path) -> str:
    """HEAD to this branch there; what the server said."""
    text = who.must("push", remote, f"HEAD:refs/heads/{branch}", within=clone)
    return Said(True, text).remote


@contextmanager
def open_stage(folder: Path, *, webhooks: bool) -> Iterator[CloudStage]:
    """With `webhooks` False every delivery is lost, and only the surveys find out."""
    with BitbucketCloud(folder / "cloud") as cloud:
        owner, bot = _found(cloud)
        if not webhooks:
            cloud.webhooks.drop()
        port = free_ports()
        environ = _environment(cloud, bot, port, webhooks)
        house = RunningHouse(folder / "state", port=port, environ=environ)
        house.run(
            *("connect", FORGE, REPO, "--yes"),  # as its owner
            BITBUCKET_ADMIN_EMAIL=owner.email,
            BITBUCKET_ADMIN_TOKEN=cloud.token(OWNER, SCOPES["admin"]),
        )
        with house:
            yield CloudStage(house, cloud, bot)


def _found(cloud: BitbucketCloud) -> tuple[Member, Member]:
    """A workspace with the sample site, its owner and the bot's account."""
    owner, bot = cloud.user(OWNER), cloud.user(BOT)
    cloud.workspace(WORKSPACE, owner=OWNER)
    cloud.repository(REPO, sample_files())
    cloud.move_branch(REPO, "deploy", cloud.tip(REPO, "main"), by=OWNER)
    cloud.grant(BOT, REPO, "admin")
    return owner, bot


def _environment(cloud: BitbucketCloud, bot: Member, port: int, webhooks: bool) -> dict[str, str]:
    """As docs/bitbucket-cloud.md has the operator set it, with no scope more than needed."""
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "INTAKEBOT_SECRET_BITBUCKET_CLOUD": secrets.token_hex(16),
        "BITBUCKET_URL": cloud.url,
        "BITBUCKET_GIT_URL": cloud.git_url,
        "BITBUCKET_EMAIL": bot.email,
        "BITBUCKET_TOKEN": cloud.token(BOT, SCOPES["read"]),
        "BITBUCKET_LAND_EMAIL": bot.email,
        "BITBUCKET_LAND_TOKEN": cloud.token(BOT, SCOPES["land"]),
        **({} if webhooks else {"SURVEY_EVERY": str(SURVEY_EVERY)}),
    }
