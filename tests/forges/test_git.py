"""What is the built-in forge's own; what it shares with the others is in `contract`."""

from __future__ import annotations

from pathlib import Path

import pytest

from intakebot.forges.git import GitForge
from intakebot.model import Decline, OperatorError, TryLater
from tests.forges.contract.bench import read
from tests.forges.contract.git import GitBench, Place
from tests.gitforge.world import PAGES, make_project


@pytest.fixture
def bench(git_place: Place, tmp_path: Path) -> GitBench:
    git_place.door.forget()
    return GitBench(git_place, make_project(git_place.server, tmp_path))


def test_addresses_are_those_of_the_pages_and_ask_for_the_token_alone(bench: GitBench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    login, _ = bench.sign_in("ada")
    base = bench.place.door.url.removeprefix("http://")
    assert pull.url == f"{PAGES}/pulls/{pull.repo.name}/{number}"
    assert pull.fork_url == f"http://{login}@{base}/git/{login}/{pull.repo.name}.git"
    assert pull.main_url == f"http://{login}@{base}/git/main/{pull.repo.name}.git"


def test_a_forge_that_is_away_is_tried_later(git_place: Place) -> None:
    away = GitForge("http://127.0.0.1:9", PAGES, git_place.tokens)
    with pytest.raises(TryLater, match="does not answer"):
        away.repos()


def test_a_clone_address_elsewhere_is_never_fetched_from(git_place: Place) -> None:
    other = git_place.door.url.replace("127.0.0.1", "localhost")
    with pytest.raises(OperatorError, match="set GIT_URL"):
        GitForge(other, PAGES, git_place.tokens).repos()


def test_closing_what_was_merged_meanwhile_is_a_reason_to_read_again(bench: GitBench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    bench.lands(number)
    with pytest.raises(TryLater):
        bench.forge.perform(pull, Decline("because"))
