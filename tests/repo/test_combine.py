"""The commit that a landing will be, made of objects alone, compared with what git itself does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intakebot.repo import combine
from intakebot.repo.change import merge_tree, tree_of
from tests.repo.conftest import Work, git

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
BOT = f"intakebot <intakebot@localhost> {int(AT.timestamp())} +0000"


def apart(work: Work, *changes: dict[str, bytes | None]) -> tuple[str, str, str]:
    """A start, a target that moved on, and a branch with a commit for each change."""
    start = work.commit({"a.txt": b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "b.txt": b"b\n"}, "Start")
    work.branch("theirs", start)
    for number, change in enumerate(changes, 1):
        head = work.commit(change, f"Step {number}\n\nWhy {number}.")
    git(work.folder, "switch", "--quiet", "main")
    base = work.commit({"a.txt": b"one\n2\n3\n4\n5\n6\n7\n8\n9\n"}, "Meanwhile")
    return start, base, head


def shown(work: Work, commit: str, shape: str) -> str:
    return work.mirror.run("log", "-1", f"--format={shape}", commit).decode().strip()


def test_a_rebase_gives_the_trees_authors_and_messages_that_git_rebase_gives(work: Work) -> None:
    _, base, head = apart(
        work,
        {"a.txt": b"1\n2\n3\n4\n5\n6\n7\n8\nnine\n"},
        {"b.txt": None, "c/d.txt": b"new\n"},
        {"c/d.txt": b"newer\n"},
    )
    made = combine.rebase(work.mirror, base, head, AT)
    git(work.folder, "switch", "--quiet", "--detach", head)
    git(work.folder, "rebase", "--quiet", base)
    shape = "--format=%T %an <%ae> %at %B"
    ours = work.mirror.run("log", shape, f"{base}..{made}").decode().strip()
    assert ours == git(work.folder, "log", shape, f"{base}..HEAD")
    assert shown(work, made, "%cn <%ce> %ct +0000") == BOT
    assert combine.rebase(work.mirror, base, head, AT) == made


def test_commits_that_stand_on_the_target_already_are_left_as_they_are(work: Work) -> None:
    base = work.commit({"a.txt": b"1\n"})
    head = work.commit({"a.txt": b"2\n"})
    assert combine.rebase(work.mirror, base, head, AT) == head


def test_a_rebase_leaves_out_what_the_target_has_already(work: Work) -> None:
    start, _, head = apart(work, {"b.txt": b"bee\n"}, {"n.txt": b"new\n"})
    git(work.folder, "switch", "--quiet", "main")
    base = work.commit({"b.txt": b"bee\n"}, "The same, by somebody else")
    made = combine.rebase(work.mirror, base, head, AT)
    assert shown(work, made, "%s %P") == f"Step 2 {base}"
    assert start not in shown(work, made, "%P")


def test_a_rebase_through_a_merge_commit_or_a_conflict_is_refused_with_what_to_do(
    work: Work,
) -> None:
    _, base, head = apart(work, {"a.txt": b"uno\n2\n3\n4\n5\n6\n7\n8\n9\n"}, {"b.txt": b"x\n"})
    with pytest.raises(combine.CannotCombine, match=r"conflicts; rebase it onto the target"):
        combine.rebase(work.mirror, base, head, AT)
    merged = combine.merge(work.mirror, tree_of(work.mirror, head), head, base, "Merge", AT)
    newer = work.mirror.run("rev-parse", f"{base}^").decode().strip()
    with pytest.raises(combine.CannotCombine, match="holds merge commits"):
        combine.rebase(work.mirror, newer, merged, AT)


def test_a_squash_is_one_commit_by_its_newest_author_whatever_their_name_is(work: Work) -> None:
    _, base, head = apart(work, {"b.txt": b"x\n"}, {"b.txt": b"y\n"})
    git(work.folder, "switch", "--quiet", "theirs")
    git(work.folder, "commit", "--quiet", "--amend", "--no-edit",
        "--author=Zoë \x1b[31mb <zoe@example.org>")  # fmt: skip
    head = git(work.folder, "rev-parse", "HEAD")
    tree, _ = merge_tree(work.mirror, base, head)
    assert tree is not None
    made = combine.squash(work.mirror, tree, base, head, "All of it (#7)\n", AT)
    assert shown(work, made, "%P %T %s") == f"{base} {tree} All of it (#7)"
    assert shown(work, made, "%an <%ae> %at") == shown(work, head, "%an <%ae> %at")
    assert combine.authors(work.mirror, base, head) == [
        shown(work, head, "%an <%ae>"),
        "Ada <ada@example.org>",
    ]
    work.mirror.run("fsck", "--strict", "--no-dangling", made)
