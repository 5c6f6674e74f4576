"""Run by git as the pre-receive hook: says no to what this pusher may not do to a branch.

Reads the rules that do not let this pusher through from the environment, as JSON pairs
[kind, pattern]. Needs nothing but the standard library: it starts with every push.
"""

import json
import os
import re
import subprocess
import sys

ZERO = "0" * 40


def matches(pattern: str, branch: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), branch) is not None


def rewritten(old: str, new: str) -> bool:
    asked = ["git", "merge-base", "--is-ancestor", old, new]
    return subprocess.run(asked, check=False).returncode != 0


def objection(old: str, new: str, branch: str, kinds: set[str]) -> str:
    if new == ZERO:
        return f"Permission denied to delete branch {branch}." if kinds & {"delete", "push"} else ""
    if "push" in kinds:
        verb = "create" if old == ZERO else "update"
        return f"Permission denied to {verb} branch {branch}."
    if "force" in kinds and old != ZERO and rewritten(old, new):
        return f"Permission denied to rewrite history of branch {branch}."
    return ""


def main() -> int:
    rules = json.loads(os.environ.get("WORLD_RULES", "[]"))
    bad = 0
    for line in sys.stdin:
        old, new, ref = line.split()
        if not ref.startswith("refs/heads/"):
            continue
        branch = ref.removeprefix("refs/heads/")
        said = objection(old, new, branch, {kind for kind, p in rules if matches(p, branch)})
        if said:
            print(said, file=sys.stderr)
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
