"""Who somebody is, and what they may do now."""

from __future__ import annotations

import re
from urllib.parse import quote

from intakebot.forges.bitbucket_cloud.answers import values_of
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.shapes import NOBODY, account, text
from intakebot.forges.bitbucket_cloud.words import Connection, Token
from intakebot.model import Account, OperatorError, Permission, TryLater

UUID = re.compile(r"\{[0-9a-fA-F-]{36}\}")
# Highest first.
LEVELS = {"admin": Permission.WRITE, "write": Permission.WRITE, "read": Permission.READ}


class Me:
    """The bot's own account, asked once for each token."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.known: dict[str, Account] = {}

    def __call__(self) -> Account:
        token = self.api.tokens("read")
        if token.fingerprint not in self.known:
            found = account(self.api.get("/user"))
            if found == NOBODY:
                raise OperatorError("Bitbucket Cloud names no account behind the bot's token")
            self.known = {token.fingerprint: found}
        return self.known[token.fingerprint]


def permission(api: Api, connection: Connection, account_id: str) -> Permission:
    """The highest that groups and grants give. Only an admin's token may ask."""
    if not UUID.fullmatch(account_id):
        return Permission.NONE
    workspace = quote(connection.workspace_id, safe="")
    repository = quote(connection.repo_id, safe="")
    query = quote(f'user.uuid="{account_id}"', safe="")
    path = f"/workspaces/{workspace}/permissions/repositories/{repository}?q={query}"
    answer = api.ask("GET", path, accept=(403, 404))
    if answer.status != 200:
        raise TryLater(
            f"the bot may not look up who may do what in {connection.name} ({answer.status}): its "
            "account has to be an administrator of the repository",
            after=60,
        )
    found = values_of(answer.body, "permissions/repositories")
    own = [one for one in found if text(one, "user", "uuid") == account_id]
    levels = {text(one, "permission") for one in own}
    return next((LEVELS[level] for level in LEVELS if level in levels), Permission.NONE)


def whoami(api: Api, me: Me, login: str, token: str) -> Account | None:
    """`login` is the email of an Atlassian account, `token` one of its API tokens."""
    return behind(api, me, Token("api", login, token)) if login and token else None


def behind(api: Api, me: Me, token: Token) -> Account | None:
    """Whom somebody's own token proves; the bot and accounts that are no person's are nobody."""
    answer = api.ask("GET", "/user", accept=(401, 403), token=token)
    if answer.status != 200 or text(answer.body, "type") != "user":
        return None
    found = account(answer.body)
    return None if found == NOBODY or found.id == me().id else found
