"""What a merge commit made otherwise than git would have."""

from __future__ import annotations

from intakebot.repo.git import Git, full_id


def left_as_it_was(git: Git, commit: str, own: str, other: str) -> set[str]:
    """Paths that a merge of `other` has as `own` had them, where git would have taken changes of
    `other` in, or left the choice to whoever merges."""
    parents = full_id(own), full_id(other)
    status, out = git.status(
        "merge-tree", "--write-tree", "--no-messages", *parents, ok=(0, 1, 128)
    )
    # With marks in the files where git does not know. Unrelated histories it does not merge.
    by_git = other if status == 128 else out.decode().split("\n", 1)[0]
    return _differ(git, by_git, commit) - _differ(git, own, commit)


def _differ(git: Git, before: str, after: str) -> set[str]:
    shape = ("diff-tree", "-r", "-z", "--name-only", "--no-renames")
    out = git.run(*shape, full_id(before), full_id(after))
    return {path for path in out.decode("utf-8", "surrogateescape").split("\0") if path}
