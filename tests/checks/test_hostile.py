"""What code from strangers tries, and that it gets nothing from it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from intakebot.checks.limits import MIB
from tests.checks.conftest import LIMITS, Shell

CALLS = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def tried(number, *arguments):
    ctypes.set_errno(0)
    answer = libc.syscall(number, *arguments)
    return errno.errorcode.get(ctypes.get_errno(), str(answer))
"""


def command_lines() -> list[str]:
    lines = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(each.read_text(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return lines


def test_a_service_on_this_machine_cannot_be_reached_over_tcp(python: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert ran.status == 1
    assert b"ConnectionRefusedError" in ran.output


def test_an_abstract_socket_of_this_machine_cannot_be_reached(python: Shell) -> None:
    name = f"intakebot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        ran = python(
            f"import socket; socket.socket(socket.AF_UNIX).connect('\\0' + {name!r})",
        )
    assert ran.status == 1
    assert b"ConnectionRefusedError" in ran.output


def test_the_hypervisor_cannot_be_reached_by_a_vsock(python: Shell) -> None:
    ran = python("import socket; socket.socket(40, socket.SOCK_STREAM)")
    assert ran.status == 1
    assert b"Address family not supported" in ran.output


def test_a_check_may_talk_to_itself_over_loopback(python: Shell) -> None:
    ran = python(
        "import socket\n"
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    with socket.create_connection(server.getsockname()): print('hello')\n"
    )
    assert ran.output == b"hello\n"


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/hostname", "/root", "/var/lib", "/sys/class", "/run", "/box"]
)
def test_the_machines_own_data_is_not_there(shell: Shell, path: str) -> None:
    assert shell(f"test ! -e {path}").status == 0


def test_the_launchers_secrets_show_in_no_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "tell-nobody")
    ran = shell("env; cat /proc/*/environ; cat /proc/*/cmdline | tr -d -c 'a-z-'")
    assert b"HOME=/home" in ran.output
    assert b"FORGE_TOKEN" not in ran.output
    assert b"tell-nobody" not in ran.output


@pytest.mark.parametrize("path", ["/usr/x", "/etc/x", "/x", "/dev/x", "/opt/x"])
def test_the_system_cannot_be_written(shell: Shell, path: str) -> None:
    ran = shell(f"touch {path}")
    assert ran.status == 1
    assert not Path(path).exists()


def test_the_machines_kernel_settings_cannot_be_written(shell: Shell) -> None:
    setting = Path("/proc/sys/kernel/core_pattern")
    before = setting.read_text()
    ran = shell(f"echo '|/work/evil' > {setting}")
    assert ran.status != 0
    assert setting.read_text() == before


def test_a_fork_bomb_stops_at_the_limit(python: Shell) -> None:
    ran = python(
        "import os, time\n"
        "made = 0\n"
        "for _ in range(200):\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "        made += 1\n"
        "    except BlockingIOError: break\n"
        "print(made)\n"
    )
    assert ran.status == 0
    assert 20 <= int(ran.output) < LIMITS.processes


def test_one_process_that_takes_all_memory_is_stopped(python: Shell) -> None:
    ran = python("block = bytearray(b'x') * (600 << 20); import time; time.sleep(30)")
    assert (ran.stopped, ran.status) == ("memory", None)


def test_many_processes_that_take_all_memory_together_are_stopped(python: Shell) -> None:
    ran = python(
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        block = bytearray(b'x') * (100 << 20)\n"
        "        time.sleep(30)\n"
        "time.sleep(30)\n"
    )
    assert ran.stopped == "memory"


def test_workers_that_share_their_memory_are_counted_once(python: Shell) -> None:
    ran = python(
        "import os, time\n"
        "block = bytearray(b'x') * (100 << 20)\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0: time.sleep(0.5); os._exit(0)\n"
        "for _ in range(4): os.wait()\n"
    )
    assert (ran.stopped, ran.status) == ("", 0)


@pytest.mark.alone
def test_an_endless_loop_is_stopped_when_its_time_is_over(shell: Shell) -> None:
    ran = shell("while :; do :; done", limits=replace(LIMITS, wall=0.7))
    assert ran.stopped == "time"
    assert 0.7 <= ran.seconds < 3


def test_an_endless_loop_is_stopped_when_its_processor_time_is_over(shell: Shell) -> None:
    ran = shell("while :; do :; done", limits=replace(LIMITS, cpu=1))
    assert ran.status == 128 + 24


def test_endless_output_is_cut_and_both_ends_are_kept(shell: Shell) -> None:
    ran = shell("echo first; yes", limits=replace(LIMITS, output=64 << 10))
    assert ran.stopped == "output"
    assert ran.output.startswith(b"first\ny\n")
    assert b"bytes left out" in ran.output
    assert len(ran.output) < 65 << 10


