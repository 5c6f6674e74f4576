"""The story that the README tells, played for real: one story, whatever the forge."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from intakebot.cli.main import main
from intakebot.world.bitbucket_cloud.contract import Contract
from intakebot.world.demo import Played
from intakebot.world.stage_bitbucket_cloud import COMPARED, NOT_COMPARED
from intakebot.world.story import SCENES, Scene

pytestmark = pytest.mark.long

EXPECTED = ["refused", "rejected", "needs-changes", "needs-review", "denied", "void", "landed"]
CLOUD = ("--forge", "bitbucket-cloud")


@pytest.mark.parametrize(
    ("options", "deliveries"),
    [((), ""), (CLOUD, "none of them lost"), ((*CLOUD, "--no-webhooks"), "all of them lost")],
    ids=["git", "bitbucket-cloud", "bitbucket-cloud-without-webhooks"],
)
def test_every_scene_of_the_demo_ends_as_the_story_says(
    options: tuple[str, ...], deliveries: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "intakebot", "demo", *options, "--json"],
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
    said = "".join(text for scene in scenes for text in scene["seen"])
    assert "<!--" not in said
    assert deliveries in done.stderr
    assert (COMPARED in done.stderr) == (CLOUD[-1] in options and Contract.found().validated)
    assert "contract has it" not in done.stderr


SHAPE = {"name", "expected", "outcome", "seen", "commits", "seconds"}


def test_what_differs_from_the_published_contract_fails_the_demo() -> None:
    scenes = [Scene(word, word, word, ["said"], {}, 0.1) for word, _ in SCENES]
    assert Played(scenes, told=[NOT_COMPARED], faults=[]).went_well
    assert not Played(scenes, told=[COMPARED], faults=["answer 200 to GET /user"]).went_well
    assert not Played(scenes[:-1], told=[], faults=[]).went_well


def test_a_forge_that_nobody_can_play_on_is_refused_with_those_that_can() -> None:
    refused = CliRunner().invoke(main, ["demo", "--forge", "github"])
    assert refused.exit_code == 2
    assert "'github' is not one of 'git', 'bitbucket-cloud'" in refused.stderr


def test_webhooks_are_lost_only_where_a_forge_can_lose_them() -> None:
    refused = CliRunner().invoke(main, ["demo", "--no-webhooks"])
    assert refused.exit_code == 2
    assert "--no-webhooks goes with --forge bitbucket-cloud" in refused.stderr


def test_help_has_an_example_of_each_way_to_play() -> None:
    shown = CliRunner().invoke(main, ["demo", "--help"]).output
    for options in ("", " --json", " --forge bitbucket-cloud --no-webhooks"):
        assert f"  intakebot demo{options}" in shown
