"""The story that the README tells, played for real."""

from __future__ import annotations

import json
import re
import subprocess
import sys

EXPECTED = ["refused", "rejected", "needs-changes", "needs-review", "denied", "void", "landed"]


def test_every_scene_of_the_demo_ends_as_the_story_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "intakebot", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    scenes = json.loads(done.stdout)

    assert [scene["outcome"] for scene in scenes] == EXPECTED
    assert [scene["expected"] for scene in scenes] == EXPECTED
    assert all(set(scene) == SHAPE for scene in scenes)
    assert all(scene["seen"] and all(scene["seen"]) for scene in scenes)
    ids = [commit for scene in scenes for commit in scene["commits"].values()]
    assert ids and all(re.fullmatch("[0-9a-f]{40}", commit) for commit in ids)
    landed = scenes[-1]["commits"]
    assert landed["main"] == landed["deploy"] != scenes[0]["commits"]["main"]


SHAPE = {"name", "expected", "outcome", "seen", "commits", "seconds"}
