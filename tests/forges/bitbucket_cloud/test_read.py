"""Pull requests read whole from a fake Bitbucket Cloud, over real HTTP and real git."""

from __future__ import annotations

import pytest

from intakebot.forges.bitbucket_cloud.heads import UNKNOWN
from intakebot.model import OperatorError, PullState, TryLater
from tests.forges.bitbucket_cloud.cast import Cast


def test_a_pull_request_from_a_fork_is_read_whole(cast: Cast) -> None:
    number, head = cast.opens(title="A banner", description="For spring")
    pull = cast.pull(number)
    assert (pull.number, pull.title, pull.description) == (number, "A banner", "For spring")
    assert (pull.state, pull.draft, pull.target, pull.head) == (PullState.OPEN, False, "main", head)
    assert (pull.author.id, pull.author.login) == (cast.ada.uuid, "ada")
    assert pull.source is not None and pull.source.repo_id != pull.repo.id == cast.repo_id
    assert (pull.source.branch, pull.source.clone_url) == (
        "banner",
        f"{cast.cloud.git_url}/ada/site.git",
    )
    assert [(push.head, push.by.id) for push in pull.pushes] == [(head, cast.ada.uuid)]
    assert [move.target for move in pull.targets] == ["main"]
    assert (pull.repo.name, pull.repo.intake, pull.repo.deploy) == ("acme/site", "main", "main")
    assert pull.repo.clone_url == pull.main_url == f"{cast.cloud.git_url}/acme/site.git"
    assert pull.fork_url == f"{cast.cloud.git_url}/ada/site.git"
    assert pull.url == f"{cast.cloud.git_url}/acme/site/pull-requests/{number}"
    assert (pull.status, pull.review, pull.unreadable, pull.comments) == (None, None, "", ())


def test_a_repository_that_the_bot_may_no_longer_see_is_not_taken_for_a_gone_pull_request(
    cast: Cast,
) -> None:
    number, _ = cast.opens()
    cast.pull(number)
    cast.cloud.grant("intakebot", "acme/site", "none")
    with pytest.raises(OperatorError, match="shows the bot no repository acme/site"):
        cast.forge.pull(cast.repo_id, number)


def test_a_head_that_passed_before_anybody_looked_is_not_named(cast: Cast) -> None:
    number, _ = cast.opens()
    second = cast.pushes({"index.html": "<p>Two</p>\n"})
    assert [push.head for push in cast.pull(number).pushes] == ["", second]


def test_a_renamed_repository_is_still_found_and_told_under_its_new_name(cast: Cast) -> None:
    number, head = cast.opens()
    cast.cloud.rename_repository("acme/site", "shop")
    pull = cast.pull(number)
    assert (pull.repo.name, pull.head) == ("acme/shop", head)
    assert pull.repo.clone_url == f"{cast.cloud.git_url}/acme/shop.git"
    assert [repo.name for repo in cast.forge.repos()] == ["acme/shop"]


def test_a_private_fork_tells_its_owner_how_to_let_the_bot_in(cast: Cast) -> None:
    number, head = cast.opens()
    cast.cloud.grant("intakebot", "ada/site", "none")
    pull = cast.pull(number)
    assert pull.head == head  # the product still tells it
    assert pull.source is not None
    for word in ("`ada/site`", f"{cast.cloud.git_url}/ada/site/admin/permissions", "`intakebot`"):
        assert word in pull.unreadable
    cast.cloud.grant("intakebot", "ada/site", "read")
    again = cast.pull(number)
    assert (again.unreadable, again.head) == ("", head)


def test_a_head_whose_full_id_nobody_tells_is_unknown_and_approved_by_nobody(cast: Cast) -> None:
    cast.cloud.choices.fork_commits = 404
    number, _ = cast.opens()
    cast.approves(cast.bob, number)
    cast.cloud.grant("intakebot", "ada/site", "none")
    pull = cast.pull(number)
    assert pull.head == UNKNOWN and pull.unreadable
    assert [review.head for review in pull.reviews] == [""]


