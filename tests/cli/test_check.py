"""`intakebot check REPO#N` looks at one pull request by hand, over HTTP, and changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.settings import load
from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.store.tables import metadata
from intakebot.world.ports import free_port
from tests.databases import Databases
from tests.gitforge.world import Project, Server, commit, git, make_project, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("house") / "state"
    with databases.house(state), running(state) as server:
        with_database(server.state)
        yield server


def with_database(state: Path) -> None:
    database = Database(load(state, {}).database_url)
    schema.upgrade(database, now=datetime.now(UTC))
    database.close()


@pytest.fixture
def project(server: Server, tmp_path: Path) -> Project:
    return make_project(server, tmp_path)


@pytest.fixture
def banner(project: Project) -> str:
    """A pull request by ada, and how the command line calls it."""
    return opened(project, "Add a banner")


def opened(project: Project, title: str) -> str:
    work = project.clone(project.ada, project.ada.login)
    commit(work, title, banner="Ahoy\n")
    git(work, "push", "origin", "HEAD:refs/heads/banner")
    return f"{project.name}#1"


def check(project: Project, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    house = {
        "INTAKEBOT_STATE": str(project.server.state),
        "GIT_URL": project.server.url,
        "GIT_BOT_TOKEN": project.bot.token,
        "PUBLIC_URL": "http://127.0.0.1:8420",
    }
    return run(*words, **{**house, **env})


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "intakebot", "check", *words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rows(state: Path) -> dict[str, int]:
    """Every table of the house and how many rows it has."""
    database = Database(load(state, {}).database_url)
    with database.read() as connection:
        count = sa.func.count()
        found = {
            table.name: connection.scalar(sa.select(count).select_from(table)) or 0
            for table in metadata.tables.values()
        }
    database.close()
    return found


def land(project: Project, **files: str) -> None:
    """A commit straight on the intake branch, with the right to do so."""
    work = project.clone(project.wim)
    commit(work, "From the team", **files)
    git(work, "push", project.url(project.land), "HEAD:refs/heads/main")


def test_it_answers_first_then_the_rules_then_what_would_be_sent(
    project: Project, banner: str
) -> None:
    done = check(project, banner)
    lines = done.stdout.splitlines()
    head = project.pull(1)["head"][:7]
    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0] == f"{banner}  Add a banner  needs review, a reviewer's turn"
    assert lines[1] == "0 of 1 approvals for this commit."
    assert "  ok  fork-only" in lines
    assert lines[-2] == f"Would post the status comment and set commit {head} to pending."
    assert lines[-1] == "Nothing was sent; add --send to do it."


def test_without_send_nothing_changes_in_database_or_forge(project: Project, banner: str) -> None:
    before = (rows(project.server.state), project.pull(1))
    assert check(project, banner).returncode == 1
    assert (rows(project.server.state), project.pull(1)) == before


def test_with_send_it_is_said_once(project: Project, banner: str) -> None:
    first = check(project, banner, "--send")
    assert (first.returncode, "Sent: post the status comment" in first.stdout) == (1, True)
    pull = project.pull(1)
    assert [comment["key"] for comment in pull["comments"]] == ["status"]
    assert pull["status"]["state"] == "pending"

    again = check(project, banner, "--send")
    assert again.stdout.endswith("Nothing was to be sent: all is said already.\n")
    assert check(project, banner).stdout.endswith("Nothing would be sent: all is said already.\n")
    assert project.pull(1)["comments"] == pull["comments"]


def test_one_that_may_merge_ends_with_0(project: Project, banner: str) -> None:
    land(project, **{".intakebot.toml": "[review]\napprovals = 0\n"})
    done = check(project, banner)
    assert (done.returncode, "  ready, a maintainer's turn" in done.stdout) == (0, True)


def test_one_that_is_merged_ends_with_0(project: Project, banner: str) -> None:
    work = project.clone(project.ada, project.ada.login)
    git(work, "push", project.url(project.land), "origin/banner:refs/heads/main")
    done = check(project, banner)
    assert (done.returncode, "  merged, nobody's turn" in done.stdout) == (0, True)


def test_an_unsatisfied_rule_names_its_offenders_and_the_author(project: Project) -> None:
    land(project, banner="Another\n")
    place = opened_on_the_old_base(project)
    done = check(project, place)
    assert done.returncode == 1
    assert f"  needs changes, {project.ada.login}'s turn" in done.stdout
    assert any(
        line.split()[0] == "error" and line.split()[-1] == "banner"
        for line in done.stdout.splitlines()[2:-3]
        if line.strip()
    )


def opened_on_the_old_base(project: Project) -> str:
    """A pull request that conflicts with what landed on main since."""
    work = project.clone(project.ada, project.ada.login)
    first = git(work, "rev-list", "--max-parents=0", "HEAD")
    git(work, "checkout", "-q", "-B", "banner", first)
    commit(work, "Add a banner", banner="Ahoy\n")
    git(work, "push", "origin", "HEAD:refs/heads/banner")
    return f"{project.name}#1"


def test_json_says_it_all_in_one_object(project: Project, banner: str) -> None:
    done = check(project, banner, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found["pull"], found["state"], found["turn"]) == (banner, "needs review", "reviewer")
    assert (found["may_merge"], found["sent"]) == (False, False)
    assert found["head"] == project.pull(1)["head"]
    assert {rule["rule"]: rule["state"] for rule in found["rules"]}["fork-only"] == "satisfied"
    assert [effect["kind"] for effect in found["effects"]] == ["PostComment", "SetStatus"]


def test_a_title_cannot_move_the_terminal(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    commit(work, "A change", banner="Ahoy\n")
    git(work, "push", "-o", "title=\x1b[2Jgone", "origin", "HEAD:refs/heads/banner")
    shown = check(project, f"{project.name}#1").stdout
    assert "\x1b" not in shown
    assert "gone" in shown


@pytest.mark.parametrize("words", ["site", "site#", "#7", "site#0", "site#x", "a b#1", "site#1#2"])
def test_what_names_no_pull_request_is_asked_wrongly(tmp_path: Path, words: str) -> None:
    done = run(words, INTAKEBOT_STATE=str(tmp_path))
    assert done.returncode == 2
    assert f"'{words}' names no pull request; write it like site#7" in done.stderr


def test_an_unknown_repository_or_number_is_asked_wrongly(project: Project, banner: str) -> None:
    near = check(project, f"{project.name}x#1")
    assert near.returncode == 2
    assert f"'{project.name}x' that the bot may read. Did you mean '{project.name}'?" in near.stderr
    assert check(project, "octo/hello#12").returncode == 2
    number = check(project, f"{project.name}#99")
    assert number.returncode == 2
    assert f"{project.name} has no pull request 99; its newest is {banner}" in number.stderr


def test_it_could_not_tell_when_the_forge_does_not_answer(project: Project, banner: str) -> None:
    done = check(project, banner, GIT_URL=f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.match("Error: the Git forge at .* does not answer", done.stderr)


def test_it_could_not_tell_when_the_forge_refuses_the_bot(project: Project, banner: str) -> None:
    done = check(project, banner, GIT_BOT_TOKEN="wrong")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the Git forge refuses the bot" in done.stderr


def test_it_could_not_tell_without_a_house_or_a_database(
    project: Project, banner: str, tmp_path: Path
) -> None:
    none = check(project, banner, "--state", str(tmp_path / "none"))
    assert (none.returncode, "there is no house here" in none.stderr) == (3, True)
    (tmp_path / "empty").mkdir()
    empty = check(project, banner, "--state", str(tmp_path / "empty"))
    assert (empty.returncode, "run `intakebot migrate`" in empty.stderr) == (3, True)
