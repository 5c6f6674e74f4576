"""A tree on the worker's disk: as large as its quota says, never written to, gone afterwards."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from intakebot.checks.limits import MIB, SandboxFailed
from intakebot.checks.prepare import with_archives
from intakebot.checks.sandbox import Sandbox
from tests.checks.conftest import LIMITS, Shell, tree_of

ON_DISK = replace(LIMITS, tree=96 * MIB)
BIG = {f"at/{at}": "x" * MIB for at in range(64)}  # twice what a check has in memory


pytestmark = pytest.mark.usefixtures("overlays")


def left(sandbox: Sandbox) -> list[str]:
    assert sandbox.trees is not None
    return [path.name for path in sandbox.trees.glob("tree-*")]


def test_a_tree_that_memory_does_not_hold_is_read_changed_and_gone(
    shell: Shell, sandbox: Sandbox
) -> None:
    ran = shell(
        "cat at/* | wc -c; echo more >> at/1; wc -c < at/1; rm -r at; mkdir at; mv at as;"
        " echo said > as/report; ls -A",
        BIG,
        reports=("as/report",),
        limits=ON_DISK,
    )
    assert ran.output.decode().split() == [str(64 * MIB), str(MIB + 5), "as"]
    assert ran.reports == {"as/report": b"said\n"}
    assert left(sandbox) == []


def test_what_a_check_writes_beside_such_a_tree_still_has_its_limit(
    shell: Shell, sandbox: Sandbox
) -> None:
    ran = shell("head -c 48M /dev/zero > more; echo $?; wc -c < more", BIG, limits=ON_DISK)
    said = ran.output.decode()
    assert "No space left on device" in said
    assert int(said.split()[-1]) < LIMITS.disk


def test_a_check_finds_no_way_to_the_disk_below_it(shell: Shell) -> None:
    ran = shell("ls /tree; ls /box; umount /work; mount -t tmpfs x /work; cat at", {"at": "there"})
    on_disk = shell(
        "ls /tree; ls /box; umount /work; mount -t tmpfs x /work; cat at",
        {"at": "there"},
        limits=ON_DISK,
    )
    assert on_disk.output == ran.output
    assert on_disk.output.endswith(b"there")


SMALL = replace(LIMITS, tree=16 * MIB)


def many_small(stream: IO[bytes]) -> None:
    tree_of({f"f/{at}": "" for at in range(5_000)})(stream)


def deep(stream: IO[bytes], kind: int = tarfile.PAX_FORMAT) -> None:
    """Few bytes, and a folder for every second one of them."""
    with tarfile.open(fileobj=stream, mode="w|", format=kind) as tar:
        for at in range(5):
            tar.addfile(tarfile.TarInfo(f"{at}/" + "d/" * 1000 + "f"), io.BytesIO())


def deep_by_gnu_names(stream: IO[bytes]) -> None:
    deep(stream, tarfile.GNU_FORMAT)


@pytest.mark.parametrize("tree", [tree_of(BIG), many_small, deep, deep_by_gnu_names])
def test_a_tree_beyond_its_quota_is_not_run_however_it_takes_its_room(
    sandbox: Sandbox, tree: Callable[[IO[bytes]], None]
) -> None:
    with pytest.raises(SandboxFailed, match="takes more than the 16 MiB of disk"):
        sandbox.run(["true"], tree=tree, reports=(), limits=SMALL)
    assert left(sandbox) == []


def test_names_of_every_length_arrive_whole_and_count_once(shell: Shell) -> None:
    files = {f"{'long-' * 30}{at}/{'name-' * 30}{end}": end for at in range(3) for end in "ab"}
    ran = shell("find . -type f | wc -l; cat */*", files, limits=replace(LIMITS, tree=MIB))
    assert ran.output == b"6\nababab"


def test_where_the_disk_has_no_room_nothing_starts_and_the_cure_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match=r"MiB free, and a tree of up to .* TREES_DIR"):
        sandbox.run(["true"], tree=tree_of({}), reports=(), limits=replace(LIMITS, tree=1 << 60))
    with pytest.raises(SandboxFailed, match="name one in TREES_DIR"):
        replace(sandbox, trees=None).run(["true"], tree=tree_of({}), reports=(), limits=ON_DISK)


def test_a_folder_that_checks_cannot_enter_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    if sandbox.drop_to is None:
        pytest.skip("an ordinary user's own folder is one that he can enter")
    tmp_path.chmod(0o700)
    with pytest.raises(SandboxFailed, match="cannot be entered by uid 65534"):
        replace(sandbox, trees=tmp_path / "trees").run(
            ["true"], tree=tree_of({}), reports=(), limits=ON_DISK
        )


def test_what_a_killed_worker_left_is_removed_and_what_another_uses_stays(
    sandbox: Sandbox, readable: Path
) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from intakebot.checks.disktree import folder_for\n"
        "with folder_for(Path(sys.argv[1]), int(sys.argv[2]), None) as folder:\n"
        "    (folder / 'of-a-tree').write_text('x'); print(folder, flush=True); time.sleep(60)\n"
    )
    place = readable / "trees"
    command = [sys.executable, "-c", program, str(place)]
    half = str(shutil.disk_usage(readable).free // 2)
    with (
        subprocess.Popen([*command, "1"], stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen([*command, half], stdout=subprocess.PIPE, text=True) as other,
    ):
        try:
            gone, used = (Path(one.stdout.readline()[:-1]) for one in (killed, other) if one.stdout)
            killed.kill()
            killed.wait()
            assert gone.is_dir()
            ran = replace(sandbox, trees=place).run(
                ["true"], tree=tree_of({}), reports=(), limits=ON_DISK
            )
            assert ran.status == 0
            kept = sorted(path.name for path in place.glob("tree-*"))
            assert kept == [used.name, f"{used.name}.lock"]
            with pytest.raises(SandboxFailed, match=r"beside \d+ MiB of others"):
                replace(sandbox, trees=place).run(
                    ["true"],
                    tree=tree_of({}),
                    reports=(),
                    limits=replace(ON_DISK, tree=int(half)),
                )
        finally:
            other.kill()


def test_packages_that_were_prepared_lie_beside_it_and_count(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    archive = tmp_path / "packages.tar"
    with archive.open("wb") as file:
        tree_of({"node_modules/a/index.js": "x" * (8 << 20)})(file)
    tree = with_archives(tree_of({"index.js": "own"}), [archive])
    run = ["sh", "-c", "cat index.js; find . -type f | wc -l"]
    ran = sandbox.run(run, tree=tree, reports=(), limits=ON_DISK)
    assert ran.output == b"own2\n"
    with pytest.raises(SandboxFailed, match="takes more than the 8 MiB of disk"):
        sandbox.run(run, tree=tree, reports=(), limits=replace(LIMITS, tree=8 * MIB))
