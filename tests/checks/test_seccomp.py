"""The filter of every architecture, judged by a small reading of classic BPF.

The sandbox's own tests ask the kernel, but only for the machine they run on.
"""

from __future__ import annotations

import errno
import struct

import pytest

from intakebot.checks import seccomp

ALLOWED = seccomp.ALLOW
REFUSED = seccomp.FAIL | errno.EPERM
READ = {"x86_64": 0, "aarch64": 63}


def verdict(machine: str, call: int, *arguments: int, architecture: int | None = None) -> int:
    audit = seccomp.AUDIT_ARCHITECTURE[machine] if architecture is None else architecture
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", call, audit, 0, *padded)
    steps = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
    loaded = at = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == seccomp.RETURN:
            return int(value)
        if code == seccomp.LOAD:
            [loaded] = struct.unpack_from("<I", data, value)
            continue
        holds = {
            seccomp.JUMP_IF_EQUAL: loaded == value,
            seccomp.JUMP_IF_ABOVE: loaded >= value,
            seccomp.JUMP_IF_ANY_BIT: bool(loaded & value),
        }[code]
        at += if_true if holds else if_false


machines = pytest.mark.parametrize("machine", sorted(seccomp.AUDIT_ARCHITECTURE))


@machines
def test_every_named_call_is_refused_and_others_are_not(machine: str) -> None:
    refused = {call for call in range(600) if verdict(machine, call) != ALLOWED}
    own = {seccomp.CLONE3, seccomp.SOCKET[machine], seccomp.SOCKETPAIR[machine]}
    assert refused == set(seccomp.REFUSED[machine].values()) | own
    assert verdict(machine, READ[machine]) == ALLOWED
    assert verdict(machine, seccomp.CLONE3) == seccomp.FAIL | errno.ENOSYS


@machines
def test_threads_and_processes_are_made_but_no_namespaces(machine: str) -> None:
    clone = seccomp.CLONE[machine]
    assert verdict(machine, clone, 0x003D0F00) == ALLOWED  # what pthread_create passes
    assert verdict(machine, clone, 17) == ALLOWED  # SIGCHLD: fork
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert verdict(machine, clone, 1 << bit | 17) == REFUSED


@machines
def test_sockets_are_of_the_families_that_the_network_namespace_holds(machine: str) -> None:
    for call in (seccomp.SOCKET[machine], seccomp.SOCKETPAIR[machine]):
        allowed = {family for family in range(64) if verdict(machine, call, family) == ALLOWED}
        assert allowed == {1, 2, 10, 16}


@machines
def test_nothing_is_typed_into_a_terminal(machine: str) -> None:
    ioctl = seccomp.IOCTL[machine]
    assert verdict(machine, ioctl, 0, 0x5412) == REFUSED
    assert verdict(machine, ioctl, 0, 1 << 32 | 0x5412) == REFUSED  # the kernel drops the high half
    assert verdict(machine, ioctl, 0, 0x5413) == ALLOWED


@machines
def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    i386, arm = 0x40000003, 0x40000028
    for foreign in (i386, arm):
        assert verdict(machine, READ[machine], architecture=foreign) == seccomp.KILL_PROCESS


def test_calls_of_the_x32_abi_end_the_process() -> None:
    assert verdict("x86_64", 0x40000000) == seccomp.KILL_PROCESS
