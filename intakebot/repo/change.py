"""What a pull request would change, computed by git on objects alone: no work tree, no attributes.

Files are those of the merge *result* against the target's tip, so that an evil merge, a revert
hidden in a merge, or a stale branch shows what landing it would really do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, takewhile
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
MOST_MERGES = 20  # of one change, the newest, that are looked into
MARKERS = ("<<<<<<<", ">>>>>>>", "|||||||")


@dataclass(frozen=True, slots=True)
class Merge:
    """What git makes of merging `head` into `base`. `tree` is None when it does not merge."""

    base: str
    head: str
    merge_bases: tuple[str, ...]
    tree: str | None
    conflicts: tuple[str, ...]

    @property
    def sides(self) -> tuple[str, str]:
        """Before and after. What does not merge is compared as its author wrote it."""
        if self.tree is not None:
            return self.base, self.tree
        return (*self.merge_bases, self.base)[0], self.head


def merge(git: Git, base: str, head: str) -> Merge:
    """Both are full ids already in the repository."""
    base, head = full_id(base), full_id(head)
    with ThreadPoolExecutor(1) as pool:
        merged = pool.submit(merge_tree, git, base, head)
        bases = tuple(git.run("merge-base", "--all", base, head, ok=(0, 1)).decode().split())
    if not bases:  # then it can't be merged either, and git says so
        return Merge(base, head, (), None, ("the whole tree: the histories are unrelated",))
    return Merge(base, head, bases, *merged.result())


def read_change(git: Git, base: str, head: str) -> Change:
    """What merging `head` into `base` does. Raises TooMuch when that can't be told in full."""
    return change_of(git, merge(git, base, head))


def change_of(git: Git, merged: Merge) -> Change:
    """Each question is a git of its own; those that don't wait for one another run side by side."""
    base, head = merged.base, merged.head
    with ThreadPoolExecutor(1) as pool:
        tree = pool.submit(tree_of, git, head)
        listed = pool.submit(git.run, "rev-list", "--parents", f"{base}..{head}")
        files = changed_files(git, *merged.sides)
    commits = [tuple(line.split()) for line in listed.result().decode().splitlines()]
    return Change(
        base=base,
        head=head,
        head_tree=tree.result(),
        merge_base=merged.merge_bases[0] if merged.merge_bases else None,
        result_tree=merged.tree,
        conflicts=merged.conflicts,
        files=files,
        commits=len(commits),
        contained=head in merged.merge_bases,
        merges=tuple(islice(_merges(commits), MOST_MERGES)),
    )


def _merges(commits: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    """Commit, the parent that it goes on from, and the one of the target that it takes in."""
    new = {commit for commit, *_ in commits}
    for commit, *parents in commits:
        if len(parents) == 2:
            for own, other in (parents, parents[::-1]):
                if other not in new:
                    yield commit, own, other


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
    out = git.run(
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--numstat",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        full_id(before),
        full_id(after),
    )
    # First a pair of fields for each path, the first of them with a colon; then the counts.
    fields = out.decode("utf-8", "surrogateescape").split("\0")
    raw = list(
        takewhile(
            lambda pair: pair[0].startswith(":"), zip(fields[::2], fields[1::2], strict=False)
        )
    )
    if len(raw) > MOST_FILES:
        raise TooMuch(f"it changes more than {MOST_FILES} files", after=600)
    counts = _counts(fields[2 * len(raw) :])
    files = []
    for meta, path in raw:
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


def _counts(records: Iterable[str]) -> dict[str, tuple[int | None, int | None]]:
    found: dict[str, tuple[int | None, int | None]] = {}
    for record in records:
        if record:
            added, removed, path = record.split("\t", 2)
            found[path] = (
                (None, None) if added == "-" else (int(added), int(removed))
            )  # "-" is binary content
    return found


def patch(git: Git, before: str, after: str, paths: Sequence[str], context: int = 3) -> str:
    """The textual diff of some paths. Undecodable bytes are kept as surrogates."""
    found = raw_patch(git, before, after, paths, context=context)
    return found.decode("utf-8", "surrogateescape")


def raw_patch(
    git: Git,
    before: str,
    after: str,
    paths: Sequence[str],
    *,
    context: int = 3,
    renames: bool = False,
) -> bytes:
    """The same as git writes it. Renames can only be found where both names are among `paths`."""
    return git.run(
        "diff-tree",
        "-p",
        "-r",
        f"--unified={context}",
        "--find-renames" if renames else "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--text",
        full_id(before),
        full_id(after),
        "--",
        *paths,
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
