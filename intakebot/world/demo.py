"""intakebot demo: the whole story, played for real in a temporary folder."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from intakebot.world.house import RunningHouse
from intakebot.world.story import SCENES, Scene, play


@click.command(epilog="Example: intakebot demo --json | python3 -m json.tool")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, an object a scene.")
@click.option("--keep", is_flag=True, help="Keep the folder, and say where it is.")
def demo(as_json: bool, keep: bool) -> None:
    """Play seven scenes with real git over HTTP and print what each person sees.

    Exit 1, with the scene and the difference, when one does not end as it should.
    """
    folder = Path(tempfile.mkdtemp(prefix="intakebot-"))
    try:
        scenes = _play(folder, quiet=as_json)
    finally:
        if not keep:
            shutil.rmtree(folder)
    if as_json:
        click.echo(json.dumps([asdict(scene) for scene in scenes], indent=1, ensure_ascii=False))
    if keep:
        click.echo(f"Everything is in {folder}", err=True)
    wrong = [scene for scene in scenes if not scene.holds]
    for scene in wrong:
        click.echo(
            f"{scene.name}: expected {scene.expected}, but it was: {scene.outcome}", err=True
        )
    sys.exit(1 if wrong or len(scenes) < len(SCENES) else 0)


def _play(folder: Path, *, quiet: bool) -> list[Scene]:
    if not quiet:
        click.echo("Starting a whole house in a temporary folder ...", err=True)
    scenes = []
    with RunningHouse(folder / "state") as house:
        for number, scene in enumerate(play(house), 1):
            scenes.append(scene)
            if not quiet:
                click.echo(told(number, scene))
    return scenes


def told(number: int, scene: Scene) -> str:
    """One scene for people: title, outcome, and the messages indented."""
    mark = "ok" if scene.holds else "WRONG"
    lines = [f"\n{number}. {scene.name}: {scene.outcome}  [{mark}, {scene.seconds:.1f} s]"]
    for text in scene.seen:
        lines += ["", *(f"   | {line}" for line in text.strip().splitlines())]
    lines += ["", *(f"   {what} is {commit}" for what, commit in scene.commits.items())]
    return "\n".join(lines)
