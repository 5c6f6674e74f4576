"""What people and administrators do on the product's pages, for tests and the demo to call."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from intakebot.world.bitbucket_cloud import making, pushes
from intakebot.world.bitbucket_cloud.api.call import EVERY_SCOPE
from intakebot.world.bitbucket_cloud.member import Member
from intakebot.world.bitbucket_cloud.pull_state import Pull, Remark
from intakebot.world.bitbucket_cloud.site import Site
from intakebot.world.bitbucket_cloud.state import (
    LEVELS,
    Consumer,
    Group,
    Repository,
    Restriction,
    Token,
    User,
    Workspace,
)


class Acts:
    """People are named by nickname, repositories by full name ("acme/site")."""

    site: Site
    folder: Path
    url: str
    git_url: str

    # People and places.

    def user(self, nickname: str) -> Member:
        """Somebody new (with a workspace of their own) or known, with a token of every scope."""
        with self.site.lock:
            try:
                one = self._user(nickname)
            except LookupError:
                one = making.user(self.site, nickname, email=f"{nickname}@example.org")
                self.workspace(nickname, owner=nickname)
            return self._member(one, self.token(nickname))

    def member(self, token: str) -> Member:
        """Whoever holds this token."""
        with self.site.lock:
            held = self.site.state.tokens[token]
            return self._member(self.site.state.users[held.user], token, held.kind)

    def _member(self, one: User, token: str, kind: str = "api") -> Member:
        email = one.email if kind == "api" else ""
        home = self.folder / "people" / one.nickname
        return Member(one.nickname, one.uuid, email, token, self.url, self.git_url, home)

    def _user(self, nickname: str) -> User:
        for one in self.site.state.users.values():
            if nickname in (one.nickname, one.uuid):
                return one
        raise LookupError(f"no user {nickname}")

    def workspace(self, slug: str, *, plan: str = "free", owner: str = "") -> Workspace:
        with self.site.lock:
            one = making.workspace(self.site, slug, plan)
            if owner:
                one.members[self._user(owner).uuid] = "owner"
            return one

    def repository(
        self,
        full_name: str,
        files: Mapping[str, str] | None = None,
        *,
        private: bool = True,
        branch: str = "main",
    ) -> Repository:
        """With one commit of `files` ("" for nothing: a README)."""
        with self.site.lock:
            place, _, name = full_name.partition("/")
            workspace = self.site.state.workspace(place)
            files = {"README.md": f"# {name}\n"} if files is None else files
            return making.repository(
                self.site, workspace, name, files, private=private, branch=branch
            )

    def at(self, full_name: str) -> Repository:
        """The repository as it is remembered; look at it under `site.lock`."""
        with self.site.lock:
            return self.site.state.at(full_name)

    def pull(self, full_name: str, number: int) -> Pull:
        with self.site.lock:
            return self.site.state.at(full_name).pulls[number]

    def remarks(self, full_name: str, number: int) -> list[Remark]:
        """The comments that the pull request's page shows now, oldest first."""
        with self.site.lock:
            said = self.site.state.at(full_name).pulls[number].remarks.values()
            return [copy.deepcopy(one) for one in said if not (one.deleted or one.pending)]

    def fork(
        self,
        nickname: str,
        full_name: str,
        *,
        private: bool | None = None,
        inherit: bool = False,
    ) -> str:
        """Into the person's own workspace; returns the fork's full name."""
        with self.site.lock:
            who = self._user(nickname).uuid
            place = self.site.state.workspace(nickname)
            parent = self.site.state.at(full_name)
            one = making.fork(self.site, parent, place, who, private=private, inherit=inherit)
            return self.site.state.full_name(one)

    # Rights.

    def token(self, nickname: str, scopes: Iterable[str] = EVERY_SCOPE) -> str:
        """An API token of a person."""
        return self._token("api", self._user(nickname).uuid, scopes)

    def access_token(self, full_name: str, scopes: Iterable[str] = EVERY_SCOPE) -> str:
        """Of a repository: a name of its own, and nothing but this repository."""
        with self.site.lock:
            repo = self.site.state.at(full_name)
            nickname = f"token-{self.site.state.number()}"
            bot = making.user(self.site, nickname, kind="app_user")
        return self._token("access", bot.uuid, scopes, repo.uuid)

    def consumer(
        self,
        nickname: str,
        scopes: Iterable[str] = EVERY_SCOPE,
        callback: str = "https://example.org/",
    ) -> Consumer:
        """An OAuth consumer that this person made; change it under `site.lock`."""
        with self.site.lock:
            user = self._user(nickname).uuid
            key, secret = secrets.token_hex(9), secrets.token_hex(16)
            made = Consumer(key, secret, user, frozenset(scopes), callback=callback)
            self.site.state.consumers[key] = made
            return made

    def app_password(self, nickname: str) -> str:
        """Of the kind that the product answers with 401 since 2026-06-09."""
        return self._token("app-password", self._user(nickname).uuid, EVERY_SCOPE)

    def _token(
        self, kind: str, user: str, scopes: Iterable[str], repository: str | None = None
    ) -> str:
        prefix = {"api": "ATATT", "access": "ATCTT", "app-password": "ATBB"}[kind]
        secret = prefix + secrets.token_hex(16)
        with self.site.lock:
            held = Token(secret, kind, user, frozenset(scopes), repository)
            self.site.state.tokens[secret] = held
        return secret

    def revoke(self, token: str) -> None:
        with self.site.lock:
            self.site.state.tokens[token].revoked = True

    def grant(self, nickname: str, full_name: str, level: str) -> None:
        """read, write, admin or none, by name; groups and ownership stay."""
        if level not in LEVELS:
            raise ValueError(f"no such level: {level}")
        with self.site.lock:
            self.site.state.at(full_name).grants[self._user(nickname).uuid] = level

    def group(self, workspace: str, slug: str, *nicknames: str) -> None:
        with self.site.lock:
            members = {self._user(one).uuid for one in nicknames}
            self.site.state.workspace(workspace).groups[slug] = Group(slug, slug, members)

    def grant_group(self, slug: str, full_name: str, level: str) -> None:
        with self.site.lock:
            self.site.state.at(full_name).group_grants[slug] = level

    def restrict(
        self, full_name: str, kind: str, pattern: str, *nicknames: str, groups: Iterable[str] = ()
    ) -> int:
        """A branch restriction that lets these people and groups through; returns its id."""
        with self.site.lock:
            repo = self.site.state.at(full_name)
            users = [self._user(one).uuid for one in nicknames]
            rule = Restriction(self.site.state.number(), kind, "glob", pattern)
            rule.users, rule.groups = users, list(groups)
            repo.restrictions[rule.id] = rule
            return rule.id

    # Things that change under one's feet.

    def rename_user(self, nickname: str, new: str) -> None:
        with self.site.lock:
            one = self._user(nickname)
            one.nickname, one.display_name = new, new.capitalize()

    def rename_repository(self, full_name: str, new: str) -> None:
        with self.site.lock:
            repo = self.site.state.at(full_name)
            repo.slug, repo.name = new, new

    def rename_workspace(self, slug: str, new: str) -> None:
        with self.site.lock:
            self.site.state.workspace(slug).slug = new

    def set_private(self, full_name: str, private: bool = True) -> None:
        with self.site.lock:
            self.site.state.at(full_name).is_private = private

    def delete_repository(self, full_name: str) -> None:
        with self.site.lock:
            making.delete(self.site, self.site.state.at(full_name))

    def move_branch(self, full_name: str, branch: str, oid: str | None, by: str) -> None:
        """To a commit that some repository here has, forced if need be; None deletes it."""
        with self.site.lock:
            repo, disk = self.site.state.at(full_name), self.site.disk
            path = disk.path(repo.uuid)
            if oid is None:
                disk.run(path, "update-ref", "-d", f"refs/heads/{branch}")
            else:
                disk.run(path, "fetch", "--quiet", "--no-write-fetch-head", str(disk.pool), oid)
                disk.run(path, "update-ref", f"refs/heads/{branch}", oid)
            pushes.notice(self.site, repo, self._user(by).uuid)

    def tip(self, full_name: str, branch: str) -> str:
        with self.site.lock:
            return self.site.state.at(full_name).refs[f"refs/heads/{branch}"]
