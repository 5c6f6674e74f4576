"""What a pusher asked for with `git push -o`, and text made fit to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

# Controls, format characters (also those that turn the reading direction), surrogates,
# private use, line and paragraph separators: none may reach somebody else's terminal.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MOST_OPTIONS = 200
LONGEST_TITLE = 300  # characters


def plain(text: str, limit: int = LONGEST_TITLE) -> str:
    """One line without anything that acts on a terminal."""
    shown = "".join(
        " " if character in "\t\r\n" else character
        for character in text
        if character in "\t\r\n" or unicodedata.category(character) not in _UNSEEN
    )
    return shown.strip()[:limit]


class Wishes(NamedTuple):
    """`draft` None leaves it as it is; "" leaves title, description and target so."""

    title: str = ""
    description: str = ""
    target: str = ""
    draft: bool | None = None
    pull: bool = False
    unknown: tuple[str, ...] = ()


def from_environment(env: Mapping[str, str]) -> Wishes:
    count = int(env.get("GIT_PUSH_OPTION_COUNT") or 0)
    options = [_text(env[f"GIT_PUSH_OPTION_{n}"]) for n in range(min(count, MOST_OPTIONS))]
    named: dict[str, list[str]] = {"title": [], "description": [], "target": []}
    flags: list[str] = []
    unknown: list[str] = []
    for option in options:
        name, given, value = option.partition("=")
        if given and name in named:
            named[name].append(value)
        elif option in ("draft", "ready", "pull"):
            flags.append(option)
        else:
            unknown.append(plain(option, 40))
    drafts = [flag == "draft" for flag in flags if flag != "pull"]
    return Wishes(
        title=plain(" ".join(named["title"])),
        description="\n".join(plain(line, 10_000) for line in named["description"]),
        target="".join(named["target"][-1:]),
        draft=drafts[-1] if drafts else None,
        pull="pull" in flags,
        unknown=tuple(unknown),
    )


def _text(value: str) -> str:
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
