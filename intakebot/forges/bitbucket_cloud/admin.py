"""What only an administrator may see and change: webhooks, branch restrictions, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from intakebot.forges.bitbucket_cloud.http import Api, Json
from intakebot.forges.bitbucket_cloud.shapes import text
from intakebot.forges.bitbucket_cloud.words import repository_path
from intakebot.model import OperatorError

RESTRICTED = ("push", "restrict_merges", "force", "delete")
WITH_PEOPLE = ("push", "restrict_merges")  # the others hold for everybody


@dataclass(frozen=True, slots=True)
class Found:
    """A repository as its administrators see it. Both ids are uuids in braces."""

    id: str
    workspace_id: str
    name: str
    private: bool
    fork_policy: str  # allow_forks, no_public_forks, no_forks

    @property
    def path(self) -> str:
        return repository_path(self.workspace_id, self.id)


def find(api: Api, full_name: str) -> Found:
    """By WORKSPACE/REPO. Raises OperatorError when there is none that the token can see."""
    workspace, slash, slug = full_name.partition("/")
    if not (workspace and slash and slug) or "/" in slug:
        raise OperatorError(f"{full_name!r}: write it as WORKSPACE/REPO")
    found = api.find(f"/repositories/{quote(workspace, safe='')}/{quote(slug, safe='')}")
    if found is None:
        raise OperatorError(f"{full_name}: there is none that this token may see; check the name")
    return Found(
        id=text(found, "uuid"),
        workspace_id=text(found, "workspace", "uuid"),
        name=text(found, "full_name"),
        private=bool(found.get("is_private")),
        fork_policy=text(found, "fork_policy"),
    )


def has_branch(api: Api, repo: Found, branch: str) -> bool:
    return api.find(f"{repo.path}/refs/branches/{quote(branch, safe='')}") is not None


def hooks(api: Api, repo: Found) -> list[Json]:
    return api.pages(f"{repo.path}/hooks?pagelen=100")


def add_hook(api: Api, repo: Found, url: str, secret: str, events: Sequence[str]) -> str:
    """The new hook's uuid."""
    body = {
        "type": "webhook_subscription",
        "description": "intakebot",
        "url": url,
        "active": True,
        "secret": secret,
        "events": list(events),
    }
    return _made(api, f"{repo.path}/hooks", body, "uuid")


def drop_hook(api: Api, path: str, hook_id: str) -> None:
    api.ask("DELETE", f"{path}/hooks/{quote(hook_id, safe='')}", accept=(404,))


def restrictions(api: Api, path: str) -> list[Json]:
    return api.pages(f"{path}/branch-restrictions?pagelen=100")


def add_restriction(api: Api, repo: Found, kind: str, branch: str, bot: str) -> str:
    """Only the account `bot` may; the kinds that name nobody hold for everybody."""
    body: dict[str, object] = {
        "type": "branchrestriction",
        "kind": kind,
        "branch_match_kind": "glob",
        "pattern": branch,
    }
    if kind in WITH_PEOPLE:
        body |= {"users": [{"type": "user", "uuid": bot}], "groups": []}
    return _made(api, f"{repo.path}/branch-restrictions", body, "id")


def drop_restriction(api: Api, path: str, restriction_id: str) -> None:
    api.ask("DELETE", f"{path}/branch-restrictions/{restriction_id}", accept=(404,))


def allows_only(rule: Json, bot: str) -> bool:
    """Whether a restriction is as we would set it."""
    people = [text(one, "uuid") for one in rule.get("users") or ()]
    if str(rule.get("kind")) not in WITH_PEOPLE:
        return True
    return people == [bot] and not rule.get("groups")


def _made(api: Api, path: str, body: object, name: str) -> str:
    answer = api.ask("POST", path, body)
    if not isinstance(answer.body, dict) or name not in answer.body:
        raise OperatorError(f"Bitbucket Cloud did not name what POST {path} made; look there")
    return str(answer.body[name])
