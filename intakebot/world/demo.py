"""intakebot demo: the whole story, played for real in a temporary folder."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from intakebot.world import stage_bitbucket_cloud, stage_git
from intakebot.world.stage import Stage
from intakebot.world.story import SCENES, Scene, play

CLOUD = stage_bitbucket_cloud.FORGE
EXAMPLES = f"""\b
Examples:
  intakebot demo
  intakebot demo --json | python3 -m json.tool
  intakebot demo --forge {CLOUD}
  intakebot demo --forge {CLOUD} --no-webhooks --keep"""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a forge's stage is opened in a folder, and with which words."""

    words: str
    open: Callable[[Path, bool], AbstractContextManager[Stage]]


SETTINGS: Mapping[str, Setting] = {
    "git": Setting("a whole house", lambda folder, _: stage_git.open_stage(folder)),
    CLOUD: Setting(
        "a fake Bitbucket Cloud, and a whole house that is connected to it,",
        lambda folder, webhooks: stage_bitbucket_cloud.open_stage(folder, webhooks=webhooks),
    ),
}


@dataclass(frozen=True, slots=True)
class Played:
    """`told` and `faults` are what was seen behind the scenes."""

    scenes: Sequence[Scene]
    told: Sequence[str]
    faults: Sequence[str]

    @property
    def went_well(self) -> bool:
        whole = len(self.scenes) == len(SCENES) and all(scene.holds for scene in self.scenes)
        return whole and not self.faults


@click.command(epilog=EXAMPLES)
@click.option(
    "--forge",
    type=click.Choice(list(SETTINGS)),
    default="git",
    show_default=True,
    help="Where it plays: on the built-in Git forge, or on a fake of Bitbucket Cloud.",
)
@click.option(
    "--no-webhooks",
    "webhooks",
    flag_value=False,
    default=True,
    help=f"Lose every delivery; only the surveys find out. With --forge {CLOUD}.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array, an object a scene.")
@click.option("--keep", is_flag=True, help="Keep the folder, and say where it is.")
def demo(forge: str, webhooks: bool, as_json: bool, keep: bool) -> None:
    """Play seven scenes with real git over HTTP and print what each person sees.

    Exit 1, with the scene and the difference, when one does not end as it should.
    """
    if not webhooks and forge != CLOUD:
        raise click.UsageError(
            f"--no-webhooks goes with --forge {CLOUD}: the built-in Git forge keeps a delivery "
            "until it is taken"
        )
    folder = Path(tempfile.mkdtemp(prefix="intakebot-"))
    try:
        played = _play(SETTINGS[forge], folder, webhooks=webhooks, quiet=as_json)
    finally:
        if not keep:
            shutil.rmtree(folder)
    if as_json:
        scenes = [asdict(scene) for scene in played.scenes]
        click.echo(json.dumps(scenes, indent=1, ensure_ascii=False))
    for line in [*played.told, *_wrong(played)]:
        click.echo(line, err=True)
    if keep:
        click.echo(f"Everything is in {folder}", err=True)
    sys.exit(0 if played.went_well else 1)


def _play(setting: Setting, folder: Path, *, webhooks: bool, quiet: bool) -> Played:
    if not quiet:
        click.echo(f"Starting {setting.words} in a temporary folder ...", err=True)
    scenes = []
    with setting.open(folder, webhooks) as stage:
        for number, scene in enumerate(play(stage), 1):
            scenes.append(scene)
            if not quiet:
                click.echo(told(number, scene))
        return Played(scenes, stage.told(), stage.faults())


def _wrong(played: Played) -> list[str]:
    wrong = [scene for scene in played.scenes if not scene.holds]
    return [
        *(f"{one.name}: expected {one.expected}, but it was: {one.outcome}" for one in wrong),
        *played.faults,
    ]


def told(number: int, scene: Scene) -> str:
    """One scene for people: title, outcome, and the messages indented."""
    mark = "ok" if scene.holds else "WRONG"
    lines = [f"\n{number}. {scene.name}: {scene.outcome}  [{mark}, {scene.seconds:.1f} s]"]
    for text in scene.seen:
        lines += ["", *(f"   | {line}" for line in text.strip().splitlines())]
    lines += ["", *(f"   {what} is {commit}" for what, commit in scene.commits.items())]
    return "\n".join(lines)
