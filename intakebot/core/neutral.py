"""A pull request that nobody has anything to say against: what examples start from."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, get_type_hints

from intakebot.core.expression import did_you_mean
from intakebot.model import Facts

_HINTS: Mapping[str, Any] = get_type_hints(Facts)
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", list[str]: "a list of texts"}
_NOTHING: Mapping[Any, object] = {str: "", int: 0, bool: False}  # all else is a list
_CLEAN: Mapping[str, object] = {
    "repo": "site",
    "number": 7,
    "title": "Add a banner to the home page",
    "description": "The spring campaign starts on Monday.",
    "author_login": "ada",
    "author_group": "agency",
    "author_agency": "Northlight",
    "from_fork": True,
    "origin_known": True,
    "source_branch": "banner",
    "target_branch": "main",
    "intake_branch": "main",
    "head": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "base": "9c59e24b8393179a5d712de4f990178df5734d99",
    "fork_url": "https://git.example/git/ada/site.git",
    "main_url": "https://git.example/git/main/site.git",
    "pull_url": "https://git.example/pulls/site/7",
    "page_url": "https://intake.example/pulls/site/7",
    "commits": 1,
    "files_changed": 2,
    "added_lines": 12,
    "removed_lines": 3,
    "max_lines": 400,
    "max_files": 40,
    "approvals_needed": 1,
    "cleared_to_test": True,
    "state": "open",
}


class BadGiven(Exception):
    """An example gives a fact that does not exist or has another type."""


def neutral_facts(**given: object) -> Facts:
    for name, value in given.items():
        if name not in _HINTS:
            raise BadGiven(f"there is no fact '{name}'.{did_you_mean(name, list(_HINTS))}")
        if not _has_type(value, _HINTS[name]):
            raise BadGiven(f"{name} must be {_WORDS[_HINTS[name]]}")
    values = {name: _NOTHING.get(hint, []) for name, hint in _HINTS.items()}
    return _facts({**values, **_CLEAN, **given})


def _facts(values: Mapping[str, Any]) -> Facts:
    """No two Facts share a list."""
    return Facts(**{name: copy(value) for name, value in values.items()})


def _has_type(value: object, hint: object) -> bool:
    """Strict: True is not a whole number here."""
    if hint in (str, int, bool):
        return type(value) is hint
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