def test_files_stop_at_the_size_of_the_disk(shell: Shell) -> None:
    ran = shell(
        "for at in work tmp home dev/shm; do head -c 20m /dev/zero > /$at/big; done; df -m ."
    )
    assert b"No space left on device" in ran.output
    assert b"100%" in ran.output


def test_files_stop_at_the_number_of_inodes(python: Shell) -> None:
    ran = python(f"for at in range({2 * LIMITS.inodes}): open(f'/tmp/{{at}}', 'x').close()")
    assert b"No space left on device" in ran.output


def test_one_file_stops_at_its_own_limit(shell: Shell) -> None:
    ran = shell("trap '' XFSZ; head -c 3m /dev/zero > big", limits=replace(LIMITS, file=MIB))
    assert b"File too large" in ran.output


def test_a_daemon_is_dead_when_the_check_ends(shell: Shell) -> None:
    number = f"86{os.getpid()}"
    ran = shell(f"(setsid sleep {number} >/dev/null 2>&1 &); exit 0")
    assert ran.status == 0
    assert not [line for line in command_lines() if number in line]


def test_processes_that_ignore_every_signal_are_dead_after_the_time(shell: Shell) -> None:
    number = f"87{os.getpid()}"
    script = "for i in 1 2 3 4 5 6; do setsid sh -c \"trap '' HUP INT TERM PIPE; "
    script += f'while :; do sleep {number}; done" & done; wait'
    ran = shell(script, limits=replace(LIMITS, wall=0.5))
    assert ran.stopped == "time"
    assert not [line for line in command_lines() if number in line]


@pytest.mark.parametrize(
    ("attempt", "answer"),
    [
        (
            "libc.ptrace(16, os.getppid(), 0, 0); print(errno.errorcode[ctypes.get_errno()])",
            "EPERM",
        ),
        ("libc.unshare(0x10000000); print(errno.errorcode[ctypes.get_errno()])", "EPERM"),
        (
            "libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0); print(errno.errorcode[ctypes.get_errno()])",
            "EPERM",
        ),
        ("libc.setns(0, 0); print(errno.errorcode[ctypes.get_errno()])", "EPERM"),
        ("print(tried(425, 1, 0))", "EPERM"),  # io_uring_setup
        ("print(tried(435, 0, 0))", "ENOSYS"),  # clone3
        ("print(tried(430, b'ext4', 0))", "EPERM"),  # fsopen
        ("print(tried(443, -1, 0, 0, 0))", "EPERM"),  # quotactl_fd
        ("print(tried(467, -1, b'', 0x1000, 0, 0))", "EPERM"),  # open_tree_attr
        ("libc.klogctl(10, 0, 0); print(errno.errorcode[ctypes.get_errno()])", "EPERM"),
        ("libc.ioctl(0, 0x5412, b'x'); print(errno.errorcode[ctypes.get_errno()])", "EPERM"),
        ("libc.ioctl(0, 0x15412, b'x'); print(errno.errorcode[ctypes.get_errno()])", "ENOTTY"),
    ],
)
def test_calls_that_reach_out_of_the_sandbox_are_refused(
    python: Shell, attempt: str, answer: str
) -> None:
    assert python(CALLS + attempt).output.decode().strip() == answer


# add_key, request_key, keyctl, perf_event_open, process_vm_readv and _writev, bpf, userfaultfd
KERNEL_CALLS = {
    "x86_64": [248, 249, 250, 298, 310, 311, 321, 323],
    "aarch64": [217, 218, 219, 241, 270, 271, 280, 282],
}


@pytest.mark.parametrize("number", KERNEL_CALLS[os.uname().machine])
def test_keys_tracing_and_kernel_programs_are_refused(python: Shell, number: int) -> None:
    assert python(f"{CALLS}print(tried({number}, 0, 0, 0, 0, 0))").output == b"EPERM\n"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="other machines have no second ABI")
def test_a_call_by_the_32_bit_abi_ends_the_process(python: Shell) -> None:
    assert python(f"{CALLS}print(tried(0x40000000 + 39))").status == 128 + 31


def test_a_check_holds_no_descriptor_but_its_output(python: Shell) -> None:
    ran = python(
        "import os\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    for fd in os.listdir(f'/proc/{pid}/fd'):\n"
        "        try: print(fd, os.readlink(f'/proc/{pid}/fd/{fd}').split(':')[0])\n"
        "        except FileNotFoundError: pass\n"
    )
    lines = set(ran.output.decode().split("\n")) - {""}
    assert {line for line in lines if "/proc/" not in line} == {"0 /dev/null", "1 pipe", "2 pipe"}


