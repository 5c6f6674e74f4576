"""The Git server and the sender of its webhooks, killed with SIGKILL at each named step.

A push that was killed half way is repeated, as anybody would; what the sender may have sent before
it died is sent again. Either way everything is there once in the end.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.crashes import cases
from tests.gitforge.test_sender import SECRET, Receiver, listening, sending
from tests.gitforge.world import (
    GIT_ENV,
    SEND,
    Project,
    Server,
    commit,
    eventually,
    git,
    make_project,
    running,
)


@pytest.mark.parametrize(("step", "times"), cases("git server"))
def test_a_push_that_was_killed_and_repeated_opens_one_pull_request_and_tells_of_it(
    tmp_path: Path, step: str, times: int
) -> None:
    flag = tmp_path / "killed"
    with (
        listening(Receiver()) as receiver,
        running(tmp_path / "state", INTAKEBOT_CRASH=f"{step}:{times}@{flag}") as server,
    ):
        server.forge.set_webhook(receiver.url, SECRET)
        project = make_project(server, tmp_path / "project")
        work = project.clone(project.ada, project.ada.login)
        heads = {name: pushed(work, name) for name in ("one", "two")}
        assert flag.exists(), f"nobody came to {step} {times} times"
        with sending(server):
            eventually(lambda: len(told(receiver, project)) >= 2)
        pulls = [project.pull(line["number"]) for line in project.pulls()]
        found = {pull["source"]["branch"]: pull for pull in pulls}
        assert {name: pull["head"] for name, pull in found.items()} == heads
        assert [len(pull["pushes"]) for pull in found.values()] == [1, 1]
        assert sorted(told(receiver, project)) == [1, 2]


def pushed(work: Path, name: str) -> str:
    """One branch with one commit, pushed until git is content; twice at the most."""
    git(work, "switch", "-q", "-c", name, "origin/main")
    head = commit(work, f"Add {name}", **{name: name})
    first = subprocess.run(
        ["git", "push", "-q", "origin", name], cwd=work, env=GIT_ENV, check=False
    )
    if first.returncode:
        git(work, "push", "-q", "origin", name)
    return head


def nothing_waits(server: Server) -> bool:
    """Every delivery is written down as sent."""
    with closing(sqlite3.connect(server.state / "forge.db", timeout=10)) as database:
        waiting = "SELECT count(*) FROM delivery WHERE state = 'waiting'"
        return bool(database.execute(waiting).fetchone()[0] == 0)


def told(receiver: Receiver, project: Project) -> list[int]:
    """Numbers of the pull requests that deliveries spoke of, each delivery once."""
    seen = {one.headers["X-Intakebot-Delivery"]: one.body for one in receiver.of(project)}
    return [body["number"] for body in seen.values() if body["event"] == "pull"]


@pytest.mark.parametrize(("step", "times"), cases("sender"))
def test_a_sender_that_was_killed_leaves_nothing_unsent_and_repeats_under_the_same_id(
    tmp_path: Path, step: str, times: int
) -> None:
    flag = tmp_path / "killed"
    with listening(Receiver()) as receiver, running(tmp_path / "state") as server:
        server.forge.set_webhook(receiver.url, SECRET)
        project = make_project(server, tmp_path / "project")
        work = project.clone(project.ada, project.ada.login)
        for name in ("one", "two", "three"):
            pushed(work, name)
        crash = {"INTAKEBOT_CRASH": f"{step}:{times}@{flag}"}
        dead = subprocess.run(
            [sys.executable, "-c", SEND, str(server.state)],
            env={**os.environ, **crash},
            timeout=60,
            check=False,
        )
        assert dead.returncode == -9 and flag.exists()
        with sending(server):
            eventually(lambda: nothing_waits(server))
        assert sorted(told(receiver, project)) == [1, 2, 3]
        again = len(receiver.of(project)) - len(told(receiver, project))
        assert again >= 1 or step == "forge.before_post"
