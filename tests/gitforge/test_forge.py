"""The operator's side, and the hook for somebody else's repository."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from intakebot.gitforge import foreign
from intakebot.gitforge.forge import ForgeError, GitForge
from intakebot.gitforge.tables import MIGRATIONS
from tests.gitforge.world import GIT_ENV, commit, git

BAD_NAMES = ["", "Ada", "a b", "-a", "a-", "x.git", "../x", "a/b", "ä", "x" * 65, "a\n"]


@pytest.fixture
def forge(tmp_path: Path) -> GitForge:
    forge = GitForge(tmp_path / "state")
    forge.migrate()
    return forge


def test_migrating_twice_keeps_everything(forge: GitForge) -> None:
    ada = forge.add_person("ada", "Ada Alder")
    forge.migrate()
    assert forge.add_person("ada", "Somebody else") == ada
    assert forge.people() == [
        {"id": "1", "login": "intakebot", "name": "intakebot"},
        {"id": ada, "login": "ada", "name": "Ada Alder"},
    ]


def test_pull_requests_of_the_first_schema_get_the_target_they_have(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "forge.db")) as db:
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO account VALUES (1, 'ada', 'Ada')")
        db.execute("INSERT INTO repo VALUES (1, 'site', NULL, NULL, 'main', 'deploy', 1)")
        db.execute(
            "INSERT INTO pull VALUES (5, 1, 1, 'T', '', 0, 'open', 1, 1, 'b', 'main', 'c', NULL,"
            " '2026-01-01', 12)"
        )
        db.executemany(
            "INSERT INTO push VALUES (?, 5, 'c', 1, '2026-01-01')",
            [(7,), (9,)],
        )
        db.commit()
    GitForge(tmp_path / "state").migrate()
    with closing(sqlite3.connect(tmp_path / "state" / "forge.db")) as db:
        assert db.execute("SELECT seq, pull_id, target FROM retarget").fetchall() == [
            (7, 5, "main")
        ]


def test_a_newer_database_is_refused_and_left_alone(forge: GitForge, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state" / "forge.db")) as db:
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(ForgeError, match="newer than this program"):
        forge.migrate()
    with pytest.raises(ForgeError, match="schema 999"):
        forge.people()


def test_a_forge_that_was_never_made_says_so(tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="no forge here yet"):
        GitForge(tmp_path).people()


@pytest.mark.parametrize("name", [*BAD_NAMES, "main"])
def test_a_login_that_could_mislead_a_path_is_refused(forge: GitForge, name: str) -> None:
    with pytest.raises(ForgeError, match="login"):
        forge.add_person(name)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_repository_name_that_could_mislead_a_path_is_refused(forge: GitForge, name: str) -> None:
    with pytest.raises(ForgeError, match="repository name"):
        forge.add_repo(name)


def test_wrong_wishes_are_refused_with_a_cure(forge: GitForge, tmp_path: Path) -> None:
    forge.add_person("ada")
    forge.add_repo("site")
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: forge.new_token("nobody"), "add the person first"),
        (lambda: forge.new_token("ada", "land"), "intakebot alone"),
        (lambda: forge.new_token("intakebot"), "intakebot alone"),
        (lambda: forge.new_token("ada", "root"), "choose one of"),
        (lambda: forge.grant("site", "ada", "admin"), "choose read, write or none"),
        (lambda: forge.grant("other", "ada", "read"), "add it first"),
        (lambda: forge.set_webhook("http://127.0.0.1/", ""), "must be signed"),
        (lambda: forge.set_webhook("file:///etc", "s"), "http"),
        (lambda: forge.configure(git_url="x", page_url="y"), "whole http"),
        (lambda: forge.add_repo("new", from_path=tmp_path / "nothing"), "git fetch failed"),
    ]
    for wish, cure in wrong:
        with pytest.raises(ForgeError, match=cure):
            wish()


def test_a_repository_starts_empty_or_as_a_copy(forge: GitForge, tmp_path: Path) -> None:
    forge.add_repo("empty", intake="trunk")
    empty = tmp_path / "state" / "git" / "main" / "empty.git"
    assert git(empty, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    seed = tmp_path / "seed"
    git(tmp_path, "init", "-q", "-b", "main", str(seed))
    head = commit(seed, "Begin")
    git(seed, "tag", "v1")
    git(seed, "branch", "other")

    first = forge.add_repo("copy", from_path=seed, deploy="live")

    refs = git(tmp_path / "state" / "git" / "main" / "copy.git", "for-each-ref").splitlines()
    assert refs == [
        f"{head} commit\trefs/heads/live",
        f"{head} commit\trefs/heads/main",
        f"{head} commit\trefs/heads/other",
        f"{head} commit\trefs/tags/v1",
    ]
    assert forge.add_repo("copy", from_path=seed) == first
    with pytest.raises(ForgeError, match="no branch 'trunk'"):
        forge.add_repo("wrong", from_path=seed, intake="trunk")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A bare repository that the forge knows nothing of, and a clone of it beside."""
    git(tmp_path, "init", "-q", "-b", "main", str(tmp_path / "seed"))
    commit(tmp_path / "seed", "Begin")
    git(tmp_path, "clone", "-q", "--bare", "seed", "site.git")
    git(tmp_path, "clone", "-q", "site.git", "work")
    return tmp_path / "site.git"


