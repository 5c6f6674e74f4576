"""python -m tests.chaos --minutes 30: mixes with new seeds until the time is over.

Seeds that failed before come first. One that fails is written to seeds.txt beside this file, its
story to the folder that is printed, and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.mix import played

KEPT = Path(__file__).with_name("seeds.txt")


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--minutes", type=float, default=30)
    given.add_argument("--seconds", type=float, default=120, help="of each mix")
    given.add_argument("--seed", type=int, action="append", default=[], help="this one alone")
    asked = given.parse_args()
    seeds = asked.seed or kept()
    until = time.monotonic() + asked.minutes * 60
    while seeds or (not asked.seed and time.monotonic() < until):
        seed = seeds.pop(0) if seeds else random.SystemRandom().randrange(10**9)
        if not holds(seed, asked.seconds):
            return 1
    return 0


def holds(seed: int, seconds: float) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    started = time.monotonic()
    try:
        story = played(folder, seed, seconds)
    except AssertionError as error:
        (folder / "story.txt").write_text(str(error), "utf-8")
        print(f"seed {seed} FAILED: {str(error)[:600]}\nall of it: {folder}", flush=True)
        if seed not in kept():
            with KEPT.open("a", encoding="utf-8") as out:
                out.write(f"{seed}\n")
        return False
    took = time.monotonic() - started
    print(f"seed {seed} held after {took:.0f} s: {dict(story.counts)}", flush=True)
    return True


def kept() -> list[int]:
    lines = KEPT.read_text("utf-8").splitlines() if KEPT.exists() else []
    return [int(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]


if __name__ == "__main__":
    sys.exit(main())
