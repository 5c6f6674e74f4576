"""One call of the REST API as the views get it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from intakebot.world.bitbucket_cloud import lists, permissions
from intakebot.world.bitbucket_cloud.pull_state import Pull
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json, View
from intakebot.world.bitbucket_cloud.site import Site
from intakebot.world.bitbucket_cloud.state import Repository, State, Token

READ_REPO = "read:repository:bitbucket"
WRITE_REPO = "write:repository:bitbucket"
ADMIN_REPO = "admin:repository:bitbucket"
READ_PULL = "read:pullrequest:bitbucket"
WRITE_PULL = "write:pullrequest:bitbucket"
READ_HOOK = "read:webhook:bitbucket"
WRITE_HOOK = "write:webhook:bitbucket"
DELETE_HOOK = "delete:webhook:bitbucket"
READ_USER = "read:user:bitbucket"
READ_WORKSPACE = "read:workspace:bitbucket"
READ_PROJECT = "read:project:bitbucket"
EVERY_SCOPE = frozenset(
    {
        READ_REPO, WRITE_REPO, ADMIN_REPO, READ_PULL, WRITE_PULL, READ_HOOK, WRITE_HOOK,
        DELETE_HOOK, READ_USER, READ_WORKSPACE, READ_PROJECT,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None  # instead of JSON


@dataclass(frozen=True, slots=True)
class Call:
    """`state` is what this call reads; what it changes it changes in `site.state`."""

    site: Site
    state: State
    token: Token | None
    method: str
    path: str
    args: Mapping[str, Any]
    query: MultiDict[str, str]
    body: Any

    @property
    def view(self) -> View:
        return self.site.view(self.state)

    @property
    def who(self) -> Token:
        if self.token is None:
            raise Refusal(401, "This API requires authentication.")
        return self.token

    @property
    def user(self) -> str:
        return self.who.user

    def repo(self, needed: str = "read") -> Repository:
        """The repository of the path, if the caller may do this much with it."""
        repo = self.state.repository(self.args["workspace"], self.args["repo_slug"])
        if self.token is None:
            if repo.is_private or needed != "read":
                raise Refusal(401, "This API requires authentication.")
        else:
            permissions.require(self.state, repo, self.token, needed)
        return repo

    def pull(self, repo: Repository) -> Pull:
        found = repo.pulls.get(self.args["pull_request_id"])
        if found is None:
            raise Refusal(404, "Pull request not found")
        return found

    @property
    def object(self) -> Json:
        if not isinstance(self.body, dict):
            raise Refusal(400, "Bad request: a JSON object is needed")
        return self.body

    def page(self, values: list[Any], **how: Any) -> Answer:
        base = self.view.link(self.path)["href"]
        return Answer(200, lists.page(values, self.query.to_dict(), base, **how))

    def filtered(self, values: list[Json], **how: Any) -> Answer:
        return self.page(lists.chosen(values, self.query.to_dict()), **how)


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is in werkzeug's form below /2.0."""

    method: str
    path: str
    view: Callable[[Call], Answer]
    scope: str = ""


REPO = "/repositories/<workspace>/<repo_slug>"
PULL = f"{REPO}/pullrequests/<int:pull_request_id>"
COMMIT = f"{REPO}/commit/<commit>"
