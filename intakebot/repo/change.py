"""What a pull request would change, computed by git on objects alone: no work tree, no attributes.

Files are those of the merge *result* against the target's tip, so that an evil merge, a revert
hidden in a merge, or a stale branch shows what landing it would really do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from unidiff.patch import PatchSet

from intakebot.model import Change, ChangedFile
from intakebot.repo.git import Git, TooMuch, full_id

CHANGES: dict[str, Literal["added", "modified", "deleted", "type"]] = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "T": "type",
}
MOST_FILES = 100_000  # of one change
MARKERS = ("<<<<<<<", ">>>>>>>", "|||||||")


def read_change(git: Git, base: str, head: str) -> Change:
    """What merging `head` into `base` does; both are full ids already in the repository.

    Raises TooMuch for a change that can't be told in full.
    """
    base, head = full_id(base), full_id(head)
    bases = git.run("merge-base", "--all", base, head, ok=(0, 1)).decode().split()
    tree, conflicts = merge_tree(git, base, head) if bases else (None, ())
    before, after = (base, tree) if tree else ((bases or [base])[0], head)
    return Change(
        base=base,
        head=head,
        head_tree=tree_of(git, head),
        merge_base=bases[0] if bases else None,
        result_tree=tree,
        conflicts=conflicts if bases else ("the whole tree: the histories are unrelated",),
        files=changed_files(git, before, after),
        commits=int(git.run("rev-list", "--count", f"{base}..{head}")),
        contained=head in bases,
    )


def merge_tree(git: Git, base: str, head: str) -> tuple[str | None, tuple[str, ...]]:
    """(tree id, ()) for a clean merge, (None, conflicting paths) otherwise."""
    status, out = git.status(
        "merge-tree",
        "--write-tree",
        "--name-only",
        "--no-messages",
        "-z",
        full_id(base),
        full_id(head),
        ok=(0, 1),
    )
    tree, *paths = out.decode("utf-8", "surrogateescape").split("\0")
    if status == 0:
        return tree.strip(), ()
    return None, tuple(dict.fromkeys(path for path in paths if path))


def tree_of(git: Git, commit: str) -> str:
    return git.run("rev-parse", "--verify", f"{full_id(commit)}^{{tree}}").decode().strip()


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    status, _ = git.status("merge-base", "--is-ancestor", full_id(older), full_id(newer), ok=(0, 1))
    return status == 0


def new_commits(git: Git, base: str, head: str) -> frozenset[str]:
    """Every commit that `head` would bring into `base`."""
    out = git.run("rev-list", "--end-of-options", full_id(head), f"^{full_id(base)}")
    return frozenset(out.decode().split())


def changed_files(git: Git, before: str, after: str) -> tuple[ChangedFile, ...]:
    """Every path that differs, as deletions and additions: renames are not guessed. Or TooMuch."""
    shape = ("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
    raw = git.run(*shape, "--raw", "--no-abbrev", full_id(before), full_id(after))
    if raw.count(b"\0") > 2 * MOST_FILES:
        raise TooMuch(f"it changes more than {MOST_FILES} files", after=600)
    counts = _counts(git.run(*shape, "--numstat", full_id(before), full_id(after)))
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    files = []
    for meta, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, new_blob, status = meta.lstrip(":").split(" ")
        added, removed = counts.get(path, (None, None))
        files.append(
            ChangedFile(
                path=path,
                change=CHANGES[status[0]],
                added=added,
                removed=removed,
                old_mode=old_mode,
                new_mode=new_mode,
                old_blob=old_blob,
                new_blob=new_blob,
            )
        )
    return tuple(files)


def _counts(numstat: bytes) -> dict[str, tuple[int | None, int | None]]:
    found: dict[str, tuple[int | None, int | None]] = {}
    for record in numstat.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            added, removed, path = record.split("\t", 2)
            found[path] = (
                (None, None) if added == "-" else (int(added), int(removed))
            )  # "-" is binary content
    return found


def patch(git: Git, before: str, after: str, paths: Sequence[str], context: int = 3) -> str:
    """The textual diff of some paths. Undecodable bytes are kept as surrogates."""
    return git.run(
        "diff-tree",
        "-p",
        "-r",
        f"--unified={context}",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--text",
        full_id(before),
        full_id(after),
        "--",
        *paths,
    ).decode("utf-8", "surrogateescape")


def changed_lines(git: Git, before: str, after: str, path: str) -> frozenset[int]:
    """Line numbers in `after` that were added or changed."""
    return frozenset(
        line.target_line_no
        for file in PatchSet(patch(git, before, after, [path], context=0))
        for hunk in file
        for line in hunk
        if line.is_added and line.target_line_no is not None
    )


def conflict_markers(git: Git, before: str, after: str, most: int = 20) -> list[str]:
    """Places ("path:line") where an added line is a leftover conflict marker."""
    names = git.run(
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--diff-filter=AM",
        "-G^(<<<<<<<|>>>>>>>|[|]{7})( |$)",
        full_id(before),
        full_id(after),
    )
    places: list[str] = []
    for path in names.decode("utf-8", "surrogateescape").split("\0"):
        if path and len(places) < most:
            places += [f"{path}:{line}" for line in _marker_lines(git, before, after, path)]
    return places[:most]


def _marker_lines(git: Git, before: str, after: str, path: str) -> list[int]:
    return [
        line.target_line_no
        for file in PatchSet(patch(git, before, after, [path], context=0))
        for hunk in file
        for line in hunk
        if line.is_added
        and line.target_line_no
        and line.value.rstrip("\r\n").split(" ")[0] in MARKERS
    ]
