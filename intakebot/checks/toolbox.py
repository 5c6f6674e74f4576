"""The tools checks may call inside the sandbox, as a folder of their own.

ruff and pytest are copied out of our own installation, because that may lie where the sandbox's
user can't look (a home of mode 0700), and because all else that is installed there is not a check's
business. What an operator has installed for the presets comes along (`tools.py`).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from intakebot.checks import tools
from intakebot.checks.readable import made_once
from intakebot.checks.tools import LAUNCHER, PYTHON, Lock, launcher
from intakebot.model import OperatorError

PROGRAMS = ("ruff",)
LIBRARIES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
SCRIPTS = {"pytest": "pytest:console_main"}
# It fetches what checks need. Some installations are made without it: theirs fetch nothing by it.
PIP = "pip"


class NoTools(OperatorError):
    pass


def installed(names: Sequence[str]) -> list[Distribution]:
    try:
        return [distribution(name) for name in names]
    except PackageNotFoundError as error:
        raise NoTools(
            f"the package {error.name} is not installed, so checks have no tools; "
            "install intakebot with its dependencies"
        ) from error


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What there is on this machine now. `digest` names every tool with its version; `added` are
    the folders of what was installed for presets, the machine's own programs are not in it."""

    digest: str
    names: frozenset[str]
    added: tuple[Path, ...]


def find_tools(folder: Path, known: Mapping[str, Lock]) -> Toolbox:
    """Ours, those that were installed below `folder`, and the machine's."""
    own = installed([*PROGRAMS, *LIBRARIES, *_pip()])
    added = tools.installed(folder, known.values())
    machine = tools.of_the_machine()
    lines = [f"{each.name} {each.version}" for each in own]
    lines += [f"{preset} {known[preset].digest}" for preset in sorted(added)]
    lines += [f"{name} {version}" for name, version in sorted(machine.items())]
    known_programs = (*PROGRAMS, *SCRIPTS, *_pip(), *machine)
    programs = [path.name for place in added.values() for path in (place / "bin").iterdir()]
    digest = hashlib.sha256("\n".join([*lines, LAUNCHER]).encode()).hexdigest()
    names = frozenset((*known_programs, *programs))
    return Toolbox(digest, names, tuple(added[preset] for preset in sorted(added)))


def build_toolbox(folder: Path, found: Toolbox) -> Path:
    """The folder of it below `folder`, made if it is not there. Safe to call at once."""
    ready = folder / f"tools-{found.digest[:16]}"
    if ready.is_dir():
        return ready
    if not Path(PYTHON).exists():
        raise NoTools(f"{PYTHON} is missing; pytest checks run with it. Install `python3`")
    return made_once(ready, lambda made: fill(made, found.added))


def fill(made: Path, added: Sequence[Path] = ()) -> None:
    for place in added:
        shutil.copytree(place, made, dirs_exist_ok=True, symlinks=True)
    own(made)


def own(made: Path) -> None:
    programs, libraries = made / "bin", made / "lib"
    programs.mkdir(exist_ok=True)
    libraries.mkdir()
    for package in installed(PROGRAMS):
        shutil.copyfile(program_of(package), programs / package.name)
    scripts = SCRIPTS | dict.fromkeys(_pip(), "pip._internal.cli.main:main")
    for name, entry in scripts.items():
        (programs / name).write_text(launcher(entry, "lib"), encoding="utf-8")
    for program in programs.iterdir():
        program.chmod(0o755)
    for package in installed([*LIBRARIES, *_pip()]):
        copy_library(package, libraries)
    compile_all = [PYTHON, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_all, str(libraries)], check=True, stdin=subprocess.DEVNULL)


def _pip() -> tuple[str, ...]:
    return (PIP,) if find_spec(PIP) else ()


def program_of(package: Distribution) -> Path:
    for file in package.files or ():
        place = Path(str(file.locate()))
        if file.name == package.name and place.parent.name == "bin" and place.is_file():
            return place.resolve()
    raise NoTools(f"the package {package.name} {package.version} brings no program; reinstall it")


def copy_library(package: Distribution, into: Path) -> None:
    for file in package.files or ():
        if file.parts[0] == ".." or "__pycache__" in file.parts:
            continue
        target = into / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
