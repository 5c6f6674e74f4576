"""Links that lead astray, names that some computers can't have, and programs (5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from intakebot.core import config
from tests.attacks.cast import Cast, cast_in
from tests.flow.conftest import SITE

CONFIG = """
[protect]
paths = ["ops/"]

[detect]
clashing_names = ["welcome/"]
programs = ["welcome/"]
stray_links = ["welcome/"]
"""
FILES = {
    **SITE,
    config.NAME: CONFIG,
    "ops/deploy.sh": "echo deploy\n",
    "docs/read.md": "Read\n",
    "old/Menu": "tea\n",
    "old/menu": "coffee\n",
    "OLD/aux.txt": "long there\n",
}
LINK, FILE, FOLDER, SUBMODULE = "120000", "100644", "040000", "160000"
PROGRAM = b"\x7fELF\x02\x01\x01\0" + bytes(500)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_in(tmp_path_factory.mktemp("names"), FILES) as cast:
        yield cast


def told(cast: Cast, commit: str, *options: str) -> str:
    """What a pull request with this head is refused for; "" where it only waits for a review."""
    number = cast.brings(commit, *options)
    cast.shop.settle(checks=False)
    if cast.shop.standing(number) == "needs review":
        return ""
    assert cast.shop.standing(number) == "needs changes", cast.shop.why(number)
    return cast.shop.status_text(number)


def folder(cast: Cast, name: str, entries: dict[bytes, tuple[str, str]]) -> str:
    """A commit that adds these to what is in a folder of `main`."""
    there = cast.plumb("ls-tree", "-z", "origin/main", f"{name}/").strip("\0").split("\0")
    kept = {}
    for line in filter(None, there):
        meta, _, path = line.partition("\t")
        mode, _, oid = meta.split(" ")
        kept[path.rpartition("/")[2].encode()] = (mode, oid)
    return cast.commit({name.encode(): (FOLDER, cast.tree({**kept, **entries}))})


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (b"/etc/passwd", "A link to /etc/passwd, which is outside the repository"),
        (b"../../secret", "A link to ../../secret, which is outside the repository"),
        (b"..\\..\\secret", "which is outside the repository"),
        (b"../ops", "A link to ../ops, which is protected"),
        (b"../OPS/deploy.sh", "which is protected"),
        (b"../.git/config", "which is Git's own folder"),
        (b"read.md/../../../x", "which goes back up after a name"),
        (b"/tmp/\xff\n/merge", "which is outside the repository"),
    ],
)
def test_a_link_that_leads_astray_is_refused(cast: Cast, target: bytes, why: str) -> None:
    text = told(cast, folder(cast, "docs", {b"link": (LINK, cast.blob(target))}))
    assert "docs/link: A link to " in text and why in text
    assert not [line for line in text.splitlines() if line.strip().startswith("/merge")]


def test_where_a_link_leads_is_told_in_short(cast: Cast) -> None:
    long = (LINK, cast.blob(b"/" + b"x" * 4_000))
    text = told(cast, folder(cast, "docs", {b"link": long}))
    assert "docs/link: A link to /xxx" in text and "which is outside the repository" in text
    assert "x" * 200 not in text


def test_links_within_the_repository_are_fine(cast: Cast) -> None:
    links = {b"same": b"read.md", b"up": b"../index.html", b"gone": b"not/there/yet"}
    made = {name: (LINK, cast.blob(target)) for name, target in links.items()}
    assert told(cast, folder(cast, "docs", made)) == ""


def test_a_file_that_becomes_a_link_is_looked_at_too(cast: Cast) -> None:
    link = (LINK, cast.blob(b"../../../etc/hosts"))
    assert "docs/read.md: A link to" in told(cast, folder(cast, "docs", {b"read.md": link}))


def test_a_repository_inside_the_repository_is_told_with_what_to_do(cast: Cast) -> None:
    """As git makes it of a clone that lies in another one, with a warning that few read."""
    main = cast.plumb("ls-tree", "-z", "origin/main")
    entry = f"{SUBMODULE} commit {'1' * 40}\tshop\0"
    tree = cast.plumb("mktree", "-z", "--missing", feed=(main + entry).encode())
    commit = cast.plumb("commit-tree", tree, "-p", "origin/main", "-m", "Add the shop")
    text = told(cast, commit)
    assert "shop: Commit 111111111111 of another repository, whose files are not here" in text
    assert "rm -rf path/of/it/.git" in text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("READ.md", "READ.md is the same as read.md on Windows or macOS"),
        ("re\u200bad.md", "is the same as read.md on Windows or macOS"),
        ("read.md.", "ends with a dot or a blank, which Windows drops"),
        ("aux.html", "aux.html is the name of a device on Windows"),
        ("READ~1.MD", "READ~1.MD is what Windows may call a file with a longer name"),
    ],
)
def test_a_name_that_some_computers_can_not_have_is_refused(
    cast: Cast, name: str, why: str
) -> None:
    text = told(cast, folder(cast, "docs", {name.encode(): (FILE, cast.blob(b"Mine\n"))}))
    assert why in text


def test_two_new_names_that_are_one_elsewhere_are_refused_as_files_and_as_folders(
    cast: Cast,
) -> None:
    one = (FILE, cast.blob(b"x\n"))
    names = {"caf\u00e9".encode(): one, "cafe\u0301".encode(): one}
    assert "is the same as" in told(cast, cast.commit(names))
    below = (FOLDER, cast.tree({b"new.md": one}))
    text = told(cast, cast.commit({b"Docs": below}))
    assert "Docs/new.md: Docs is the same as docs on Windows or macOS" in text


def test_names_that_the_target_has_already_are_nobody_s_to_answer_for(cast: Cast) -> None:
    assert told(cast, folder(cast, "old", {b"new.md": (FILE, cast.blob(b"x\n"))})) == ""
    assert told(cast, folder(cast, "OLD", {b"aux.txt": (FILE, cast.blob(b"new\n"))})) == ""


def test_a_newline_in_a_folder_s_name_hides_nothing(cast: Cast) -> None:
    one = (FILE, cast.blob(b"x\n"))
    below = (FOLDER, cast.tree({b"a": one, b"A": one}))
    assert "is the same as" in told(cast, cast.commit({b"two\nlines": below}))


def test_a_program_is_refused_whatever_it_is_called(cast: Cast) -> None:
    text = told(cast, cast.commit({b"logo.svg": (FILE, cast.blob(PROGRAM))}))
    assert "logo.svg: A program or library for Linux (ELF)" in text


def test_a_pointer_of_git_lfs_is_refused(cast: Cast) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 4096\n"
    text = told(cast, cast.commit({b"film.mp4": (FILE, cast.blob(pointer))}))
    assert "film.mp4: A pointer to a file of 4,096 bytes" in text


def test_what_the_target_welcomes_is_let_in(cast: Cast) -> None:
    made = {
        b"tool": (FILE, cast.blob(PROGRAM)),
        b"link": (LINK, cast.blob(b"/usr/share/fonts")),
        b"a": (FILE, cast.blob(b"x\n")),
        b"A": (FILE, cast.blob(b"x\n")),
    }
    assert told(cast, cast.commit({b"welcome": (FOLDER, cast.tree(made))})) == ""
