"""What a sandbox must show before any untrusted code goes into it.

A version that knows the options, a kernel that allows namespaces and a filter that was taken
are all seen only by a real run. It needs /usr/bin/python3, as pytest in the sandbox does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from intakebot.checks.limits import MIB, Limits, Ran

LIMITS = Limits(wall=20, memory=256 * MIB, cpu=5, disk=8 * MIB, processes=16, inodes=1000)
KNOWN = {"PATH", "HOME", "LANG", "CI", "TMPDIR", "PWD"}
NAMESPACES = ("net", "pid", "user", "mnt", "ipc", "uts")
# ptrace (TRACEME) needs no right at all, so only the filter can refuse it.
PROBE = f"""
import ctypes, errno, json, os, platform
def text(path):
    with open(path) as file:
        return file.read()
def refused(path, mode):
    try:
        open(path, mode).close()
    except OSError:
        return True
    return False
first = {{each.split("=")[0] for each in text("/proc/1/environ").split("\\0") if each}}
libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(":", 1) for line in text("/proc/self/status").splitlines())
print(json.dumps({{
    "namespaces": {{each: os.readlink("/proc/self/ns/" + each) for each in {NAMESPACES!r}}},
    "its uid is 0": os.getuid() == 0,
    "it has capabilities": int(status["CapEff"], 16) != 0 or int(status["CapBnd"], 16) != 0,
    "it can gain privileges": status["NoNewPrivs"].strip() != "1",
    "there is no system call filter": status["Seccomp"].strip() != "2",
    "ptrace is allowed": libc.ptrace(0, 0, 0, 0) == 0 or ctypes.get_errno() != errno.EPERM,
    "/etc/shadow is readable": not refused("/etc/shadow", "r"),
    "/usr is writable": not refused("/usr/.intakebot-probe", "x"),
    "/proc/sys is writable": not refused("/proc/sys/kernel/core_pattern", "r+"),
    "the launcher's environment shows": bool(first - {KNOWN!r}),
    "there is a network": len(text("/proc/net/dev").splitlines()) != 3,
}}))
"""
COMMAND = ("/usr/bin/python3", "-I", "-S", "-c", PROBE)


def own_namespaces() -> Mapping[str, str]:
    return {each: os.readlink(f"/proc/self/ns/{each}") for each in NAMESPACES}


def faults(ran: Ran) -> list[str]:
    """Why what came out of COMMAND is no proof of a sandbox; empty when it is one."""
    if ran.status != 0:
        said = ran.output.decode(errors="replace").strip().split("\n")[-1]
        return [f"the test program ended with {ran.status} {ran.stopped}: {said}"]
    seen = json.loads(ran.output)
    inside = seen.pop("namespaces")
    shared = [each for each, own in own_namespaces().items() if inside[each] == own]
    return [fault for fault, there in seen.items() if there] + [
        f"the {each} namespace is the machine's own" for each in shared
    ]
