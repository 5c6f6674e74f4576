"""Which findings are the author's, and how one is known again in a later version."""

from __future__ import annotations

from intakebot.core.patch import FilePatch, read_patch
from intakebot.core.placing import COUNTS, Where, already_there, place
from intakebot.model import Finding, Level

PATCH = b"""\
diff --git a/old.py b/new.py
similarity index 90%
rename from old.py
rename to new.py
--- a/old.py
+++ b/new.py
@@ -1,4 +1,5 @@
 import os
-x = 1
+x = 2
+y = 3

 z = 4
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x = 1
"""


def finding(path: str, line: int, rule: str = "E1", message: str = "bad", end: int = 0) -> Finding:
    return Finding(path, line, Level.ERROR, rule, message, "lint", end_line=end)


def wheres(*findings: Finding) -> list[str]:
    return [one.where.value for one in place(findings, read_patch(PATCH))]


def test_a_finding_is_on_an_added_line_a_shown_one_in_the_file_or_outside() -> None:
    those = [finding("new.py", line) for line in (2, 3, 1, 5, 99, 0)]
    assert wheres(*those) == ["added", "added", "context", "context", "file", "file"]
    assert (
        wheres(finding("old.py", 2), finding("gone.py", 1), finding("other.py", 1))
        == ["outside"] * 3
    )


def test_one_that_spans_lines_is_where_it_meets_the_change() -> None:
    [placed] = place([finding("new.py", 1, end=4)], read_patch(PATCH))
    assert (placed.where, placed.line) == (Where.ADDED, 2)
    [placed] = place([finding("new.py", 1, end=10**9)], read_patch(PATCH))
    assert placed.where is Where.ADDED


def test_what_counts_is_for_the_repository_to_say() -> None:
    placed = place([finding("new.py", line) for line in (2, 1, 99)], read_patch(PATCH))
    counts = {mode: sum(one.where in those for one in placed) for mode, those in COUNTS.items()}
    assert counts == {"added": 1, "context": 2, "file": 3}


def change(
    added: dict[int, bytes], removed: dict[int, bytes] | None = None
) -> dict[str, FilePatch]:
    return {"a.py": FilePatch("a.py", "a.py", added, removed=removed or {})}


def prints(patch: dict[str, FilePatch], *findings: Finding) -> list[str]:
    return [one.fingerprint for one in place(findings, patch)]


def test_a_finding_is_known_again_when_its_line_has_moved_or_blanks_changed() -> None:
    before = change({3: b"x = eval(y)", 9: b"z = 1"})
    after = change({7: b"    x =  eval(y)\t\r"})
    assert prints(before, finding("a.py", 3)) == prints(after, finding("a.py", 7))


def test_another_rule_text_or_file_is_another_finding() -> None:
    patch = {**change({1: b"x", 2: b"y"}), "b.py": FilePatch(None, "b.py", {1: b"x"})}
    those = [
        finding("a.py", 1),
        finding("a.py", 1, "E2"),
        finding("a.py", 2),
        finding("b.py", 1),
        finding("a.py", 1, "", "said"),
        finding("a.py", 1, "", "otherwise"),
    ]
    assert len(set(prints(patch, *those))) == len(those)


def test_equal_ones_are_told_apart_and_the_message_may_change() -> None:
    patch = change({1: b"x", 5: b"x"})
    first, second = prints(patch, finding("a.py", 1), finding("a.py", 5))
    assert first != second
    assert prints(patch, finding("a.py", 1, message="102 > 100")) == [first]


def test_what_the_target_has_already_is_not_the_authors() -> None:
    """Two equal lines were there and three are: one of them is new."""
    patch = change({7: b"x", 8: b"x", 9: b"x"}, removed={1: b"x", 2: b"x", 3: b"y"})
    placed = place([finding("a.py", line) for line in (7, 8, 9)], patch)
    found = [one.known for one in placed]
    before = [finding("a.py", 1), finding("a.py", 2), finding("a.py", 3, "E9")]
    assert already_there(found, patch, before) == {one.fingerprint for one in found[:2]}
    assert already_there(found, patch, []) == frozenset()
    assert already_there(found, patch, [finding("b.py", 1)]) == frozenset()
