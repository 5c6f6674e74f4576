"""Tests in a small machine of their own, whose kernel and cgroups are not this machine's.

    python -m tests.vm -q tests/checks/test_cgroup.py    (all but --minutes is for pytest)

boots Debian's kernel under QEMU with this machine's files (read-only, what is written is lost),
systemd and cgroup version 2, and runs pytest there in a unit with `Delegate=yes`, as an ordinary
user and then as root. It emulates the processor, so it takes minutes and needs no right at all.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = "qemu-system-x86 linux-image-amd64 initramfs-tools systemd"
NEEDED = ("qemu-system-x86_64", "mkinitramfs", "systemctl")
KERNELS = "vmlinuz-*-amd64"  # Debian's, in /boot
MODULES = ("9p", "9pnet_virtio", "virtio_pci", "overlay")
USERS = ("nobody", "root")

# The first process: what the machine's files are is laid under a memory disk, then systemd starts.
INIT = """#!/bin/sh
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs -o size=60%,mode=755 tmpfs /mnt
mkdir -p /mnt/above /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/above,workdir=/mnt/work /mnt/root
cp -r "@FOLDER@/units" "@FOLDER@/scripts" /mnt/
cd /mnt/root
mkdir -p old
mount --make-rprivate /
pivot_root . old
for each in dev proc sys run; do mount --move /old/$each /$each; done
mkdir -p /run/systemd/system
cp /old/mnt/units/* /run/systemd/system/
cp -r /old/mnt/scripts /run/tests
umount --lazy /old
chmod a+x @ABOVE@
exec /lib/systemd/systemd --unit=tests.target </dev/console >/dev/console 2>&1
"""

RUN = """
echo "=== {user}: Linux $(uname -r), $(cat /proc/self/cgroup)"
{pytest}
echo "=== {user} ended $?"
"""

UNIT = """[Unit]
DefaultDependencies=no
{after}
[Service]
Type=oneshot
Delegate=yes
User={user}
WorkingDirectory={folder}
Environment=HOME=/tmp PYTHONDONTWRITEBYTECODE=1
TimeoutStartSec=infinity
ExecStart=-/bin/sh /run/tests/run-{user}
{end}
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
"""
OFF = "ExecStopPost=+/bin/sh -c 'sync; echo o > /proc/sysrq-trigger'"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.vm", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="then the machine is switched off")
    asked, given = parser.parse_known_args(arguments)
    missing = [each for each in NEEDED if shutil.which(each) is None]
    kernel = max(Path("/boot").glob(KERNELS), default=None)
    if missing or kernel is None:
        print(f"Missing: {', '.join(missing) or 'a kernel'}. Run: apt-get install {PACKAGES}")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the machine's users read it, too
        _write(folder, given)
        initrd = _initrd(folder, kernel.name.removeprefix("vmlinuz-"))
        ended = _shown(_console(_qemu(folder, kernel, initrd), asked.minutes))
    for user in USERS:
        print(f"{user}: pytest ended with {ended.get(user, 'nothing that was seen')}")
    return 0 if [ended.get(user) for user in USERS] == [0] * len(USERS) else 1


def _write(folder: Path, arguments: list[str]) -> None:
    units, scripts = folder / "units", folder / "scripts"
    units.mkdir()
    scripts.mkdir()
    names = [f"tests-{user}.service" for user in USERS]
    after = ["", *(f"After={name}" for name in names)]
    for name, user, order in zip(names, USERS, after, strict=False):
        (scripts / f"run-{user}").write_text(RUN.format(user=user, pytest=_pytest(arguments)))
        (units / name).write_text(
            UNIT.format(
                user=user,
                folder=ROOT,
                after=order,
                end=OFF if user == USERS[-1] else "",
            )
        )
    (units / "tests.target").write_text(f"[Unit]\nRequires={' '.join(names)}\n")
    init = folder / "init"
    python = Path(sys.executable).resolve()  # in somebody's home perhaps, and all have to run it
    above = shlex.join(str(each) for each in (*python.parents, *ROOT.parents))
    init.write_text(INIT.replace("@FOLDER@", str(folder)).replace("@ABOVE@", above))
    init.chmod(0o755)


def _pytest(arguments: list[str]) -> str:
    return shlex.join([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments])


def _initrd(folder: Path, kernel: str) -> Path:
    settings = folder / "initramfs"
    shutil.copytree("/etc/initramfs-tools", settings)
    (settings / "modules").write_text("\n".join(MODULES) + "\n")
    initrd = folder / "initrd"
    subprocess.run(["mkinitramfs", "-d", settings, "-o", initrd, kernel], check=True)
    return initrd


def _qemu(folder: Path, kernel: Path, initrd: Path) -> list[str]:
    share = "local,path=/,mount_tag=files,security_model=passthrough,readonly=on,multidevs=remap"
    root = (
        "root=files rootfstype=9p rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=loose"
    )
    line = f"console=ttyS0 quiet panic=-1 {root} ro init={folder}/init"
    return [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "8000"),
        *("-nographic", "-no-reboot", "-kernel", str(kernel), "-initrd", str(initrd)),
        *("-virtfs", share, "-append", line),
    ]


def _console(argv: list[str], minutes: int) -> Iterator[str]:
    command = ["timeout", "--kill-after=10", f"{minutes}m", *argv]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        assert machine.stdout is not None
        for line in machine.stdout:
            yield line.decode(errors="replace").rstrip()


def _shown(console: Iterator[str]) -> dict[str, int]:
    """How pytest ended, by user. What comes before and after it is the machine's own."""
    ended: dict[str, int] = {}
    before, shown = [], False
    for line in console:
        shown = shown or line.startswith("=== ")
        if shown:
            print(line, flush=True)
        before.append(line)
        if over := re.fullmatch(r"=== (\w+) ended (\d+)", line):
            ended[over[1]], shown = int(over[2]), False
    if not ended:
        print("\n".join(before[-30:]))
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
