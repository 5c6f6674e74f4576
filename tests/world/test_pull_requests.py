"""Pull requests of the fake Bitbucket Cloud: what the product shows, and what it does not do."""

from __future__ import annotations

from tests.world.scene import PULLS, SITE, Scene


def test_a_fork_s_pull_request_shows_both_ends_with_hashes_of_twelve_characters(
    stage: Scene,
) -> None:
    pull = stage.pull(stage.propose())
    tip = stage.cloud.tip("ada/site", "banner")
    assert pull["source"]["repository"]["full_name"] == "ada/site"
    assert pull["source"]["commit"]["hash"] == tip[:12]
    assert pull["destination"]["commit"]["hash"] == stage.cloud.tip("acme/site", "main")[:12]
    assert "squash" in pull["destination"]["branch"]["merge_strategies"]
    assert pull["state"] == "OPEN"
    assert stage.get(f"{SITE}/commit/{tip[:12]}")["hash"] == tip
    commits = stage.get(f"{PULLS}/{pull['id']}/commits")["values"]
    assert [one["hash"] for one in commits] == [tip]


def test_a_push_updates_the_pull_request_and_leaves_the_approval_standing(stage: Scene) -> None:
    number = stage.propose()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/approve")
    tip = stage.push({"banner.txt": "four\n"})
    pull = stage.pull(number)
    assert pull["source"]["commit"]["hash"] == tip[:12]
    [participant] = pull["participants"]
    assert (participant["approved"], participant["state"]) == (True, "approved")
    assert stage.kinds(number) == ["update", "approval", "update"]


def test_activity_is_newest_first_with_dates_that_never_repeat(stage: Scene) -> None:
    number = stage.propose()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/request-changes")
    stage.must(stage.ada, "POST", f"{PULLS}/{number}/comments", {"content": {"raw": "Why?"}})
    tip = stage.push({"banner.txt": "four\n"})
    entries = stage.get(f"{PULLS}/{number}/activity")["values"]
    kinds = [next(iter(one)) for one in entries]
    assert kinds == ["update", "comment", "changes_requested", "update"]
    assert entries[0]["update"]["source"]["commit"]["hash"] == tip[:12]
    assert entries[0]["update"]["author"]["nickname"] == "ada"
    dates = [
        one.get("date") or one["created_on"]
        for one in (entry[kind] for entry, kind in zip(entries, kinds, strict=True))
    ]
    assert dates == sorted(set(dates), reverse=True)


def test_activity_is_paged_by_a_link_that_cannot_be_counted_up(stage: Scene) -> None:
    number = stage.propose()
    for text in "abcde":
        stage.must(stage.ada, "POST", f"{PULLS}/{number}/comments", {"content": {"raw": text}})
    first = stage.get(f"{PULLS}/{number}/activity?pagelen=4")
    second = stage.must(stage.grace, "GET", first["next"])
    assert "page=" not in first["next"]
    assert [len(first["values"]), len(second["values"])] == [4, 2]
    assert "next" not in second
    by_number = stage.get(f"{PULLS}/{number}/activity?pagelen=4&page=2")
    assert by_number["values"] == first["values"]


def test_a_pull_request_list_takes_no_more_than_fifty_a_page(stage: Scene) -> None:
    assert stage.refused(stage.grace, "GET", f"{PULLS}?pagelen=51").status_code == 400
    assert stage.get(f"{PULLS}?pagelen=50")["values"] == []


def test_a_list_can_be_filtered_by_when_things_changed(stage: Scene) -> None:
    first, second = stage.propose("one"), stage.propose("two")
    since = stage.pull(first)["updated_on"].replace("+", "%2B")
    stage.must(stage.wim, "POST", f"{PULLS}/{second}/decline")
    query = f'q=updated_on>{since} AND state="DECLINED"'.replace(" ", "%20")
    assert [one["id"] for one in stage.get(f"{PULLS}?{query}")["values"]] == [second]
    assert [one["id"] for one in stage.get(PULLS)["values"]] == [first]
    states = stage.get(f"{PULLS}?state=OPEN&state=DECLINED&sort=-updated_on")["values"]
    assert [one["id"] for one in states] == [second, first]
    assert stage.refused(stage.grace, "GET", f"{PULLS}?q=updated_on>soon").status_code == 400


