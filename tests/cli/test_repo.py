"""`intakebot repo` makes main repositories and says who may do what there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.gitforge.forge import GitForge
from tests.gitforge.world import Person, commit, git, running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "house"


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    place = tmp_path / "seed"
    git(tmp_path, "init", "-q", "-b", "main", str(place))
    commit(place, "Begin", page="Hello\n")
    return place


def run(state: Path, *words: str | Path, verb: str = "repo") -> Result:
    environ = {"INTAKEBOT_STATE": str(state), "GIT_URL": "http://127.0.0.1:8421", "PORT": None}
    return CliRunner().invoke(main, [verb, *map(str, words)], env=environ)


def fine(state: Path, *words: str | Path, verb: str = "repo") -> str:
    done = run(state, *words, verb=verb)
    assert done.exit_code == 0, done.output
    return done.stdout


def token(state: Path, login: str) -> str:
    return fine(state, "add", login, "--group", "staff", verb="people").splitlines()[-1]


def listed(state: Path) -> list[dict[str, Any]]:
    found = json.loads(fine(state, "list", "--json"))
    assert isinstance(found, list)
    return found


def test_what_is_added_and_granted_can_be_cloned(state: Path, seed: Path, tmp_path: Path) -> None:
    said = fine(state, "add", "site", "--from", seed)
    assert "site is made: http://127.0.0.1:8421/git/main/site.git" in said
    assert "intakebot repo grant LOGIN read --repo site" in said
    secret = token(state, "ada")
    with running(state) as server:
        url = f"http://ada:{secret}@127.0.0.1:{server.port}/git/main/site.git"
        git(tmp_path, "clone", "-q", url, "before", ok=False)
        assert fine(state, "grant", "ada", "read") == (
            "ada may read site, and send changes from a fork.\n"
        )
        git(tmp_path, "clone", "-q", url, "work")
        assert (tmp_path / "work" / "page").read_text() == "Hello\n"
        assert fine(state, "grant", "ada", "none") == "ada has no right to site any more.\n"
        assert server.get(Person("ada", "", secret), "/repos")["repos"] == []


def test_a_repository_that_is_there_stays_as_it_is(state: Path, seed: Path) -> None:
    fine(state, "add", "site", "--from", seed)
    said = fine(state, "add", "site", "--intake", "trunk")
    assert said.startswith("site is there already and stays as it is: http://")
    assert [(one["name"], one["intake"]) for one in listed(state)] == [("site", "main")]


def test_an_empty_repository_says_how_commits_come_in(state: Path) -> None:
    assert "It has no commits yet" in fine(state, "add", "site")


def test_a_source_without_the_intake_branch_is_refused(state: Path, seed: Path) -> None:
    done = run(state, "add", "site", "--from", seed, "--intake", "trunk")
    assert done.exit_code == 1
    assert "has no branch 'trunk'" in done.stderr
    assert listed(state) == []


def test_with_several_repositories_a_grant_asks_which(state: Path) -> None:
    fine(state, "add", "site")
    fine(state, "add", "shop")
    token(state, "ada")
    done = run(state, "grant", "ada", "read")
    assert done.exit_code == 2
    assert "there are several repositories: site, shop; add --repo" in done.stderr
    assert "ada may read shop" in fine(state, "grant", "ada", "read", "--repo", "shop")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ada", "read", "--repo", "sit"), 2, "no repository 'sit'. Did you mean 'site'?"),
        (("ada", "admin"), 2, "'admin' is not one of"),
        (("bob", "read"), 1, "login 'bob': no such account; add the person first"),
    ],
)
def test_a_grant_that_means_nothing_is_refused(
    state: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    fine(state, "add", "site")
    token(state, "ada")
    done = run(state, "grant", *words)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_a_grant_without_any_repository_says_what_comes_first(state: Path) -> None:
    token(state, "ada")
    done = run(state, "grant", "ada", "read")
    assert done.exit_code == 1
    assert "there is no repository yet; add one: intakebot repo add NAME" in done.stderr


def test_the_list_is_a_table_and_says_how_to_begin(state: Path) -> None:
    state.mkdir()
    assert fine(state, "list").startswith("There is no repository yet. Add one: intakebot repo add")
    fine(state, "add", "site", "--intake", "trunk", "--deploy", "live")
    assert fine(state, "list").splitlines() == [
        "NAME  INTAKE  DEPLOY  CLONE FROM",
        "site  trunk   live    http://127.0.0.1:8421/git/main/site.git",
    ]


def test_addresses_are_those_where_the_forge_was_last_up_whatever_the_port_is_here(
    state: Path, seed: Path
) -> None:
    fine(state, "add", "site", "--from", seed)
    GitForge(state).configure(git_url="http://git.example:9000", page_url="http://git.example")
    assert listed(state)[0]["clone_url"] == "http://git.example:9000/git/main/site.git"
    said = fine(state, "add", "shop", "--from", seed)
    assert "shop is made: http://git.example:9000/git/main/shop.git" in said
    assert "git push http://git.example:9000/git/LOGIN/shop.git" in said


def test_without_a_house_a_list_makes_none(state: Path) -> None:
    done = run(state, "list")
    assert done.exit_code == 1
    assert f"{state}: there is no house here" in done.stderr
    assert not state.exists()


def test_a_name_that_is_taken_is_refused_rather_than_copied_over(
    state: Path, tmp_path: Path
) -> None:
    fine(state, "add", "site")
    origin = tmp_path / "own"
    origin.mkdir()
    done = run(state, "add", "site", "--from", str(origin))
    assert done.exit_code == 1
    assert "nothing was copied" in done.stderr
