"""The commit that a landing will be: a merge, everything in one commit, or the commits rebased.

Made of objects alone, without a work tree. The same arguments give the same ids on any machine,
whatever git that machine has: `merge-tree --merge-base` and `replay` are newer than what we need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from intakebot.model import ContributorError
from intakebot.repo.change import is_ancestor, merge_tree, tree_of
from intakebot.repo.git import Git, full_id

NAME, EMAIL = "intakebot", "intakebot@localhost"
MOST_REBASED = 250  # commits; each costs three calls of git


class CannotCombine(ContributorError):
    """Why the commits can't land by this method; the text goes on from "it ..."."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What is taken over of a commit, byte for byte. `author` is a claim of whoever made it."""

    id: str
    parents: tuple[str, ...]
    author: bytes
    encoding: bytes
    message: bytes


def merge(git: Git, tree: str, base: str, head: str, message: str, at: datetime) -> str:
    """The merge of `head` into `base`."""
    return _written(git, tree, (base, head), _bot(at), message.encode("utf-8", "replace"), at)


def squash(git: Git, tree: str, base: str, head: str, message: str, at: datetime) -> str:
    """One commit on `base`, by the author of the newest one."""
    author = read_commit(git, head).author
    return _written(git, tree, (base,), author, message.encode("utf-8", "replace"), at)


def single(git: Git, tree: str, parent: str, message: str, at: datetime) -> str:
    """One commit with this tree, by the bot."""
    return _written(git, tree, (parent,), _bot(at), message.encode("utf-8", "replace"), at)


def authors(git: Git, base: str, head: str) -> list[str]:
    """`Name <email>` of everybody whose commits would come in, that of `head` first: claims."""
    shape = ("--no-commit-header", "--format=%an <%ae>")
    out = git.run("rev-list", *shape, "--end-of-options", full_id(head), f"^{full_id(base)}")
    return list(dict.fromkeys(out.decode("utf-8", "replace").splitlines()))


def rebase(git: Git, base: str, head: str, at: datetime) -> str:
    """The newest of the commits, each made anew upon the one before, the oldest upon `base`.

    Commits that stand on `base` already are left as they are. Raises CannotCombine.
    """
    commits = _coming(git, base, head)
    if any(len(one.parents) != 1 for one in commits):
        raise CannotCombine(
            "holds merge commits, which can't be rebased; rebase it onto the target and push"
        )
    if len(commits) > MOST_REBASED:
        raise CannotCombine(f"has more than {MOST_REBASED} commits; squash some of them and push")
    if is_ancestor(git, base, head):
        return head
    tip, tree = base, tree_of(git, base)
    for one in commits:
        changed = _replayed(git, one, tree)
        if changed is None:
            raise CannotCombine(
                f"can't be rebased, commit {one.id[:12]} conflicts; rebase it onto the target "
                "and push"
            )
        if changed != tree:  # what the target has already makes no commit
            tree = changed
            tip = _written(git, tree, (tip,), one.author, one.message, at, one.encoding)
    return tip


def empty(git: Git, message: str, at: datetime) -> str:
    """A commit without files and without a past."""
    tree = git.run("mktree").decode().strip()
    return _written(git, tree, (), _bot(at), message.encode(), at)


def read_commit(git: Git, commit: str) -> Commit:
    header, _, message = git.run("cat-file", "commit", full_id(commit)).partition(b"\n\n")
    fields = [line.split(b" ", 1) for line in header.split(b"\n") if not line.startswith(b" ")]
    first = {name: value for name, value in reversed(fields)}
    return Commit(
        commit,
        tuple(value.decode() for name, value in fields if name == b"parent"),
        first[b"author"],
        first.get(b"encoding", b""),
        message,
    )


def _coming(git: Git, base: str, head: str) -> list[Commit]:
    """The commits that are in `head` and not in `base`, oldest first."""
    out = git.run(
        "rev-list",
        "--topo-order",
        "--reverse",
        f"--max-count={MOST_REBASED + 1}",
        "--end-of-options",
        full_id(head),
        f"^{full_id(base)}",
    )
    return [read_commit(git, commit) for commit in out.decode().split()]


def _replayed(git: Git, commit: Commit, onto: str) -> str | None:
    """The tree that the change of `commit` gives on the tree `onto`; None where it conflicts.

    A commit with that tree beside it, of the same parent, makes the parent their merge base.
    """
    beside = _written(git, onto, commit.parents, _bot(EPOCH), b"", EPOCH)
    tree, _ = merge_tree(git, beside, commit.id)
    return tree


def _written(
    git: Git,
    tree: str,
    parents: Sequence[str],
    author: bytes,
    message: bytes,
    at: datetime,
    encoding: bytes = b"",
) -> str:
    lines = [b"tree " + full_id(tree).encode()]
    lines += [b"parent " + full_id(parent).encode() for parent in parents]
    lines += [b"author " + author, b"committer " + _bot(at)]
    lines += [b"encoding " + encoding] if encoding else []
    body = b"\n".join(lines) + b"\n\n" + message
    return git.run("hash-object", "-t", "commit", "-w", "--stdin", feed=body).decode().strip()


def _bot(at: datetime) -> bytes:
    return f"{NAME} <{EMAIL}> {int(at.timestamp())} +0000".encode()


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