def test_a_report_that_is_written_to_the_output_is_no_report(shell: Shell) -> None:
    ran = shell("printf 'report 0 5\\nevil!ended 0\\ndone 0\\n'; exit 3", reports=("r.xml",))
    assert ran.reports == {}
    assert ran.status == 3


def test_standard_output_alone_can_be_the_report(shell: Shell) -> None:
    ran = shell("echo noise >&2; echo report", reports=("-",))
    assert ran.reports == {"-": b"report\n"}
    assert ran.output == b"noise\n"


@pytest.mark.parametrize(
    "make",
    [
        "ln -s /etc/shadow r.xml",
        "echo secret > other; ln -s other r.xml",
        "mkfifo r.xml",
        "mkdir r.xml",
        "ln -s /dev/zero r.xml",
    ],
)
def test_a_report_that_is_not_a_regular_file_is_not_read(shell: Shell, make: str) -> None:
    assert shell(make, reports=("r.xml",)).reports == {}


def test_a_report_behind_a_linked_folder_is_not_read(shell: Shell) -> None:
    assert shell("ln -s /etc out", reports=("out/passwd",)).reports == {}


def test_a_daemon_cannot_change_a_report_after_the_check_ended(shell: Shell) -> None:
    ran = shell(
        "(setsid sh -c 'while :; do echo evil >> r.xml; done' >/dev/null 2>&1 &)\n"
        "until [ -s r.xml ]; do :; done",
        reports=("r.xml", "r.xml"),
    )
    first = ran.reports["r.xml"]
    assert first == b"evil\n" * (len(first) // 5)


@pytest.mark.alone
def test_a_run_that_nobody_needs_any_more_is_cancelled(shell: Shell) -> None:
    started = time.monotonic()
    wanted: Callable[[], bool] = lambda: time.monotonic() - started < 0.6  # noqa: E731
    ran = shell("sleep 30", keep_alive=wanted)
    assert (ran.stopped, ran.status) == ("cancelled", None)
    assert ran.seconds < 5


def test_what_one_check_leaves_behind_the_next_does_not_find(shell: Shell) -> None:
    places = ("/work", "/tmp", "/home", "/dev/shm")
    left = " ".join(f"{place}/left" for place in places)
    hidden = "mkdir -p deep/er && touch deep/er/x && chmod 000 deep/er deep"
    ran = shell(f"touch {left} && {hidden} && ls {left}")
    assert ran.status == 0 and ran.output.count(b"left") == len(places)
    after = shell(f"ls -d {left} deep")
    assert after.output.count(b"No such file") == len(places) + 1


def test_a_socket_of_the_house_cannot_be_reached_by_its_path(python: Shell) -> None:
    place = Path("/tmp") / f"intakebot-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        try:
            place.chmod(0o777)
            server.listen()
            ran = python(f"import socket; socket.socket(socket.AF_UNIX).connect({str(place)!r})")
        finally:
            place.unlink()
    assert ran.status == 1 and b"FileNotFoundError" in ran.output


def test_programs_that_run_as_root_elsewhere_gain_nothing(shell: Shell) -> None:
    ran = shell(
        "grep -E '^(NoNewPrivs|CapEff|CapBnd)' /proc/self/status | tr -d ' \\t';"
        "su -c id; passwd -d root; mount -t tmpfs x /tmp; id -u"
    )
    told = ran.output.decode().splitlines()
    assert told[:3] == ["CapEff:0000000000000000", "CapBnd:0000000000000000", "NoNewPrivs:1"]
    assert told[-1] == "65534" and "uid=0" not in ran.output.decode()


def test_open_files_stop_at_the_limit(python: Shell) -> None:
    program = "import os\nkept = []\nwhile True: kept.append(os.dup(1))"
    ran = python(program)
    assert ran.status == 1 and b"Too many open files" in ran.output


def test_no_core_is_written(shell: Shell) -> None:
    ran = shell("ulimit -c; sh -c 'kill -SEGV $$'; ls")
    assert ran.output.decode().split()[0] == "0" and b"core" not in ran.output.split(b"\n")


def test_other_processes_of_the_machine_are_not_even_seen(shell: Shell) -> None:
    ran = shell(f"ls -d /proc/[0-9]* | wc -l; kill -0 {os.getpid()}; echo $?")
    seen, killed = ran.output.decode().split()[0], ran.output.decode().split()[-1]
    assert int(seen) < 10 and killed == "1"


def test_a_flood_without_a_newline_is_cut_too(shell: Shell) -> None:
    ran = shell("tr '\\0' 'x' < /dev/zero")
    assert ran.stopped == "output" and len(ran.output) < 2 * MIB