def test_a_branch_of_the_main_repository_gets_the_way_over_a_fork(cast: Cast) -> None:
    number = cast.opens_from_main("direct")
    pull = cast.pull(number)
    assert pull.source is not None and pull.source.repo_id == pull.repo.id
    assert pull.fork_page == f"{cast.cloud.git_url}/acme/site/fork"
    assert pull.fork_url == f"{cast.cloud.git_url}/YOUR-WORKSPACE/site.git"
    assert pull.open_page == ""


def test_the_authors_own_fork_is_found_for_a_branch_of_the_main_repository(cast: Cast) -> None:
    cast.cloud.fork("bob", "acme/site", inherit=True)
    number = cast.opens_from_main("direct")
    pull = cast.pull(number)
    assert pull.fork_url == f"{cast.cloud.git_url}/bob/site.git"
    assert pull.open_page == (
        f"{cast.cloud.git_url}/bob/site/pull-requests/new?source=direct&dest=acme%2Fsite%3A%3Amain"
    )
    cast.cloud.forget_calls()
    cast.pull(number)
    assert not any(call.path.endswith("/forks") for call in cast.api_calls())


# --- lag, races -----------------------------------------------------------------------


def test_a_lagging_activity_is_waited_for_and_then_counts_for_nothing(cast: Cast) -> None:
    number, first = cast.opens()
    cast.approves(cast.bob, number)
    cast.pull(number)
    cast.cloud.mischief.lag(matching="/activity")
    second = cast.pushes({"index.html": "<p>Two</p>\n"})
    with pytest.raises(TryLater, match="newest push"):
        cast.pull(number)
    cast.later(minutes=5)
    pull = cast.pull(number)
    assert pull.head == second
    assert [push.head for push in pull.pushes] == [first, second]
    assert pull.pushes[-1].seq > max(review.seq for review in pull.reviews)
    assert all(review.head != second for review in pull.reviews)
    cast.cloud.mischief.catch_up()
    assert [push.head for push in cast.pull(number).pushes] == [first, second]


def test_an_approval_that_the_activity_does_not_tell_yet_is_waited_for(cast: Cast) -> None:
    number, head = cast.opens()
    cast.cloud.mischief.lag(matching="/activity")
    cast.approves(cast.bob, number)
    with pytest.raises(TryLater, match="review"):
        cast.pull(number)
    cast.later(minutes=5)
    assert [review.head for review in cast.pull(number).reviews] == [""]
    cast.cloud.mischief.catch_up()
    assert [review.head for review in cast.pull(number).reviews] == [head]


def test_a_push_in_the_middle_of_a_read_gives_no_mixture(cast: Cast) -> None:
    number, first = cast.opens()
    cast.approves(cast.bob, number)
    cast.pull(number)
    tips: list[str] = []
    cast.cloud.mischief.before(
        f"GET .*/pullrequests/{number}/activity",
        lambda: tips.append(cast.pushes({"index.html": "<p>Evil</p>\n"})),
    )
    with pytest.raises(TryLater):
        cast.pull(number)
    pull = cast.pull(number)
    assert tips == [pull.head]
    assert [review.head for review in pull.reviews] == [first]


def test_a_pull_request_that_lags_behind_git_is_read_as_it_was(cast: Cast) -> None:
    number, first = cast.opens()
    cast.approves(cast.bob, number)
    cast.pull(number)
    cast.cloud.mischief.lag()
    cast.pushes({"index.html": "<p>Evil</p>\n"})
    pull = cast.pull(number)
    assert pull.head == first
    assert [review.head for review in pull.reviews] == [first]


# --- what it costs --------------------------------------------------------------------


def test_a_settled_pull_request_costs_four_calls(cast: Cast) -> None:
    number, head = cast.opens()
    pull = cast.pull(number)
    cast.reports_status(pull, head)
    cast.pull(number)
    assert cast.forge.left() == 1_000 - len(cast.api_calls())
    cast.cloud.forget_calls()
    assert cast.pull(number) == cast.pull(number)
    assert len(cast.api_calls()) == 2 * 4 and cast.cloud.writes == ()
