"""What names in a tree do on people's machines: where links lead, and which names clash.

Git keeps any name and any link. What a file system makes of them is another matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from intakebot.core.paths import folded, is_short, protected

DRIVE = re.compile(r"[A-Za-z]:")
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}


def astray(path: str, target: str, guarded: Sequence[str]) -> str:
    """Why a link at `path` to `target` is one that nobody wants; "" where nothing is wrong.

    `guarded` are the patterns of protected paths. A backslash parts folders, as on Windows.
    """
    steps = [step for step in target.replace("\\", "/").split("/") if step not in ("", ".")]
    if target.startswith(("/", "\\")) or DRIVE.match(target):
        return "which is outside the repository"
    place = path.split("/")[:-1]
    while steps and steps[0] == "..":
        if not place:
            return "which is outside the repository"
        place.pop()
        steps.pop(0)
    if ".." in steps:  # after a name, which may be a link itself, it leads back to anywhere
        return "which goes back up after a name, so that it can't be told where it ends"
    place += steps
    whole = "/".join(place)
    if any(folded(step) == ".git" for step in place):
        return "which is Git's own folder"
    if protected([whole], guarded) or _holds_protected(whole, guarded):
        return "which is protected"
    return ""


def _holds_protected(folder: str, guarded: Iterable[str]) -> bool:
    inside = f"{folded(folder)}/" if folder else ""
    return any(folded(pattern).startswith(inside) for pattern in guarded)


def steps_to(path: str) -> list[tuple[str, str]]:
    """Each name on the way to `path`, with the folder that it is in; "" is the whole tree."""
    names = path.split("/")
    return [("/".join(names[:depth]), name) for depth, name in enumerate(names)]


def twins(names: Iterable[str]) -> dict[str, str]:
    """Of the names in one folder those that are one place on Windows or macOS, each with another
    of its kind."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_as_seen(name), []).append(name)
    found: dict[str, str] = {}
    for several in alike.values():
        if len(several) > 1:
            first, second, *_ = sorted(several)
            found |= {name: second if name == first else first for name in several}
    return found


def _as_seen(name: str) -> str:
    """`folded`, with a short way for most of the thousands of names that a folder may have."""
    if name.isascii() and name[-1:] not in (".", " ") and ":" not in name and "\\" not in name:
        return name.lower()
    return folded(name)


def trouble(name: str, twin: str | None) -> str:
    """What is wrong with a name on Windows or macOS; "" for nothing. `twin` is of its folder."""
    if name.partition(".")[0].rstrip(" ").lower() in DEVICES:
        return f"{name} is the name of a device on Windows"
    if name != name.rstrip(". "):
        return f"{name} ends with a dot or a blank, which Windows drops"
    if is_short(name):
        return f"{name} is what Windows may call a file with a longer name"
    return f"{name} is the same as {twin} on Windows or macOS" if twin else ""