def test_a_list_has_participants_only_when_asked(stage: Scene) -> None:
    number = stage.propose()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/approve")
    [plain] = stage.get(PULLS)["values"]
    [whole] = stage.get(f"{PULLS}?fields=%2Bvalues.participants")["values"]
    assert "participants" not in plain
    assert whole["participants"][0]["approved"] is True


def test_of_a_deleted_fork_the_source_repository_is_null(stage: Scene) -> None:
    number = stage.propose()
    stage.cloud.delete_repository("ada/site")
    pull = stage.pull(number)
    assert pull["source"]["repository"] is None
    assert pull["source"]["branch"]["name"] == "banner"
    assert pull["state"] == "OPEN"
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{number}/merge").status_code == 400


def test_a_draft_can_be_made_ready_and_told_apart(stage: Scene) -> None:
    number = stage.propose(draft=True)
    assert stage.pull(number)["draft"] is True
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{number}/merge").status_code == 400
    stage.must(stage.ada, "PUT", f"{PULLS}/{number}", {"draft": False, "title": "Ready"})
    assert (stage.pull(number)["draft"], stage.pull(number)["title"]) == (False, "Ready")


def test_a_second_pull_request_of_the_same_branch_supersedes_the_first(stage: Scene) -> None:
    first = stage.propose()
    second = stage.open(stage.ada, "banner", "ada/site")
    assert stage.pull(first)["state"] == "SUPERSEDED"
    assert stage.pull(second)["state"] == "OPEN"


def test_only_who_asked_for_changes_can_take_it_back(stage: Scene) -> None:
    number = stage.propose()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/request-changes")
    assert stage.pull(number)["participants"][0]["state"] == "changes_requested"
    path = f"{PULLS}/{number}/request-changes"
    assert stage.refused(stage.grace, "DELETE", path).status_code == 404
    assert stage.refused(stage.wim, "DELETE", f"{PULLS}/{number}/approve").status_code == 404
    stage.must(stage.wim, "DELETE", path)
    assert stage.pull(number)["participants"][0]["state"] is None


def test_asked_reviewers_are_participants_who_have_not_taken_part(stage: Scene) -> None:
    number = stage.propose(reviewers=[{"uuid": stage.wim.uuid}])
    pull = stage.pull(number)
    [one] = pull["participants"]
    assert (one["role"], one["approved"], one["participated_on"]) == ("REVIEWER", False, None)
    assert [who["uuid"] for who in pull["reviewers"]] == [stage.wim.uuid]


def test_a_declined_pull_request_can_no_longer_be_approved_or_pushed_to(stage: Scene) -> None:
    number = stage.propose()
    stage.must(stage.ada, "POST", f"{PULLS}/{number}/decline")
    head = stage.pull(number)["source"]["commit"]["hash"]
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{number}/approve").status_code == 400
    stage.push({"banner.txt": "four\n"})
    assert stage.pull(number)["source"]["commit"]["hash"] == head
    assert stage.pull(number)["closed_by"]["nickname"] == "ada"


def test_diff_and_diffstat_send_one_on_to_the_repository(stage: Scene) -> None:
    number = stage.propose(files={"page.html": "<h1>Bye</h1>\n"})
    answer = stage.grace.api("GET", f"{PULLS}/{number}/diff", allow_redirects=False)
    assert answer.status_code == 302
    text = stage.grace.api("GET", answer.headers["Location"]).text
    assert "-<h1>Hello</h1>" in text
    assert "+<h1>Bye</h1>" in text
    answer = stage.grace.api("GET", f"{PULLS}/{number}/diffstat", allow_redirects=False)
    [one] = stage.get(answer.headers["Location"])["values"]
    assert (one["status"], one["lines_added"], one["new"]["path"]) == ("modified", 1, "page.html")
