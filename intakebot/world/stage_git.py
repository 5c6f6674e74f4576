"""The story on the Git forge that intakebot brings along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intakebot.core import marks
from intakebot.world.house import RunningHouse, Viewer
from intakebot.world.people import GitUser, Refused, Said, Somebody, taken
from intakebot.world.stage import Character, Opened, Remark, shell_block

REPO = "site"  # the sample that a first run serves


@dataclass
class GitStage:
    house: RunningHouse
    repo: str = REPO
    people: dict[str, Somebody] = field(default_factory=dict)

    def somebody(self, one: Character) -> GitUser:
        made = self.house.person(
            one.name,
            one.group,
            agency=one.agency,
            roles=one.roles,
            access=one.access,
            repo=REPO,
        )
        self.people[one.name] = made
        return made

    def main_url(self, who: GitUser) -> str:
        return self.people[who.name].url()

    def fork_url(self, who: GitUser) -> str:
        return self.people[who.name].url(who.name)

    def fork(self, who: GitUser) -> None:
        person = self.people[who.name]
        taken(person.forge("POST", f"/api/repos/{self._repo_id()}/forks"))

    def viewer(self, who: GitUser) -> Viewer:
        return self.people[who.name]

    def explains(self, refused: Said) -> bool:
        """Two lines to paste: a new remote, and the push."""
        return len(paste_lines(refused)) == 2

    def open_from_main(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        options = ("-o", "pull", "-o", f"title={title}")
        return self._opened(who.git("push", *options, "origin", branch, within=clone))

    def open_from_fork(self, who: GitUser, clone: Path, branch: str, title: str) -> Opened:
        """The push is the pull request; its title is the commit's."""
        there = f"HEAD:refs/heads/{branch}"
        return self._opened(who.git("push", self.fork_url(who), there, within=clone))

    def open_after_refusal(
        self, who: GitUser, clone: Path, refused: Said, branch: str, title: str
    ) -> Opened:
        return self._opened(who.paste("\n".join(paste_lines(refused)), clone))

    def open_as_coached(self, who: GitUser, clone: Path, comment: str, title: str) -> Opened:
        return self._opened(who.paste(shell_block(comment), clone))

    def say(self, who: GitUser, number: int, text: str) -> str:
        return str(taken(self.people[who.name].say(REPO, number, text))["id"])

    def remarks(self, number: int) -> Sequence[Remark]:
        return [
            Remark(
                tag=marks.tag(one["key"]),
                text=one["text"],
                path=one["path"] or "",
                line=one["line"] or 0,
                resolved=bool(one["resolved"]),
            )
            for one in self._pull(number)["comments"]
            if one["key"]
        ]

    def told(self) -> Sequence[str]:
        return ()

    def faults(self) -> Sequence[str]:
        return ()

    def _opened(self, said: Said) -> Opened:
        found = re.search(r"Pull request #(\d+)", said.text)
        if not said.ok or not found:
            raise Refused(f"no pull request opened: {said.text}")
        number = int(found[1])
        return Opened(number, self._pull(number)["source"]["branch"], said.remote)

    def _pull(self, number: int) -> dict[str, Any]:
        """As the forge has it."""
        path = f"/api/repos/{self._repo_id()}/pulls/{number}"
        return dict(taken(self._anybody().forge("GET", path)))

    def _repo_id(self) -> str:
        found = taken(self._anybody().forge("GET", f"/api/repos?name={REPO}"))
        return str(found["repos"][0]["id"])

    def _anybody(self) -> Somebody:
        """All that come from here may read."""
        return next(iter(self.people.values()))


@contextmanager
def open_stage(folder: Path) -> Iterator[GitStage]:
    with RunningHouse(folder / "state") as house:
        yield GitStage(house)


def paste_lines(said: Said) -> list[str]:
    """The commands in a refusal: its indented git lines."""
    return re.findall(r"^ {4}(git .+)$", said.remote, re.MULTILINE)
