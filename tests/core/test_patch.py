"""Diffs as git writes them, about files that are not nice."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intakebot.core.patch import BadPatch, FilePatch, read_files, read_patch


def git(folder: Path, *words: str) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@x", *words],
        check=True,
        capture_output=True,
    )
    return done.stdout


def commit(folder: Path, files: Mapping[bytes, bytes]) -> None:
    for path in folder.iterdir():
        if path.name != ".git":
            path.unlink()
    for name, content in files.items():
        Path(str(folder), name.decode("utf-8", "surrogateescape")).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x")


def diff(before: Mapping[bytes, bytes], after: Mapping[bytes, bytes], *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git(folder, "init", "--quiet")
        commit(folder, before)
        commit(folder, after)
        return git(folder, "diff", "--text", *options, "HEAD~1", "HEAD")


def lines(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n") if content else []


def is_right(file: FilePatch, old: bytes, new: bytes) -> None:
    """What it says is there, and taking out and putting in makes one of the other."""
    olds, news = lines(old), lines(new)
    assert all(news[number - 1] == text for number, text in {**file.added, **file.kept}.items())
    assert all(olds[number - 1] == text for number, text in file.removed.items())
    left = [text for number, text in enumerate(olds, 1) if number not in file.removed]
    stayed = [text for number, text in enumerate(news, 1) if number not in file.added]
    assert left == stayed


PIECES = [b"a", b"b", b"", b"+", b"-- x", b"++ y", b"@@ -1 +1 @@", b"\x0c", b"\xe2\x80\xa8x"]
LINES = st.lists(st.sampled_from([*PIECES, b"a\r", b"\rb", b"\x85", b"\xff\xfe", b"diff --git a"]))
CONTENT = st.builds(
    lambda those, end: b"\n".join(those) + end, LINES, st.sampled_from([b"", b"\n"])
)


@settings(max_examples=30)
@given(CONTENT, CONTENT, st.sampled_from(["-U0", "-U1", "-U3"]))
def test_whatever_the_lines_are_they_are_where_git_says(
    old: bytes, new: bytes, context: str
) -> None:
    patch = read_patch(diff({b"f": old}, {b"f": new}, context))
    if old == new:
        assert patch == {}
        return
    is_right(patch["f"], old, new)


NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..", b".git")
)


@settings(max_examples=20)
@given(NAMES)
def test_names_of_any_bytes_are_read(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    assert set(read_patch(diff({}, {name: b"one\n"}))) == {text}
    assert set(read_patch(diff({}, {name: b""}))) == {text}
    [gone] = read_files(diff({name: b"one\n"}, {}))
    assert (gone.old, gone.new) == (text, None)


def test_renames_and_copies_are_followed() -> None:
    body = b"".join(b"line %d\n" % number for number in range(20))
    renamed = diff({b"old name": body}, {b"new name": body + b"more\n"}, "-M")
    [file] = read_files(renamed)
    assert (file.old, file.new, file.added) == ("old name", "new name", {21: b"more"})
    copied = diff({b"a": body}, {b"a": body, b"b c": body}, "-C", "--find-copies-harder")
    [file] = read_files(copied)
    assert (file.old, file.new, file.added) == ("a", "b c", {})


def test_a_change_of_mode_and_a_binary_file_have_no_lines() -> None:
    mode = b"diff --git a/x y b/x y\nold mode 100644\nnew mode 100755\n"
    binary = (
        b"diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n"
    )
    assert read_patch(mode + binary) == {
        "x y": FilePatch("x y", "x y"),
        "i.png": FilePatch("i.png", "i.png"),
    }


def test_a_diff_that_git_has_not_written_is_read_too() -> None:
    data = b"--- a.txt\t2026-01-01\n+++ a.txt\t2026-01-02\n@@ -1 +1,2 @@\n one\n+two\n"
    assert read_patch(data + data.replace(b"a.txt", b"b.txt")).keys() == {"a.txt", "b.txt"}
    assert read_patch(data)["a.txt"].added == {2: b"two"}


def test_a_diff_with_windows_line_ends_is_read() -> None:
    data = diff({b"f": b"one\n"}, {b"f": b"one\ntwo\n"}).replace(b"\n", b"\r\n")
    assert read_patch(data)["f"].added == {2: b"two\r"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello\n", "not a unified diff"),
        (b"--- a\n+++ b\n@@ -1,3 +1,3 @@\n one\n", "cut off"),
        (b"--- a\n+++ b\n@@ -1,3 +1,3 @@\n one\n?\n", "line 5"),
        (b"--- a\n+++ b\n@@ -1 +1 @@\n-a\n b\n+c\n", "more lines than its head says"),
        (b"@@ -1 +1 @@\n-a\n+b\n", "a hunk before any file"),
        (b"diff --cc a\n@@@ -1 -1 +1 @@@\n", "compare two commits"),
    ],
)
def test_what_is_no_whole_diff_is_refused_with_its_place(data: bytes, why: str) -> None:
    with pytest.raises(BadPatch, match=why):
        read_patch(data)


def test_nothing_is_a_diff_of_nothing() -> None:
    assert read_patch(b"") == {}


@given(
    st.binary()
    | st.lists(st.sampled_from([b"--- a", b"+++ b", b"@@ -1 +1 @@", b"+x"])).map(b"\n".join)
)
def test_any_bytes_are_a_diff_or_refused(data: bytes) -> None:
    try:
        patch = read_patch(data)
    except BadPatch:
        return
    lines = data.split(b"\n")
    for file in patch.values():
        assert all(b"+" + text in lines for text in file.added.values())
