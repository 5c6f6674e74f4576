"""What a change is, read from objects alone."""

from __future__ import annotations

from intakebot.core.patch import read_patch
from intakebot.repo import change
from tests.repo.conftest import Work, git


def changed_lines(work: Work, base: str, head: str, path: str) -> set[int]:
    return set(read_patch(change.raw_patch(work.mirror, base, head, [path]))[path].added)


def test_files_are_those_of_the_merge_result_not_of_the_branch(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n", "b.txt": b"1\n"})
    main = work.commit({"b.txt": b"2\n"})
    work.branch("topic", base)
    head = work.commit({"a.txt": b"2\n"})

    found = change.read_change(work.mirror, main, head)

    assert [file.path for file in found.files] == ["a.txt"]
    assert found.commits == 1
    assert found.result_tree is not None
    assert not found.contained


def test_a_merge_that_quietly_takes_back_mains_work_shows_it(work: Work) -> None:
    base = work.commit({"page.html": b"old\n", "fix.txt": b"wrong\n"})
    main = work.commit({"fix.txt": b"right\n"})
    work.branch("topic", base)
    work.commit({"page.html": b"new\n"})
    git(work.folder, "merge", "--quiet", "-s", "ours", "main", "-m", "Merge main")
    head = git(work.folder, "rev-parse", "HEAD")

    found = change.read_change(work.mirror, main, head)

    assert {file.path for file in found.files} == {"page.html", "fix.txt"}


def test_crossed_histories_show_what_merging_takes_back(work: Work) -> None:
    """Two merge bases: the fix is in one of them, and undone in the head."""
    base = work.commit({"page.html": b"old\n", "fix.txt": b"wrong\n"})
    work.branch("topic", base)
    work.commit({"page.html": b"new\n"})
    git(work.folder, "switch", "--quiet", "main")
    fix = work.commit({"fix.txt": b"right\n"})
    git(work.folder, "merge", "--quiet", "--no-ff", "topic", "-m", "Land the page")
    main = git(work.folder, "rev-parse", "HEAD")
    git(work.folder, "switch", "--quiet", "topic")
    git(work.folder, "merge", "--quiet", "-s", "ours", fix, "-m", "Merge main")
    head = git(work.folder, "rev-parse", "HEAD")

    found = change.read_change(work.mirror, main, head)

    assert {file.path for file in found.files} == {"fix.txt"}


def test_a_conflict_names_its_files_and_gives_no_result(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n", "c d.txt": b"1\n"})
    main = work.commit({"a.txt": b"2\n", "c d.txt": b"2\n"})
    work.branch("topic", base)
    head = work.commit({"a.txt": b"3\n", "c d.txt": b"3\n"})

    found = change.read_change(work.mirror, main, head)

    assert found.result_tree is None
    assert found.conflicts == ("a.txt", "c d.txt")


def test_unrelated_histories_are_a_conflict_not_a_crash(work: Work) -> None:
    main = work.commit({"a.txt": b"1\n"})
    git(work.folder, "switch", "--quiet", "--orphan", "other")
    head = work.commit({"b.txt": b"1\n"})

    found = change.read_change(work.mirror, main, head)

    assert found.result_tree is None
    assert found.merge_base is None
    assert "unrelated" in found.conflicts[0]


def test_attributes_that_a_contributor_writes_hide_nothing_and_merge_nothing(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n"})
    main = work.commit({"a.txt": b"2\n"})
    work.branch("topic", base)
    head = work.commit({"a.txt": b"3\n", ".gitattributes": b"* -diff merge=union\n"})

    found = change.read_change(work.mirror, main, head)

    assert found.conflicts == ("a.txt",)
    text = change.patch(work.mirror, base, head, ["a.txt"])
    assert "+3" in text and "Binary" not in text
    counted = {file.path: file.added for file in found.files}
    assert counted["a.txt"] == 1


def test_odd_paths_come_through_as_they_are(work: Work) -> None:
    odd = ['tab\t"quote".txt', "line\nbreak.txt", "-dash.txt", ":(top)magic.txt", "ünï.txt"]
    base = work.commit({"a.txt": b"1\n"})
    work.branch("topic", base)
    head = work.commit({path: b"x\n" for path in odd})

    found = change.read_change(work.mirror, base, head)

    assert {file.path for file in found.files} == set(odd)
    for path in odd:
        assert changed_lines(work, base, head, path) == {1}


def test_a_path_that_is_not_utf_8_is_kept_apart_by_its_bytes(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n"})
    blob = git(work.folder, "hash-object", "-w", "--stdin", feed=b"x\n")
    tree = git(work.folder, "mktree", feed=b"100644 blob " + blob.encode() + b"\tcaf\xe9.txt\n")
    head = git(work.folder, "commit-tree", tree, "-p", base, "-m", "Latin")

    found = change.read_change(work.mirror, base, head)

    assert "caf\udce9.txt" in {file.path for file in found.files}


def test_binary_content_has_no_line_counts(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n"})
    work.branch("topic", base)
    head = work.commit({"logo.png": b"\x89PNG\0\0\0"})

    (file,) = change.read_change(work.mirror, base, head).files

    assert (file.added, file.removed) == (None, None)


def test_lines_split_on_newlines_alone(work: Work) -> None:
    base = work.commit({"a.txt": "one\u2028still one\x0cstill one\r\ntwo\n".encode()})
    work.branch("topic", base)
    head = work.commit({"a.txt": "one\u2028still one\x0cstill one\r\nTWO\n".encode()})

    assert changed_lines(work, base, head, "a.txt") == {2}


def test_a_diff_in_the_content_is_content(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n"})
    work.branch("topic", base)
    fake = b"--- a/evil.py\n+++ b/evil.py\n@@ -1 +1 @@\n-x\n+y\n"
    head = work.commit({"a.txt": b"1\n" + fake})

    assert [f.path for f in change.read_change(work.mirror, base, head).files] == ["a.txt"]
    assert changed_lines(work, base, head, "a.txt") == {2, 3, 4, 5, 6}


def test_conflict_markers_are_placed_and_rulers_are_not(work: Work) -> None:
    base = work.commit({"a.md": b"Title\n=======\n"})
    work.branch("topic", base)
    head = work.commit(
        {"a.md": b"Title\n=======\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n"}
    )

    assert change.conflict_markers(work.mirror, base, head) == ["a.md:3", "a.md:7"]
    assert change.conflict_markers(work.mirror, head, head) == []


def test_a_head_that_the_target_has_already_is_contained(work: Work) -> None:
    old = work.commit({"a.txt": b"1\n"})
    main = work.commit({"a.txt": b"2\n"})

    assert change.read_change(work.mirror, main, old).contained
