"""What the fake does wrong on request, and that it does it exactly so often."""

from __future__ import annotations

import pytest
import requests

from tests.world.scene import PULLS, SITE, Listener, Scene


def test_so_many_calls_get_another_answer_and_nothing_is_done(stage: Scene) -> None:
    number = stage.propose()
    path = f"{PULLS}/{number}/comments"
    body = {"content": {"raw": "hello"}}
    stage.cloud.mischief.answer(503, "POST .*/comments", times=2)
    stage.cloud.mischief.answer(429, "GET .*/activity", retry_after=7)
    assert [stage.wim.api("POST", path, body).status_code for _ in range(3)] == [503, 503, 201]
    limited = stage.wim.api("GET", f"{PULLS}/{number}/activity")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert stage.get(path)["size"] == 1
    asked = [one for one in stage.cloud.writes if one.path.endswith("/comments")]
    assert [(one.status, one.done) for one in asked] == [(503, False), (503, False), (201, True)]


def test_html_comes_instead_of_json(stage: Scene) -> None:
    stage.cloud.mischief.html("GET")
    answer = stage.wim.api("GET", SITE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert stage.wim.api("GET", SITE).json()["slug"] == "site"


def test_json_that_ends_in_the_middle_comes_instead_of_the_answer(stage: Scene) -> None:
    stage.cloud.mischief.says('{"slug": "si', "GET")
    answer = stage.wim.api("GET", SITE)
    assert (answer.status_code, answer.text) == (200, '{"slug": "si')
    assert answer.headers["Content-Type"] == "application/json"
    assert stage.wim.api("GET", SITE).json()["slug"] == "site"


@pytest.mark.parametrize(("after", "said"), [(False, 0), (True, 1)])
def test_a_connection_is_cut_before_or_after_the_work(stage: Scene, after: bool, said: int) -> None:
    number = stage.propose()
    path = f"{PULLS}/{number}/comments"
    stage.cloud.mischief.cut("POST .*/comments", after=after)
    with pytest.raises(requests.ConnectionError):
        stage.wim.api("POST", path, {"content": {"raw": "hello"}})
    assert stage.get(path)["size"] == said
    [cut] = [one for one in stage.cloud.writes if one.status == 0]
    assert (cut.method, cut.done) == ("POST", after)


def test_a_push_can_be_done_without_its_pusher_hearing_of_it(stage: Scene) -> None:
    work = stage.wim.clone("acme/site")
    oid = stage.wim.commit(work, {"x": "1"}, "x")
    stage.cloud.mischief.cut("git .*git-receive-pack", after=True)
    assert not stage.wim.git("push", within=work).ok
    assert stage.cloud.tip("acme/site", "main") == oid


def test_reads_lag_behind_their_own_webhook_for_so_many_reads(
    stage: Scene, listener: Listener
) -> None:
    number = stage.propose()
    stage.hook(listener.url)
    old = stage.pull(number)["source"]["commit"]["hash"]
    stage.cloud.mischief.lag(reads=2)
    new = stage.push({"banner.txt": "x\n"})[:12]
    assert stage.cloud.webhooks.settled()
    assert listener.heard[-1].json["pullrequest"]["source"]["commit"]["hash"] == new
    seen = [stage.pull(number)["source"]["commit"]["hash"] for _ in range(3)]
    assert seen == [old, old, new]


def test_reads_lag_until_they_are_told_to_catch_up(stage: Scene) -> None:
    number = stage.propose()
    stage.cloud.mischief.lag()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/approve")
    assert [stage.pull(number)["participants"] for _ in range(5)] == [[]] * 5
    assert stage.kinds(number) == ["update"]
    stage.cloud.mischief.catch_up()
    assert stage.pull(number)["participants"][0]["approved"] is True
    assert stage.kinds(number) == ["update", "approval"]


def test_a_slow_merge_goes_on_while_reads_lag(stage: Scene) -> None:
    number = stage.propose()
    answer = stage.wim.api("POST", f"{PULLS}/{number}/merge?async=true")
    stage.cloud.mischief.lag()
    task = stage.must(stage.wim, "GET", answer.headers["Location"])
    assert task["task_status"] == "SUCCESS"
    assert stage.pull(number)["state"] == "OPEN"
    stage.cloud.mischief.catch_up()
    assert stage.pull(number)["state"] == "MERGED"


def test_something_happens_right_before_the_nth_call(stage: Scene) -> None:
    number = stage.propose()
    old = stage.cloud.tip("ada/site", "banner")

    def pushes() -> None:
        stage.push({"banner.txt": "x\n"})

    stage.cloud.mischief.before(f"GET .*/pullrequests/{number}$", pushes, nth=2)
    seen = [stage.pull(number)["source"]["commit"]["hash"] for _ in range(3)]
    new = stage.cloud.tip("ada/site", "banner")
    assert seen == [old[:12], new[:12], new[:12]]


def test_a_branch_that_moves_during_a_merge_is_a_conflict_and_nothing_is_lost(
    stage: Scene,
) -> None:
    number = stage.propose()
    other = stage.propose("other")
    tip = stage.cloud.tip("ada/site", "other")
    stage.cloud.mischief.during(
        "POST .*/merge", lambda: stage.cloud.move_branch("acme/site", "main", tip, "wim")
    )
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{number}/merge").status_code == 409
    assert stage.cloud.tip("acme/site", "main") == tip
    assert [stage.pull(one)["state"] for one in (number, other)] == ["OPEN", "MERGED"]
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/merge")
    assert stage.pull(number)["state"] == "MERGED"


def test_a_fork_made_private_can_no_longer_be_read(stage: Scene) -> None:
    stage.propose()
    stage.cloud.grant("grace", "ada/site", "none")
    stage.cloud.set_private("ada/site")
    assert stage.grace.api("GET", "/repositories/ada/site").status_code == 404
    assert not stage.grace.git("ls-remote", stage.grace.url("ada/site")).ok
