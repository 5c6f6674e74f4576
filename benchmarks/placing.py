"""A report of 100,000 findings on a diff of 5,000 files and 200,000 lines: placing each of them.

Reading the diff is included, reading the report is not. It runs in a process of its own, whose peak
of memory is what counts, and in turn with one of a tenth of the size.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise

from benchmarks.common.report import Report, all_of, at_most, command, ratio
from intakebot.core.patch import read_patch
from intakebot.core.placing import Where, place
from intakebot.model import Finding, Level

FILES, LINES, FINDINGS = 5_000, 40, 20  # lines and findings of each file
HUNK = 10  # lines: one in ten added, the others shown beside it
MB = 1 << 20
CALL = "from benchmarks.placing import once; once({files})"


def measure(quick: bool) -> Report:
    whole = 100 if quick else FILES
    rounds = 1 if quick else 5
    large, small = [], [_apart(whole // 10)]
    for _ in range(rounds):
        large.append(_apart(whole))
        small.append(_apart(whole // 10))
    seconds = [one["seconds"] for one in large]
    # Each between two small ones, for a machine may change its speed meanwhile.
    tenths = [statistics.mean(two) for two in pairwise(one["seconds"] for one in small)]
    most = max(one["bytes"] for one in large)
    figures = {
        "files": whole,
        "lines": whole * LINES,
        "findings": whole * FINDINGS,
        "seconds": statistics.median(seconds),
        "seconds_of_a_tenth": statistics.median(one["seconds"] for one in small),
        "peak_mb": most / MB,
    }
    linear = ratio(seconds, tenths)
    return Report(
        figures,
        [
            at_most("seconds", statistics.median(seconds), 2),
            at_most("peak in MB", most / MB, 300),
            at_most("times a tenth of it", linear, 11),
            all_of("on added lines", int(large[0]["added"]), whole * LINES // HUNK),
        ],
    )


def _apart(files: int) -> dict[str, float]:
    call = [sys.executable, "-c", CALL.format(files=files)]
    done = subprocess.run(call, check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def once(files: int) -> None:
    """What the process does; prints seconds, peak in bytes, and how many were on added lines."""
    patch, findings = _diff(files), _findings(files)
    started = time.perf_counter()
    placed = place(findings, read_patch(patch))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    added = sum(one.where is Where.ADDED for one in placed)
    print(json.dumps({"seconds": seconds, "bytes": peak, "added": added}))


def _diff(files: int) -> bytes:
    return b"".join(_file(number) for number in range(files))


def _file(number: int) -> bytes:
    name = f"src/part{number % 50}/file{number}.py".encode()
    hunks = [_hunk(first) for first in range(1, LINES, HUNK)]
    head = b"diff --git a/%b b/%b\nindex 1111111..2222222 100644\n--- a/%b\n+++ b/%b\n"
    return head % (name, name, name, name) + b"".join(hunks)


def _hunk(first: int) -> bytes:
    """Its first line is the new one."""
    lines = [b"+    total = total + price(%d)  # as it should be\n" % first]
    lines += [b"     item = shelf[%d]  # as it always was, here\n" % n for n in range(HUNK - 1)]
    return b"@@ -%d,%d +%d,%d @@\n" % (first, HUNK - 1, first, HUNK) + b"".join(lines)


def _findings(files: int) -> list[Finding]:
    return [
        Finding(
            f"src/part{number % 50}/file{number}.py",
            1 + line * (LINES // FINDINGS),
            Level.WARNING,
            f"R{line}",
            "This should be otherwise",
            "lint",
        )
        for number in range(files)
        for line in range(FINDINGS)
    ]


if __name__ == "__main__":
    command("placing", __doc__, measure)()
