"""The documents say what the code does, where both name the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intakebot.forges.bitbucket_cloud.admin_tokens import PERMISSIONS, PREFIXES, SCOPES

CHECKOUT = Path(__file__).resolve().parent.parent
SECURITY = (CHECKOUT / "SECURITY.md").read_text("utf-8")
CONFIGURATION = (CHECKOUT / "docs" / "configuration.md").read_text("utf-8")
PER_TOKEN = ("TOKEN", "EMAIL", "OAUTH_KEY", "OAUTH_SECRET", "TOKEN_EXPIRES")
# Not for operators: what tests set, what the house tells its own children, and WSGI's.
INSIDE = {"INTAKEBOT_CRASH", "INTAKEBOT_HOUSE", "INTAKEBOT_SPECS", "PATH", "PATH_INFO"}


@pytest.mark.parametrize("purpose", SCOPES)
def test_the_scopes_of_each_token_are_those_that_are_asked_for(purpose: str) -> None:
    _, _, rest = SECURITY.partition(f"| `{PREFIXES[purpose]}_TOKEN`")
    table = rest.partition("\n\n")[0].splitlines()[2:]
    told = [scope for line in table for scope in re.findall(r"`(\S+:bitbucket)`", line)]
    assert sorted(told) == sorted(SCOPES[purpose])
    assert all(len(line.split("|")[2].strip()) > 10 for line in table), "each says what it is for"


@pytest.mark.parametrize("purpose", PERMISSIONS)
def test_the_permissions_of_each_consumer_are_told(purpose: str) -> None:
    assert PERMISSIONS[purpose] in " ".join(SECURITY.split())


@pytest.mark.parametrize("prefix", PREFIXES.values())
def test_every_variable_of_a_token_is_listed(prefix: str) -> None:
    listed = re.findall(r"`([A-Z_]+)`", CONFIGURATION)
    assert {f"{prefix}_{name}" for name in PER_TOKEN} <= set(listed)
    assert f"{prefix}_TOKEN_EXPIRES" in SECURITY


def test_every_variable_that_is_read_is_listed() -> None:
    read = set()
    for path in (CHECKOUT / "intakebot").rglob("*.py"):
        if "world" not in path.parts and "gitforge" not in path.parts:
            text = path.read_text("utf-8")
            read |= set(re.findall(r"""environ(?:\.get\(|\[)"([A-Z_]+)\"""", text))
            read |= set(re.findall(r"""number\.read\("([A-Z_]+)\"""", text))
    listed = set(re.findall(r"`([A-Z_]+)`", CONFIGURATION))
    assert len(read) > 8 and read - listed - INSIDE == set()
