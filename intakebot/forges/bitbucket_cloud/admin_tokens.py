"""Whose a token is, of which kind, with which scopes; and what to do when it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from intakebot.forges.bitbucket_cloud import advice
from intakebot.forges.bitbucket_cloud.http import Answer, Api, reason
from intakebot.forges.bitbucket_cloud.shapes import NOBODY, account, text
from intakebot.forges.bitbucket_cloud.words import Token, TokenKind
from intakebot.model import Account, OperatorError

API_TOKENS = "https://id.atlassian.com/manage-profile/security/api-tokens"
SCOPES: Mapping[str, tuple[str, ...]] = {
    "read": advice.SCOPES,
    "land": (
        "read:user:bitbucket",
        "read:repository:bitbucket",
        "write:repository:bitbucket",
    ),
    "admin": (
        "read:user:bitbucket",
        "read:workspace:bitbucket",
        "read:repository:bitbucket",
        "write:repository:bitbucket",
        "admin:repository:bitbucket",
        "read:pullrequest:bitbucket",
        "read:webhook:bitbucket",
        "write:webhook:bitbucket",
        "delete:webhook:bitbucket",
    ),
}
PREFIXES = {"read": "BITBUCKET", "land": "BITBUCKET_LAND", "admin": "BITBUCKET_ADMIN"}
API_TOKEN = "API token"  # noqa: S105 - a kind, for people to read
# The same for OAuth consumers, as the page that makes them calls it.
PERMISSIONS: Mapping[str, str] = {
    "read": advice.CONSUMER,
    "land": "Account: Read, and Repositories: Write",
    "admin": (
        "Account: Read, Repositories: Write and Admin, Pull requests: Read, and Webhooks: Read "
        "and write"
    ),
}
_OF_PEOPLE = ("read:user:bitbucket", "read:workspace:bitbucket")
KINDS: Mapping[TokenKind, str] = {"api": API_TOKEN, "oauth": "OAuth token", "access": ""}
_WHO = {"read": "the bot", "land": "the bot", "admin": "an administrator of the repository"}
# What access tokens and OAuth consumers call it: name -> the scopes of API tokens it stands for.
_OLD = {
    "account": {"read:user"},
    "repository": {"read:repository"},
    "repository:write": {"read:repository", "write:repository"},
    "repository:admin": {"admin:repository"},
    "pullrequest": {"read:pullrequest", "read:repository"},
    "pullrequest:write": {
        "read:pullrequest", "write:pullrequest", "read:repository", "write:repository",
    },
    "webhook": {"read:webhook", "write:webhook", "delete:webhook"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """`kind` is API_TOKEN or the product's word for another one; `scopes` None where the
    product did not tell; `at` is its own time, to the second. `account` is None where the
    token may not ask whose it is."""

    account: Account | None
    is_user: bool
    kind: str
    origin: str
    scopes: frozenset[str] | None
    at: datetime | None

    def missing(self, purpose: str) -> list[str]:
        """Scopes that it should have and does not; empty where the product did not tell."""
        if self.scopes is None:
            return []
        wanted = SCOPES[purpose]
        if self.kind != API_TOKEN:  # others can't have these, and are known without
            wanted = tuple(scope for scope in wanted if scope not in _OF_PEOPLE)
        return [scope for scope in wanted if scope not in self.scopes]


def identify(api: Api, purpose: str) -> Identity:
    """One call, GET /user. Raises OperatorError for a token that the product does not know."""
    token = api.tokens("read")
    answer = api.ask("GET", "/user", accept=(401, 403))
    if answer.status == 401:
        raise OperatorError(refused(token, purpose, answer, "GET /user"))
    found = account(answer.body) if answer.status == 200 else NOBODY
    told = answer.headers.get("x-credential-type", "").replace("_", " ")
    return Identity(
        account=None if found == NOBODY else found,
        is_user=text(answer.body, "type") == "user",
        kind=KINDS[token.kind] or told or "access token",
        origin=token.origin,
        scopes=read_scopes(answer.headers.get("x-oauth-scopes")),
        at=_moment(answer.headers.get("Date", "")),
    )


def refused(token: Token, purpose: str, answer: Answer, asked: str) -> str:
    """For a 401 or a 403: which token, what is wrong with it, and where to make which."""
    named = f"the {purpose} token from {token.origin}"
    why = f" ({asked}: {answer.status} {reason(answer)})".replace(" )", ")")
    if answer.status == 403:
        needs = f"it needs the scopes {', '.join(SCOPES[purpose])}"
        if token.kind == "oauth":
            needs = f"its consumer needs the permissions {PERMISSIONS[purpose]}"
        return (
            f"Bitbucket Cloud forbids this to {named}{why}. Its account has to be {_WHO[purpose]}, "
            f"and {needs}."
        )
    gone = ""
    if token.secret.startswith("ATBB"):
        gone = "It looks like an app password, and those have stopped working on 2026-06-09. "
    return f"Bitbucket Cloud does not know {named}{why}. {gone}{how_to_make(purpose)}"


def how_to_make(purpose: str) -> str:
    prefix = PREFIXES[purpose]
    return (
        f"Signed in as {_WHO[purpose]}, open {API_TOKENS}, choose 'Create API token with scopes', "
        f"then Bitbucket, with the scopes {', '.join(SCOPES[purpose])}. Give it in {prefix}_TOKEN, "
        f"or in a file of mode 0600 that {prefix}_TOKEN_FILE names, and the email of its Atlassian "
        f"account in {prefix}_EMAIL. Where the workspace has an OAuth consumer for it, with "
        f"{PERMISSIONS[purpose]}: {prefix}_OAUTH_KEY and {prefix}_OAUTH_SECRET (or _FILE)."
    )


def read_scopes(header: str | None) -> frozenset[str] | None:
    """In the words of API tokens, whichever the product used; None where it told nothing known."""
    if header is None:
        return None
    found: set[str] = set()
    for word in re.split(r"[,\s]+", header.strip()):
        if word.endswith(":bitbucket"):
            found.add(word)
        found |= {f"{scope}:bitbucket" for scope in _OLD.get(word, ())}
    return frozenset(found) or None


def _moment(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
