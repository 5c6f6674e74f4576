"""What no file's content tells: where links lead, names that clash, and what merges take back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intakebot.core.comment import OWN
from intakebot.core.escape import visible
from intakebot.core.names import astray, steps_to, trouble, twins
from intakebot.model import Change, ChangedFile, Finding, Level
from intakebot.repo.git import Git
from intakebot.repo.listing import names_in, touched_folders
from intakebot.repo.merged import left_as_it_was
from intakebot.repo.objects import SUBMODULE, SYMLINK, read_blobs

SHORT = 12  # of a commit's id
SHOWN = 100  # characters of where a link leads
LONGEST_TOLD = 500  # characters; a name alone may have thousands
LONGEST_TARGET = 4096  # bytes, as Linux has it


def stray_links(git: Git, change: Change, guarded: Sequence[str]) -> Iterator[Finding]:
    """Links that lead out of the repository or to a protected path, and repositories in it."""
    links = [file for file in change.files if file.new_mode == SYMLINK]
    targets = dict(read_blobs(git, {file.new_blob for file in links}, LONGEST_TARGET))
    for file in links:
        target = targets[file.new_blob].decode("utf-8", "surrogateescape")
        if why := astray(file.path, target, guarded):
            yield _finding("stray-links", file, f"A link to {visible(target, SHOWN)}, {why}.")
    for file in change.files:
        if file.new_mode == SUBMODULE and file.old_mode != SUBMODULE:
            what = (
                f"Commit {file.new_blob[:SHORT]} of another repository, whose files are not here."
            )
            yield _finding("stray-links", file, what)


def clashing_names(git: Git, change: Change, before: str, after: str) -> Iterator[Finding]:
    """Names that are new with the change and that Windows or macOS can't have beside the others.

    `before` and `after` are the sides of the change.
    """
    added = {file.path: file for file in change.files if file.change == "added"}
    if not added:
        return
    folders = touched_folders(git, before, after)
    tree = {path: folder.tree for path, folder in folders.items()}
    tree[""] = change.result_tree or change.head_tree
    new = added.keys() | {path for path, folder in folders.items() if folder.is_new}
    steps = {path: steps_to(path) for path in added}
    trees = {tree[folder] for those in steps.values() for folder, _ in those}
    twin = {one: twins(names) for one, names in names_in(git, trees)}
    told: set[str] = set()
    for path, those in steps.items():
        for folder, name in those:
            place = f"{folder}/{name}" if folder else name
            if place not in new or place in told:
                continue
            told.add(place)
            if what := trouble(name, twin[tree[folder]].get(name)):
                yield _finding("clashing-names", added[path], f"{what}.")


def taken_back(git: Git, change: Change) -> Iterator[Finding]:
    """Files that a merge left as they were, though what it merged has changed them, as `merge -s
    ours` does. Told where landing would make it so on the target."""
    files = {file.path: file for file in change.files}
    for merge in change.merges:
        for path in sorted(left_as_it_was(git, *merge) & files.keys()):
            commit, _, other = (one[:SHORT] for one in merge)
            what = f"Commit {commit} merges {other}, and leaves out what that changes here."
            yield _finding("taken-back", files.pop(path), what, Level.WARNING)


def _finding(rule: str, file: ChangedFile, what: str, level: Level = Level.ERROR) -> Finding:
    return Finding(file.path, 0, level, rule, visible(what, LONGEST_TOLD), OWN)
