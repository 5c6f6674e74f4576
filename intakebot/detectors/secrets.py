"""Passwords, keys and tokens, by detect-secrets' patterns for those that have a shape of their own.

Its guesses by entropy and by variable names are left out: they cry wolf at lock files and
templates. Nothing is verified over the network, and what is found is never said again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from intakebot.detectors.signs import signs

# One of these is in every secret that is looked for. Most files have none of them.
SIGNS = signs(
    rb"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[0-9A-Z]{16}|PRIVATE KEY|AccountKey=|eyJ[\w-]{8}"
    rb"|xox[a-z]-|hooks\.slack|gh[pousr]_\w{16}|gl(?:pat|dt|ft|soat|rt|imt|agent|oas)-|GR1348941"
    rb"|_live_\w{8}|SG\.[\w-]{5}|_authToken|pypi-\w{8}|T3BlbkFJ|sq0csp-|[0-9a-z]{32}-us[0-9]"
    rb"|://[^\s:/@'\"]{1,80}:[^\s:/@'\"]{1,80}@"
)
# detect-secrets' module and class -> what to call what it finds.
KINDS = {
    "aws:AWSKeyDetector": "an AWS access key",
    "azure_storage_key:AzureStorageKeyDetector": "an Azure storage key",
    "basic_auth:BasicAuthDetector": "a login with its password",
    "github_token:GitHubTokenDetector": "a GitHub token",
    "gitlab_token:GitLabTokenDetector": "a GitLab token",
    "jwt:JwtTokenDetector": "a JSON web token",
    "mailchimp:MailchimpDetector": "a Mailchimp key",
    "npm:NpmDetector": "an npm token",
    "openai:OpenAIDetector": "an OpenAI key",
    "private_key:PrivateKeyDetector": "a private key",
    "pypi_token:PypiTokenDetector": "a PyPI token",
    "sendgrid:SendGridDetector": "a SendGrid key",
    "slack:SlackDetector": "a Slack token",
    "square_oauth:SquareOAuthDetector": "a Square secret",
    "stripe:StripeDetector": "a Stripe key",
}
# What documentation and templates put in a secret's place.
MADE_UP = re.compile(
    r"EXAMPLE|[<{$*%]|\bxxx|^(?:password|passwd|pass|secret|pw|token|postgres|root|x+)$",
    re.IGNORECASE,
)
AROUND = 300  # bytes on both sides of a sign that are looked at; minified files are one line
MOST_SIGNS = 50  # in one line


def suspects(data: bytes) -> bool:
    return SIGNS.search(data) is not None


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    if not suspects(data):
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        kinds = dict.fromkeys(kind for piece in _pieces(line) for kind in _kinds(piece))
        if kinds:
            yield number, ", ".join(kinds)


def _pieces(line: bytes) -> Iterator[str]:
    """The line around each sign in it; the whole line where it is short."""
    if len(line) <= 2 * AROUND:
        if suspects(line):
            yield line.decode("utf-8", "replace")
        return
    end = 0
    for count, match in enumerate(SIGNS.finditer(line)):
        if count == MOST_SIGNS:
            return
        if match.start() >= end:  # else it is in the piece before
            end = match.end() + AROUND
            yield line[max(0, match.start() - AROUND) : end].decode("utf-8", "replace")


def _kinds(piece: str) -> Iterator[str]:
    for kind, find in _finders():
        if any(not MADE_UP.search(found) for found in find(piece)):
            yield kind


@cache
def _finders() -> tuple[tuple[str, Callable[[str], Iterator[str]]], ...]:
    """Loaded with the first sign there is: most changes have none."""
    finders = []
    for place, kind in KINDS.items():
        module, _, name = place.partition(":")
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        finders.append((kind, plugin().analyze_string))
    return tuple(finders)
