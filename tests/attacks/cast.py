"""A workshop for a whole file of attacks; each test has pull requests of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from intakebot.flow.house import House
from intakebot.model import Group, Role
from tests.flow.conftest import SITE, ada, grace, site_of
from tests.flow.workshop import Workshop, open_workshop
from tests.repo.conftest import git


class Cast:
    """Ada of an agency attacks; Grace and Sam maintain."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.ada = ada(shop)
        self.grace = grace(shop)
        self.sam = shop.person("sam", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
        self.opened = 0

    def opens(self, files: Mapping[str, str] | None = None, *, title: str = "Add a page") -> int:
        """One more pull request by Ada; a page of its own unless told what."""
        self.opened += 1
        name = f"page-{self.opened}"
        return self.shop.opens(
            self.ada, files or {f"{name}.html": "<p>New</p>\n"}, branch=name, title=title
        )

    def approved(self) -> int:
        number = self.opens()
        self.shop.say(self.grace, number, "/approve")
        self.shop.settle()
        return number

    def pushes(self, number: int, files: Mapping[str, str]) -> str:
        """One more commit on the pull request, which must be the newest; returns the head."""
        assert number == self.shop.newest()
        return self.shop.pushes(self.ada, files, branch=f"page-{self.opened}")

    def account(self, login: str) -> str:
        """The forge's id of somebody."""
        found = self.ada.forge("GET", f"/api/people?login={login}").json()["people"]
        return str(found[0]["id"])

    # --- by plumbing, for what git itself would not make --------------------------------

    @property
    def clone(self) -> Path:
        return self.shop.clone(self.ada)

    def plumb(self, *arguments: str, feed: bytes | None = None) -> str:
        return git(self.clone, *arguments, feed=feed)

    def blob(self, content: bytes) -> str:
        return self.plumb("hash-object", "-w", "--stdin", feed=content)

    def tree(self, entries: Mapping[bytes, tuple[str, str]]) -> str:
        """Name -> (mode, id)."""
        lines = [
            f"{mode} {'tree' if mode == '040000' else 'blob'} {oid}\t".encode() + name
            for name, (mode, oid) in entries.items()
        ]
        return self.plumb("mktree", "-z", feed=b"".join(line + b"\0" for line in lines))

    def commit(self, entries: Mapping[bytes, tuple[str, str]], message: str = "Add a page") -> str:
        """On top of `main`, with these entries beside what is there."""
        listing = self.plumb("ls-tree", "-z", "origin/main").strip("\0").split("\0")
        there = {
            name.encode(): (mode, oid)
            for mode, _, oid, name in (re.split(r"[ \t]", line, maxsplit=3) for line in listing)
        }
        tree = self.tree({**there, **entries})
        return self.plumb("commit-tree", tree, "-p", "origin/main", "-m", message)

    def imported(self, path: str, content: str = "x\n", message: str = "Add a page") -> str:
        """A commit on `main` with one more file, at a path of any shape."""
        main = self.plumb("rev-parse", "origin/main")
        stream = (
            "commit refs/imported\ncommitter Ada <ada@example.org> 1700000000 +0000\n"
            f"data {len(message)}\n{message}\nfrom {main}\n"
            f"M 100644 inline {path}\ndata {len(content)}\n{content}\n"
        )
        self.plumb("fast-import", "--quiet", "--force", feed=stream.encode())
        return self.plumb("rev-parse", "refs/imported")

    def brings(self, commit: str, *options: str) -> int:
        """A pull request with this very commit as its head."""
        self.opened += 1
        wishes = [f"--push-option={option}" for option in options]
        refspec = f"{commit}:refs/heads/brought-{self.opened}"
        url = self.ada.url(self.ada.login)
        said = self.ada.must("push", *wishes, url, refspec, within=self.clone)
        number = re.search(r"Pull request #([0-9]+)", said)
        assert number, said
        return int(number[1])


@contextmanager
def cast_in(
    folder: Path, files: Mapping[str, str] = SITE, checking: House | None = None
) -> Iterator[Cast]:
    """People at a site without checks; with them, `checking` lends its sandbox and tools."""
    shop = open_workshop(folder / "state", site_of(folder / "site", files))
    if checking is not None:
        shop.house = replace(shop.house, sandbox=checking.sandbox, toolbox=checking.toolbox)
    try:
        yield Cast(shop)
    finally:
        shop.close()
