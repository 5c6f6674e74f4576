"""All of them, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

NAMES = (
    "accept",
    "look",
    "land",
    "big",
    "idle",
    "placing",
    "runner",
    "report",
    "backtest",
    "pages",
)

if __name__ == "__main__":
    commands = ([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]] for name in NAMES)
    sys.exit(max(subprocess.run(command, check=False).returncode for command in commands))
