"""What an operator has to do when Bitbucket Cloud refuses the bot's token."""

from __future__ import annotations

from intakebot.forges.bitbucket_cloud.words import Token

SCOPES = (
    "read:user:bitbucket",
    "read:repository:bitbucket",
    "read:pullrequest:bitbucket",
    "write:pullrequest:bitbucket",
)
CONSUMER = "Account: Read, and Pull requests: Write"  # what a consumer's page calls them
_API_TOKENS = "https://id.atlassian.com/manage-profile/security/api-tokens"


def refused(token: Token, said: str) -> str:
    """For a 401: the token is wrong, expired or of a kind that is gone."""
    return f"Bitbucket Cloud does not know {_named(token)} ({said}). {_gone(token)}{_cure(token)}"


def forbidden(token: Token, said: str, why: str) -> str:
    """For a 403: the token is known, and lacks a scope or its account a permission."""
    reason = f": {why}" if why else ""
    scopes = f"the scopes {', '.join(SCOPES)}"
    if token.kind == "oauth":
        scopes = f"the permissions {CONSUMER}, by way of its consumer"
    return (
        f"Bitbucket Cloud forbids this to {_named(token)} ({said}){reason}. Give the bot's account "
        f"access to the repository, and the token {scopes}."
    )


def refused_consumer(origin: str, said: str) -> str:
    """For an OAuth consumer that is granted no token. `origin` is where its secret was read."""
    return (
        f"Bitbucket Cloud grants no token to the OAuth consumer from {origin} "
        f"({said.strip()}). Look at Workspace settings → OAuth consumers: it must be there, with "
        "'This is a private consumer' ticked and some callback URL, and its key and secret must be "
        "these."
    )


def refused_sign_in(origin: str, back: str, said: str) -> str:
    """For the OAuth consumer by which people sign in."""
    return (
        f"Bitbucket Cloud refuses the OAuth consumer from {origin} ({said.strip()}). Look at "
        "Workspace settings → OAuth consumers: it must be there, its callback URL must be "
        f"{back}, and its key and secret must be these."
    )


def _named(token: Token) -> str:
    return f"the bot's token from {token.origin}" if token.origin else "the bot's token"


def _gone(token: Token) -> str:
    if not token.secret.startswith("ATBB"):
        return ""
    return "It looks like an app password, and those have stopped working on 2026-06-09. "


def _cure(token: Token) -> str:
    scopes = ", ".join(SCOPES)
    match token.kind:
        case "api":
            return (
                f"Signed in as the bot, open {_API_TOKENS}, choose 'Create API token with scopes', "
                f"then Bitbucket, with the scopes {scopes}; a token lasts a year at most. Check "
                "that the email is the bot's Atlassian account."
            )
        case "access":
            return (
                "Make a new one at Repository settings → Security → Access tokens (or the "
                f"workspace's or project's) with the scopes {scopes}."
            )
        case "oauth":
            return (
                "Look at Workspace settings → OAuth consumers: the consumer must be there, be "
                f"private, and have the permissions {CONSUMER}."
            )
