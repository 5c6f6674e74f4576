"""Tools that an operator adds for the presets, each preset's locked by version and hash.

They are put where the sandbox's user can read them, never into a home, and never by a check.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from intakebot.checks.readable import made_once
from intakebot.model import OperatorError

PYTHON = "/usr/bin/python3"  # the sandbox has the machine's programs, not our interpreter
SEARCHED = (Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin"))
# Programs that come with the machine where somebody has installed them.
OF_THE_MACHINE = ("php", "phpcs", "biome", "stylelint", "htmlhint", "node", "shellcheck")
INSTALL_SECONDS = 600
LAUNCHER = """#!{python}
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent / "{libraries}")
from {module} import {function}

sys.exit({function}())
"""


class NotInstalled(OperatorError):
    pass


@dataclass(frozen=True, slots=True)
class Lock:
    """What one preset's tools are: the text of a pip requirements file with hashes."""

    preset: str
    text: str

    @property
    def digest(self) -> str:
        python = os.path.realpath(PYTHON)  # compiled modules are for one version of it
        return hashlib.sha256(f"{python}\n{self.text}".encode()).hexdigest()[:16]

    def names(self, tool: str) -> bool:
        """Whether it has a package that is called like the tool, or like a carrier of it."""
        packages = {line.partition("==")[0] for line in self.text.splitlines() if "==" in line}
        return not packages.isdisjoint({tool, f"{tool}-bin", f"{tool}-py"})

    def folder(self, root: Path) -> Path:
        return root / "installed" / f"{self.preset}-{self.digest}"


def locks(files: Mapping[str, str]) -> dict[str, Lock]:
    """Preset -> its lock, of the texts of `<preset>.lock`."""
    return {
        (preset := name.removesuffix(".lock")): Lock(preset, text) for name, text in files.items()
    }


def installed(root: Path, known: Iterable[Lock]) -> dict[str, Path]:
    """Preset -> where its tools are, of those that are installed as they are locked."""
    return {lock.preset: lock.folder(root) for lock in known if lock.folder(root).is_dir()}


def install(root: Path, lock: Lock, say: Callable[[str], None]) -> Path:
    """Fetch, check against the lock, unpack. `say` gets one line for each package as it comes.

    Raises NotInstalled with pip's own last words.
    """
    if not Path(PYTHON).exists():
        raise NotInstalled(f"{PYTHON} is missing; the tools run with it. Install `python3`")
    return made_once(lock.folder(root), lambda made: _fill(made, lock, say))


def _fill(made: Path, lock: Lock, say: Callable[[str], None]) -> None:
    wanted = made / "requirements.txt"
    wanted.write_text(lock.text, encoding="utf-8")
    libraries = made / f"lib-{lock.preset}"
    command = [sys.executable, "-m", "pip", "--python", PYTHON, "install", "--require-hashes"]
    command += ["--only-binary=:all:", "--no-deps", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--progress-bar=off", f"--target={libraries}", f"-r{wanted}"]
    _pip(command, say)
    programs, scripts = made / "bin", libraries / "bin"
    programs.mkdir()
    for script in sorted(scripts.iterdir()) if scripts.is_dir() else ():
        _program(script, programs / script.name, libraries)
    compile_all = [PYTHON, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_all, str(libraries)], check=True, stdin=subprocess.DEVNULL)


def _pip(command: list[str], say: Callable[[str], None]) -> None:
    kept: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None  # noqa: S101 - it is a pipe
        for line in pip.stdout:
            kept = [*kept[-20:], line.strip()]
            if line.startswith("Collecting "):
                say(line.split()[1])
        status = pip.wait(timeout=INSTALL_SECONDS)
    if status:
        errors = [line for line in kept if line.startswith("ERROR")] or kept[-3:]
        raise NotInstalled(f"pip could not install them: {' '.join(errors)}")


def _program(script: Path, program: Path, libraries: Path) -> None:
    """A program as it is, or a launcher for what is Python: pip's names the wrong interpreter."""
    entry = _entry_point(libraries, script.name)
    if entry is None:
        script.rename(program)
    else:
        program.write_text(launcher(entry, libraries.name), encoding="utf-8")
    program.chmod(0o755)


def launcher(entry: str, libraries: str) -> str:
    """A script for `module:function`, with the folder beside `bin` that has it."""
    module, _, function = entry.partition(":")
    return LAUNCHER.format(python=PYTHON, libraries=libraries, module=module, function=function)


def _entry_point(libraries: Path, name: str) -> str | None:
    """`module:function` of a console script, as its package declares it."""
    for declared in sorted(libraries.glob("*.dist-info/entry_points.txt")):
        for line in declared.read_text("utf-8").splitlines():
            left, equals, right = line.partition("=")
            if equals and left.strip() == name:
                return right.strip().partition("[")[0].strip()
    return None


def of_the_machine() -> dict[str, str]:
    """Name -> what tells this version of it from another, of the programs that are here."""
    found = {}
    for name in OF_THE_MACHINE:
        for folder in SEARCHED:
            if (folder / name).is_file():
                known = (folder / name).resolve().stat()
                found[name] = f"{known.st_size} {known.st_mtime_ns}"
                break
    return found
