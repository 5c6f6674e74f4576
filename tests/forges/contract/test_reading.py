"""A pull request is read whole, from any forge."""

from __future__ import annotations

import re
from datetime import timedelta

from intakebot.core import marks
from intakebot.model import PostComment, PullState, SetStatus, Status
from tests.forges.contract.bench import Bench, read


def test_every_field_of_a_new_pull_request_is_told(bench: Bench) -> None:
    number = bench.opens("banner", title="A banner & more", draft=True)
    pull = read(bench, number)
    [repo] = [one for one in bench.forge.repos() if one.id == bench.repo_id]
    assert pull.repo == repo and repo.forge == bench.forge.name
    assert (pull.number, pull.title, pull.draft) == (number, "A banner & more", True)
    assert (pull.state, pull.author.id) == (PullState.OPEN, bench.id_of("ada"))
    assert pull.target == repo.intake == "main" and repo.deploy
    assert pull.head == bench.head() and re.fullmatch("[0-9a-f]{40}", pull.head)
    assert pull.source is not None and pull.source.branch == "banner"
    assert pull.source.repo_id not in ("", repo.id)
    assert [(push.head, push.by.id) for push in pull.pushes] == [(pull.head, pull.author.id)]
    assert [move.target for move in pull.targets] == ["main"]
    assert pull.created_at.utcoffset() == timedelta(0)
    assert abs(pull.created_at - bench.clock.now()) < timedelta(minutes=5)
    for address in (pull.url, pull.fork_url, pull.main_url, pull.source.clone_url, repo.clone_url):
        assert address.startswith("http")
    assert (pull.comments, pull.reviews, pull.status, pull.review) == ((), (), None, None)
    assert pull.unreadable == ""


def test_pushes_and_targets_are_told_in_their_order(bench: Bench) -> None:
    number = bench.opens()
    first = read(bench, number).head
    second = bench.pushes()
    said = bench.says("ada", number, "Look again")
    assert [push.head for push in read(bench, number).pushes] == [first, second]
    bench.branch("next")
    bench.retargets(number, "next")
    pull = read(bench, number)
    assert (pull.target, pull.head) == ("next", second)
    assert [push.head for push in pull.pushes] == [first, second]
    assert [move.target for move in pull.targets] == ["main", "next"]
    order = [*(push.seq for push in pull.pushes), *(one.seq for one in pull.comments)]
    assert [one.id for one in pull.comments] == [said]
    assert sorted({*order, pull.targets[1].seq}) == [*order, pull.targets[1].seq]


def test_title_and_state_are_those_of_now(bench: Bench) -> None:
    closed, landed = bench.opens("closed"), bench.opens("landed")
    bench.retitles(closed, "Another title")
    bench.drafts(closed)
    assert (read(bench, closed).title, read(bench, closed).draft) == ("Another title", True)
    bench.closes(closed)
    bench.lands(landed)
    assert read(bench, closed).state is PullState.CLOSED
    assert read(bench, landed).state is PullState.MERGED


def test_a_fork_is_told_by_its_id_and_not_by_its_name(bench: Bench) -> None:
    own = read(bench, bench.opens_from_main("direct"))
    assert own.source is not None and own.source.repo_id == own.repo.id
    number = bench.opens()
    before = read(bench, number)
    bench.loses_fork()
    after = read(bench, number)
    assert after.source is None
    assert (after.head, after.author) == (before.head, before.author)


def test_comments_are_told_with_who_said_them_and_what_became_of_them(bench: Bench) -> None:
    number = bench.opens()
    first = bench.says("ada", number, "One\n\n* two <b>three</b>")
    gone = bench.says("ada", number, "Never mind")
    answer = bench.says("wim", number, "Yes", reply_to=first)
    before = read(bench, number)
    assert [(one.id, one.by.id, one.replied) for one in before.comments] == [
        (first, bench.id_of("ada"), True),
        (gone, bench.id_of("ada"), False),
        (answer, bench.id_of("wim"), False),
    ]
    assert before.comments[0].text == "One\n\n* two <b>three</b>"
    assert not any(one.edited or one.key or one.tag for one in before.comments)
    bench.deletes(number, gone)
    assert [one.id for one in read(bench, number).comments] == [first, answer]


def test_all_comments_are_told_however_many(bench: Bench) -> None:
    number = bench.opens()
    many = bench.comments_page + 3
    said = [bench.says("ada", number, f"Remark {count}") for count in range(many)]
    assert [one.id for one in read(bench, number).comments] == said


def test_the_bots_marks_are_known_on_its_own_comments_alone(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    mine = bench.forge.perform(pull, PostComment("status", "It stands."))
    assert mine is not None
    theirs = bench.says("ada", number, bench.shown(number, mine))
    found = {one.id: one for one in read(bench, number).comments}
    assert found[mine].text == "It stands." and found[mine].by.id == bench.id_of("bot")
    assert found[mine].key == "status" or found[mine].tag == marks.tag("status")
    assert (found[theirs].key, found[theirs].tag) == (None, None)
    assert found[theirs].text == bench.shown(number, mine)
    assert bench.fresh().pull(bench.repo_id, number) == read(bench, number)  # another process


def test_the_status_is_that_of_the_head_of_now(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for state in ("pending", "failure", "success"):
        status = Status(state, f"It is {state}", "http://127.0.0.1/x")
        bench.forge.perform(pull, SetStatus(pull.head, status))
        assert read(bench, number).status == status
    bench.pushes()
    assert read(bench, number).status is None


def test_what_other_machines_say_beside_a_commit_is_told_and_the_bots_own_is_not(
    bench: Bench,
) -> None:
    number = bench.opens()
    bench.lands(number)
    pull = read(bench, number)
    bench.forge.perform(pull, SetStatus(pull.head, Status("success", "Fine", "http://127.0.0.1/x")))
    assert bench.forge.builds(bench.repo_id, pull.head) == []
    bench.builds(pull.head, "Pipelines", "pending")
    bench.builds(pull.head, "Nightly", "failure")
    bench.builds(pull.head, "Pipelines", "success")
    found = {build.name: build for build in bench.forge.builds(bench.repo_id, pull.head)}
    assert {name: build.state for name, build in found.items()} == {
        "Pipelines": "success",
        "Nightly": "failure",
    }
    assert found["Nightly"].text == "Nightly: failure" and found["Nightly"].url == "http://ci/7"


def test_a_review_is_for_the_head_it_was_given_to(bench: Bench) -> None:
    number = bench.opens()
    first = read(bench, number).head
    bench.reviews(number, "approved")
    [review] = read(bench, number).reviews
    assert (review.by.id, review.head, review.state) == (bench.id_of("wim"), first, "approved")
    bench.retitles(number, "Another title")
    assert read(bench, number).reviews == (review,)
    second = bench.pushes()
    [review] = read(bench, number).reviews
    assert (review.head, review.state) == (first, "approved")
    bench.reviews(number, "changes_requested")
    [review] = read(bench, number).reviews
    assert (review.head, review.state) == (second, "changes_requested")
    bench.reviews(number, None)
    assert read(bench, number).reviews == ()


def test_a_review_before_a_push_that_nobody_saw_is_not_for_the_head_of_now(bench: Bench) -> None:
    number = bench.opens()
    first = bench.head()
    bench.reviews(number, "approved")
    second = bench.pushes()
    [review] = read(bench, number).reviews
    assert review.head in (first, "") and read(bench, number).head == second
