"""The system call filter of the sandbox, assembled by hand into classic BPF.

No library is needed: a filter is an array of 8-byte `struct sock_filter`, which bwrap reads
from a descriptor. Facts: linux/filter.h, linux/seccomp.h, and the architectures' tables of
system calls (the numbers below 424 differ between architectures, those from 424 on do not).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping

LOAD, JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; little-endian
ALLOW, KILL_PROCESS, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
X32_CALLS = 0x40000000  # x86_64 alone: calls from here on are the 32-bit pointer ABI

NEW_NAMESPACE = 0x7E020000  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
# Unix, IPv4, IPv6, netlink. Others reach past the network namespace (AF_VSOCK talks to the
# hypervisor) or are kernel surface that no test needs (AF_ALG, AF_PACKET).
SOCKET_FAMILIES = (1, 2, 10, 16)

SAME_EVERYWHERE = {
    "pidfd_getfd": 438,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "open_tree_attr": 467,
}
REFUSED: Mapping[str, Mapping[str, int]] = {
    "x86_64": SAME_EVERYWHERE
    | {
        "ptrace": 101,
        "syslog": 103,
        "pivot_root": 155,
        "chroot": 161,
        "acct": 163,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "init_module": 175,
        "delete_module": 176,
        "quotactl": 179,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "open_by_handle_at": 304,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": SAME_EVERYWHERE
    | {
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "quotactl": 60,
        "acct": 89,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "syslog": 116,
        "ptrace": 117,
        "reboot": 142,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "open_by_handle_at": 265,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
}
AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE3 = 435
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
IOCTL = {"x86_64": 16, "aarch64": 29}


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def fails(number: int) -> bytes:
    return instruction(RETURN, FAIL | number)


def refuse(call: int, number: int = errno.EPERM) -> bytes:
    """Skips itself when the loaded number is another call."""
    return instruction(JUMP_IF_EQUAL, call, 0, 1) + fails(number)


def judge_argument(call: int, index: int, judgement: bytes) -> bytes:
    """Run `judgement`, which must end in a RETURN, on the low half of one argument."""
    body = instruction(LOAD, ARGUMENTS + 8 * index) + judgement
    return instruction(JUMP_IF_EQUAL, call, 0, len(body) // 8) + body


def one_of(values: tuple[int, ...], then: bytes, otherwise: bytes) -> bytes:
    """`then` and `otherwise` are one RETURN each."""
    last = len(values)
    tests = (instruction(JUMP_IF_EQUAL, value, last - at, 0) for at, value in enumerate(values))
    return b"".join(tests) + otherwise + then


def program(machine: str) -> bytes:
    """The filter for `platform.machine()`; KeyError for one that has no table."""
    allow, refused = instruction(RETURN, ALLOW), fails(errno.EPERM)
    kill = instruction(RETURN, KILL_PROCESS)
    families = one_of(SOCKET_FAMILIES, allow, fails(errno.EAFNOSUPPORT))
    parts = [
        instruction(LOAD, ARCHITECTURE),
        instruction(JUMP_IF_EQUAL, AUDIT_ARCHITECTURE[machine], 1, 0),
        kill,
        instruction(LOAD, NUMBER),
    ]
    if machine == "x86_64":
        parts += [instruction(JUMP_IF_ABOVE, X32_CALLS, 0, 1), kill]
    parts += [refuse(call) for call in sorted(REFUSED[machine].values())]
    # clone3 passes its flags by pointer, which a filter cannot read; libc falls back to clone.
    parts.append(refuse(CLONE3, errno.ENOSYS))
    no_namespace = instruction(JUMP_IF_ANY_BIT, NEW_NAMESPACE, 0, 1) + refused + allow
    parts.append(judge_argument(CLONE[machine], 0, no_namespace))
    parts.append(judge_argument(SOCKET[machine], 0, families))
    parts.append(judge_argument(SOCKETPAIR[machine], 0, families))
    parts.append(judge_argument(IOCTL[machine], 1, one_of(TERMINAL_INJECTION, refused, allow)))
    return b"".join([*parts, allow])
