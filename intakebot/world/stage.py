"""What the people of the story do and see, whatever the forge: one module a forge plays it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intakebot.core import marks
from intakebot.model import Group, Role
from intakebot.world.house import RunningHouse, Viewer
from intakebot.world.people import GitUser, Refused, Said


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody of the story. `access` is what they may do in the main repository: read or write."""

    name: str
    group: Group
    agency: str = ""
    roles: tuple[Role, ...] = (Role.CONTRIBUTOR,)
    access: str = "read"


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request, the branch it comes from, and what its author saw on the way."""

    number: int
    branch: str
    seen: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of the bot, as people read it. `tag` is the code of its mark, `path` and `line`
    are "" and 0 unless it stands on a line of the diff."""

    tag: str
    text: str
    path: str
    line: int
    resolved: bool

    def is_marked(self, key: str) -> bool:
        return self.tag == marks.tag(key)


class Stage(Protocol):
    """One main repository with the branches main and deploy, and a whole house that guards it.

    Whoever acts on it was made by its own `somebody`.
    """

    house: RunningHouse
    repo: str  # as the house's pages name it

    def somebody(self, one: Character) -> GitUser:
        """Give this character an account, access to the repository, and a place on the roster."""

    def main_url(self, who: GitUser) -> str: ...

    def fork_url(self, who: GitUser) -> str: ...

    def fork(self, who: GitUser) -> None:
        """Make this person's own fork."""

    def viewer(self, who: GitUser) -> Viewer:
        """The same person at the house's pages."""

    def explains(self, refused: Said) -> bool:
        """Whether a refused push says all that this forge lets anybody say."""

    def open_from_main(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        """Push the branch to the main repository itself, and ask for it to be taken."""

    def open_from_fork(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        """As it is done here: push HEAD to a branch of one's own fork, and ask for it."""

    def open_after_refusal(
        self, who: GitUser, clone: Path, refused: Said, branch: str, title: str
    ) -> Opened:
        """The same; where the refusal says how, exactly as it says."""

    def open_as_coached(self, who: GitUser, clone: Path, comment: str, title: str) -> Opened:
        """Do what the bot's comment says: its links, and its commands as they stand there."""

    def say(self, who: GitUser, number: int, text: str) -> str:
        """Comment on a pull request; the comment's id."""

    def remarks(self, number: int) -> Sequence[Remark]:
        """All that the bot says on a pull request now, oldest first."""

    def told(self) -> Sequence[str]:
        """What was seen behind the scenes, in sentences."""

    def faults(self) -> Sequence[str]:
        """What went wrong there, though every scene may have ended as it should."""


def shell_block(comment: str) -> str:
    """The commands to paste in a comment of the bot."""
    found = re.search(r"^```sh\n(.*?)^```$", comment, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Refused(f"there are no commands to paste in this: {comment}")
    return found[1]
