"""Taking somebody's name out of what was written down, and leaving everything else as it is."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SHORTEST_ID = 8  # characters; "7" in a sentence is no account
SHORTEST_NAME = 3  # characters; what is shorter is a name only after an "@"
# What programs read, not people; and whose words are the project's, not somebody's.
NOT_PROSE = frozenset(
    {
        *("id", "key", "state", "turn", "rule", "digest", "level", "tool", "outcome", "format"),
        *("fingerprint", "patch", "path", "paths", "head", "base", "repo", "name"),
        *("author_group", "author_agency", "target_branch", "intake_branch", "landed"),
    }
)


@dataclass(frozen=True)
class Traces:
    """Somebody's account ids (forge, id), and the logins and names they went by.

    `common` are words that name something else here, such as a branch: where one of them is also
    a name, it is taken out of the fields that say who, and stays in sentences.
    """

    ids: frozenset[tuple[str, str]]
    names: frozenset[str]
    stand_in: str
    common: Collection[str] = ()

    @cached_property
    def in_prose(self) -> tuple[str, ...]:
        """What is looked for in sentences, the longest first: "Ada Byron" before "Ada"."""
        ids = {account for _, account in self.ids if len(account) >= SHORTEST_ID}
        names = {name for name in self.names if name and name not in self.common}
        return tuple(sorted(ids | names, key=lambda one: (-len(one), one)))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = "|".join(
            re.escape(word) if len(word) >= SHORTEST_NAME else f"(?<=@){re.escape(word)}"
            for word in self.in_prose
        )
        # "ada" is neither in "ada-mae" nor in "ada.mae", which are other people's logins.
        return re.compile(rf"(?<![\w-])(?<!\w\.)(?:{words})(?![\w-]|\.\w)", re.IGNORECASE)

    def text(self, text: str) -> str:
        return self._pattern.sub(self.stand_in, text) if self.in_prose else text

    def value(self, value: Any) -> Any:
        """The same for whatever JSON holds; keys stay, and so does what `NOT_PROSE` names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {key: one if key in NOT_PROSE else self.value(one) for key, one in value.items()}
        return value
