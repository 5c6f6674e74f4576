"""What the detectors find in what a pull request brings: in every new blob, each read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from intakebot import log
from intakebot.core.comment import OWN
from intakebot.core.facts import clean
from intakebot.core.patch import FilePatch, read_patch
from intakebot.core.paths import matching
from intakebot.core.placing import Where, place
from intakebot.core.remembered import Remembered
from intakebot.detectors import DETECTORS
from intakebot.flow.shape import clashing_names, stray_links, taken_back
from intakebot.model import Change, Config, Finding, OperatorError
from intakebot.repo.brought import commit_patches, new_blobs
from intakebot.repo.change import raw_patch
from intakebot.repo.git import Git
from intakebot.repo.objects import SUBMODULE, SYMLINK, read_blobs

MOST_FOUND = 50  # of one kind; the comment names a few of them, the page lists these
SHORT = 12  # of a commit's id

Found = Mapping[str, tuple[Finding, ...]]
# Looks ask again and again, and what two commits hold never changes.
KNOWN: Remembered[Found] = Remembered(256)


def detect(git: Git, change: Change, config: Config) -> Found:
    """Detector -> what it found, without what the target's configuration welcomes."""
    if not change.files:
        return {}
    key = (git.folder, change.base, change.head, change.result_tree, config.protected)
    found = KNOWN.get(key, lambda: _found(git, change, config))
    return {name: _unwelcome(those, config.welcome.get(name, ())) for name, those in found.items()}


def _unwelcome(found: tuple[Finding, ...], patterns: tuple[str, ...]) -> tuple[Finding, ...]:
    welcome = set(matching([one.path for one in found], patterns))
    return tuple(one for one in found if one.path not in welcome)


def _found(git: Git, change: Change, config: Config) -> Found:
    found = {
        **_in_content(git, change),
        "stray_links": list(stray_links(git, change, config.protected)),
        "clashing_names": list(clashing_names(git, change, *_sides(change))),
        "taken_back": list(taken_back(git, change)),
    }
    return {name: tuple(those[:MOST_FOUND]) for name, those in found.items()}


def _in_content(git: Git, change: Change) -> dict[str, list[Finding]]:
    now = {
        file.new_blob: file.path
        for file in change.files
        if file.change != "deleted" and file.new_mode not in (SYMLINK, SUBMODULE)
    }
    brought = new_blobs(git, change.base, change.head) if change.commits > 1 else {}
    found: dict[str, list[Finding]] = {name: [] for name in DETECTORS}
    lasting: dict[str, list[str]] = {name: [] for name in DETECTORS}
    for blob, data in read_blobs(git, brought | now):
        for name in _suspected(now.get(blob) or brought[blob], data):
            if DETECTORS[name].lasting:
                lasting[name].append(now.get(blob) or brought[blob])
            elif blob in now:
                found[name] += _in_file(name, now[blob], data)
    for name, those in found.items():
        found[name] = _on_added_lines(git, change, name, those)
        if lasting[name]:
            found[name] += _in_history(git, change, name, sorted(set(lasting[name])))
    return found


def _suspected(path: str, data: bytes) -> list[str]:
    found = []
    for name, detector in DETECTORS.items():
        with _told_by_name(name, path):
            if detector.suspects(data):
                found.append(name)
    return found


def _in_file(name: str, path: str, data: bytes) -> list[Finding]:
    with _told_by_name(name, path):
        found = list(DETECTORS[name].detect(path, data))
    return [_finding(name, path, line, f"{_capital(what)}.") for line, what in found]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finding(name: str, path: str, line: int, what: str) -> Finding:
    return Finding(path, line, DETECTORS[name].level, name.replace("_", "-"), what, OWN)


def _on_added_lines(git: Git, change: Change, name: str, found: Sequence[Finding]) -> list[Finding]:
    """What was there before is nobody's to answer for now."""
    before, after = _sides(change)
    paths = sorted({one.path for one in found if one.line})[:MOST_FOUND]
    patch = dict(read_patch(raw_patch(git, before, after, paths, context=0))) if paths else {}
    whole = {one.path: FilePatch(None, one.path) for one in found if not one.line}
    placed = place(found, {**whole, **patch})
    new = [one.known for one in placed if not one.finding.line or one.where is Where.ADDED]
    return _more_than_before(name, new, patch) if DETECTORS[name].growth else new


def _more_than_before(
    name: str, found: Sequence[Finding], patch: Mapping[str, FilePatch]
) -> list[Finding]:
    """Without as many of each file as it had before on the lines that the change takes away."""
    before: dict[str, Counter[str]] = {}
    more = []
    for one in found:
        if one.path not in before:
            old = _in_file(name, one.path, b"\n".join(patch[one.path].removed.values()))
            before[one.path] = Counter(those.message for those in old)
        if before[one.path][one.message]:
            before[one.path][one.message] -= 1
        else:
            more.append(one)
    return more


def _sides(change: Change) -> tuple[str, str]:
    """As the files of a change are told: the merge result, or where there is none the head."""
    if change.result_tree is not None:
        return change.base, change.result_tree
    return change.merge_base or change.base, change.head


def _in_history(git: Git, change: Change, name: str, paths: Sequence[str]) -> list[Finding]:
    """On lines that any commit added: what is taken out again later stays in the history."""
    now = read_patch(raw_patch(git, *_sides(change), paths, context=0))
    told: dict[tuple[str, str, bytes], Finding] = {}
    for commit, patches in commit_patches(git, change.base, change.head, paths):
        for path, added in _added(patches):
            with _told_by_name(name, path):
                found = list(DETECTORS[name].detect(path, b"\n".join(added.values())))
            for index, kind in found:
                line, text = list(added.items())[index - 1]
                here = _line_now(now.get(path), text, line)
                told.setdefault((path, kind, text), _leaked(name, commit, path, kind, here))
    leaks = list(told.values())
    whole = {one.path: FilePatch(None, one.path) for one in leaks}
    return [one.known for one in place(leaks, {**whole, **now})]


def _added(patches: Sequence[bytes]) -> Iterator[tuple[str, dict[int, bytes]]]:
    """Path -> its lines that are new with a commit: none of its parents has them."""
    first, *others = [read_patch(patch) for patch in patches]
    for path, file in first.items():
        moved = set(file.removed.values())
        also = [set(other[path].added.values()) if path in other else set() for other in others]
        yield (
            path,
            {
                line: text
                for line, text in file.added.items()
                if text not in moved and all(text in those for those in also)
            },
        )


def _line_now(now: FilePatch | None, text: bytes, line: int) -> int:
    """Where the line still is, 0 where it is gone."""
    lines = [number for number, added in (now.added if now else {}).items() if added == text]
    return line if line in lines else next(iter(lines), 0)


def _leaked(name: str, commit: str, path: str, kind: str, line: int) -> Finding:
    """What it is and where, and never the thing itself."""
    what = _capital(kind)
    if line:
        return _finding(name, path, line, f"{what}. Whoever reads the branch has it now.")
    gone = f"{what}, in commit {commit[:SHORT]}. Taken out later, but it is still in the history."
    return _finding(name, path, 0, gone)


@contextmanager
def _told_by_name(name: str, path: str) -> Iterator[None]:
    """A fault in a detector is ours: it is told with its name, and nothing passes unseen."""
    try:
        yield
    except Exception as error:
        log.bug("detector failed", detector=name)
        raise OperatorError(
            f"the detector {name} failed on {clean(path)}; the log has it"
        ) from error
