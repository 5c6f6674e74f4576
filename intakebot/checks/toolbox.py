"""The tools checks may call inside the sandbox: ruff and pytest, as a folder of their own.

Copied out of our own installation, because that may lie where the sandbox's user can't look
(a home of mode 0700), and because all else that is installed there is not a check's business.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from intakebot.checks.readable import made_once
from intakebot.model import OperatorError

PYTHON = "/usr/bin/python3"  # the sandbox has the machine's programs, not our interpreter
PROGRAMS = ("ruff",)
LIBRARIES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
PYTEST = f"""#!{PYTHON}
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent / "lib")
from pytest import console_main

sys.exit(console_main())
"""


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


def toolbox_digest() -> str:
    """Names every tool and its version; part of what decides a check's result."""
    found = installed([*PROGRAMS, *LIBRARIES])
    names = "\n".join(f"{each.name} {each.version}" for each in found)
    return hashlib.sha256(f"{names}\n{PYTEST}".encode()).hexdigest()


def build_toolbox(folder: Path) -> Path:
    """The toolbox in `folder`, made if it is not there. Safe to call from many processes."""
    ready = folder / f"tools-{toolbox_digest()[:16]}"
    if ready.is_dir():
        return ready
    if not Path(PYTHON).exists():
        raise NoTools(f"{PYTHON} is missing; pytest checks run with it. Install `python3`")
    return made_once(ready, fill)


def fill(made: Path) -> None:
    programs, libraries = made / "bin", made / "lib"
    programs.mkdir()
    libraries.mkdir()
    for package in installed(PROGRAMS):
        shutil.copyfile(program_of(package), programs / package.name)
    (programs / "pytest").write_text(PYTEST, encoding="utf-8")
    for program in programs.iterdir():
        program.chmod(0o755)
    for package in installed(LIBRARIES):
        copy_library(package, libraries)
    compile_all = [PYTHON, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_all, str(libraries)], check=True, stdin=subprocess.DEVNULL)


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