def push_as(login: str, work: Path, *arguments: str) -> tuple[bool, str]:
    done = subprocess.run(
        ["git", "push", "origin", *arguments],
        cwd=work,
        env={**GIT_ENV, "USER": "someone", "GL_USERNAME": login},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode == 0, done.stderr


def install(repository: Path) -> list[str]:
    url = "https://git.example.org/{login}/{repo}.git"
    return foreign.install(repository, protected=["main"], allow=["lander"], fork_url=url)


def test_the_installed_hook_refuses_and_advises_like_the_forge(elsewhere: Path) -> None:
    assert len(install(elsewhere)) == 2
    work = elsewhere.parent / "work"
    head = commit(work, "Add the spring banner")

    taken, told = push_as("ada", work, "HEAD:main")

    assert not taken and "main takes changes only as pull requests from your fork." in told
    assert "git remote add fork https://git.example.org/ada/site.git" in told
    assert f"git push fork {head[:12]}:refs/heads/add-the-spring-banner" in told
    assert push_as("ada", work, "HEAD:refs/heads/feature")[0]
    assert not push_as("ada", work, "HEAD:refs/replace/x")[0]
    assert push_as("lander", work, "HEAD:main")[0]
    assert not push_as("lander", work, ":main")[0]
    assert not push_as("lander", work, "--force", "HEAD~:main")[0]
    assert git(elsewhere, "rev-parse", "main") == head


def test_installing_again_changes_nothing(elsewhere: Path) -> None:
    install(elsewhere)
    assert install(elsewhere) == [f"{elsewhere} is set up already"]


def test_a_hook_of_somebody_else_is_never_replaced(elsewhere: Path) -> None:
    hook = elsewhere / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(ForgeError, match="not ours"):
        install(elsewhere)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert not (elsewhere / "intakebot-hook.json").exists()


def test_a_hook_that_cannot_judge_refuses(elsewhere: Path) -> None:
    install(elsewhere)
    (elsewhere / "intakebot-hook.json").write_text("{")
    commit(elsewhere.parent / "work", "Unjudged")
    taken, told = push_as("lander", elsewhere.parent / "work", "HEAD:main")
    assert not taken and "could not judge this push" in told and "Traceback" not in told


def test_only_a_bare_repository_with_sound_wishes_is_set_up(elsewhere: Path) -> None:
    with pytest.raises(ForgeError, match="not a bare"):
        install(elsewhere.parent / "work")
    with pytest.raises(ForgeError, match="protected"):
        foreign.install(elsewhere, protected=[], allow=[], fork_url="x")
    with pytest.raises(ForgeError, match="fork_url"):
        foreign.install(elsewhere, protected=["main"], allow=[], fork_url="{nobody}")
    assert not os.path.exists(elsewhere / "intakebot-hook.json")
