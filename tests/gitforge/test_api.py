"""The JSON API: what it answers, to whom, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.gitforge.world import Project, commit, git


@pytest.fixture
def opened(project: Project) -> Project:
    """With pull request 1 by ada."""
    work = project.clone(project.ada, project.ada.login)
    commit(work, "Add a banner")
    git(work, "push", "origin", "HEAD:refs/heads/banner")
    return project


def of(project: Project, rest: str = "") -> str:
    return f"/repos/{project.id}/pulls/1{rest}"


def test_callers_learn_who_they_are_and_what_they_may_see(project: Project) -> None:
    server, ada = project.server, project.ada
    assert server.get(ada, "/user") == {
        **{"id": ada.id, "login": ada.login, "name": ""},
        "scope": "person",
    }
    assert [server.get(server.bot(s), "/user")["scope"] for s in ("bot", "land", "web")] == [
        *("bot", "land", "web")
    ]
    found = server.get(ada, f"/people?login={project.wim.login}")["people"]
    assert [each["id"] for each in found] == [project.wim.id]
    (repo,) = server.get(ada, f"/repos?name={project.name}")["repos"]
    assert repo == server.get(ada, f"/repos/{project.id}")
    assert (repo["kind"], repo["owner"], repo["parent_id"]) == ("main", None, None)
    assert (repo["intake"], repo["deploy"]) == ("main", "deploy")
    assert repo["clone_url"] == f"{server.url}/git/main/{project.name}.git"
    assert server.get(project.bob, f"/repos?name={project.name}")["repos"] == []


def test_permissions_are_told_as_they_are_now(project: Project) -> None:
    def told(account: str) -> str:
        path = f"/repos/{project.id}/permissions/{account}"
        return str(project.server.get(project.bot, path)["permission"])

    assert [told(each.id) for each in (project.ada, project.wim, project.bob)] == [
        *("read", "write", "none")
    ]
    project.server.forge.grant(project.name, project.wim.login, "read")
    assert told(project.wim.id) == "read"
    assert told("99999999") == "none"


def test_forks_are_listed_and_made_before_the_first_push(opened: Project) -> None:
    server, path = opened.server, f"/repos/{opened.id}/forks"
    made = server.send(opened.wim, "POST", path, {}, 201)
    assert (made["kind"], made["owner"]["login"]) == ("fork", opened.wim.login)
    assert server.send(opened.wim, "POST", path, {}, 201) == made
    owners = [repo["owner"]["login"] for repo in server.get(opened.ada, path)["repos"]]
    assert owners == [opened.ada.login, opened.wim.login]
    server.send(opened.bot, "POST", path, {}, 403)
    server.get(opened.bob, path, 404)


def test_without_a_right_everything_is_404(opened: Project) -> None:
    fork = opened.fork_id(opened.ada.login)
    for path in ("", "/branches", "/pulls", "/pulls/1", "/incidents", "/permissions/1"):
        opened.server.get(opened.bob, f"/repos/{opened.id}{path}", 404)
    opened.server.get(opened.bob, f"/repos/{fork}", 404)
    opened.server.send(opened.bob, "POST", of(opened, "/comments"), {"text": "x"}, 404)
    opened.server.get(opened.ada, f"/repos/{fork}/pulls", 404)
    opened.server.get(opened.ada, f"/repos/{opened.id}/incidents", 403)


def test_branches_are_told_all_or_by_name(opened: Project) -> None:
    server, path = opened.server, f"/repos/{opened.id}/branches"
    every = server.get(opened.bot, path)["branches"]
    assert set(every) == {"main", "deploy"}

    def told(query: str) -> dict[str, str]:
        found: dict[str, str] = server.get(opened.bot, f"{path}?{query}")["branches"]
        return found

    assert told("branch=main") == {"main": every["main"]}
    assert told("branch=deploy&branch=none&branch=main") == every
    for odd in ("", "mai", "ma*", "-x", "../x", "main/", "refs/heads/main", "%00", "%F0%9F%A6%8A"):
        assert told(f"branch={odd}") == {}, odd


def test_comments_are_kept_whole_edited_resolved_and_deleted(opened: Project) -> None:
    server, ada, wim = opened.server, opened.ada, opened.wim
    head, path = opened.pull(1)["head"], of(opened, "/comments")
    body = {"text": "Hm?", "seen_head": head, "path": "page", "line": 1}
    made = server.send(wim, "POST", path, body, 201)
    answer = server.send(ada, "POST", path, {"text": "Yes", "reply_to": made["id"]}, 201)
    assert {**body, "by": made["by"]}.items() <= made.items()
    assert (made["by"]["login"], made["edited"], made["resolved"]) == (wim.login, False, False)
    assert answer["reply_to"] == made["id"] and answer["seq"] > made["seq"]

    one = f"{path}/{made['id']}"
    server.send(ada, "PATCH", one, {"text": "mine now"}, 403)
    assert server.send(ada, "PATCH", one, {"resolved": True})["resolved"] is True
    edited = server.send(wim, "PATCH", one, {"text": "Hm!"})
    assert (edited["text"], edited["edited"], edited["seq"]) == ("Hm!", True, made["seq"])
    assert [each["text"] for each in opened.pull(1)["comments"]] == ["Hm!", "Yes"]

    assert server.call(ada, "DELETE", one).status_code == 403
    assert server.call(wim, "DELETE", one).status_code == 204
    assert server.call(wim, "DELETE", one).status_code == 404
    assert [each["text"] for each in opened.pull(1)["comments"]] == ["Yes"]


def test_the_bots_key_makes_a_second_post_harmless(opened: Project) -> None:
    server, path = opened.server, of(opened, "/comments")
    first = server.send(opened.bot, "POST", path, {"text": "Welcome", "key": "w"}, 201)
    seq = opened.pull(1)["seq"]
    assert server.send(opened.bot, "POST", path, {"text": "Other", "key": "w"}, 200) == first
    assert opened.pull(1)["seq"] == seq
    server.send(opened.ada, "POST", path, {"text": "x", "key": "w"}, 403)
    assert server.call(opened.bot, "DELETE", f"{path}/{first['id']}").status_code == 204
    server.send(opened.bot, "POST", path, {"text": "Again", "key": "w"}, 201)


def test_a_review_holds_for_one_head_and_one_person(opened: Project) -> None:
    server, path = opened.server, of(opened, "/reviews")
    head = opened.pull(1)["head"]
    server.send(opened.wim, "POST", path, {"head": "0" * 40, "state": "approved"}, 409)
    server.send(opened.wim, "POST", path, {"head": head, "state": "changes_requested"}, 201)
    server.send(opened.wim, "POST", path, {"head": head, "state": "approved"}, 201)
    (review,) = opened.pull(1)["reviews"]
    assert (review["state"], review["head"], review["by"]["id"]) == (
        "approved",
        head,
        opened.wim.id,
    )
    assert server.call(opened.wim, "DELETE", path).status_code == 204
    assert opened.pull(1)["reviews"] == []


def test_a_status_is_the_bots_and_belongs_to_one_commit(opened: Project) -> None:
    server, head = opened.server, opened.pull(1)["head"]
    path = f"/repos/{opened.id}/statuses/{head}"
    status = {"state": "success", "text": "All good", "url": "http://127.0.0.1/x"}
    server.send(opened.ada, "PUT", path, status, 403)
    assert opened.pull(1)["status"] is None
    server.send(opened.bot, "PUT", path, status)
    assert opened.pull(1)["status"] == status
    work = opened.clone(opened.ada, opened.ada.login)
    git(work, "checkout", "-q", "banner")
    commit(work, "More")
    git(work, "push", "-q", "origin", "banner")
    assert opened.pull(1)["status"] is None


def test_opening_by_hand_says_why_not(opened: Project) -> None:
    server, path = opened.server, f"/repos/{opened.id}/pulls"
    fork = opened.fork_id(opened.ada.login)
    body = {"source_repo_id": fork, "source_branch": "banner"}
    assert server.send(opened.ada, "POST", path, body, 409)["number"] == 1
    server.send(opened.ada, "POST", path, {**body, "source_branch": "main"}, 409)
    server.send(opened.ada, "POST", path, {**body, "source_branch": "nope"}, 400)
    server.send(opened.ada, "POST", path, {**body, "target": "nope"}, 400)
    server.send(opened.wim, "POST", path, body, 403)
    server.send(opened.ada, "POST", path, {**body, "source_repo_id": "987654"}, 400)

    server.send(opened.ada, "PATCH", of(opened), {"state": "closed"})
    made = server.send(opened.ada, "POST", path, {**body, "title": "By hand", "draft": True}, 201)
    assert (made["number"], made["title"], made["draft"]) == (2, "By hand", True)
    server.send(opened.ada, "PATCH", of(opened), {"state": "open"}, 409)


def test_changing_a_pull_request_is_for_author_writers_and_bot(opened: Project) -> None:
    server, path = opened.server, of(opened)
    server.forge.grant(opened.name, opened.bob.login, "read")
    server.send(opened.bob, "PATCH", path, {"title": "Mine"}, 403)
    server.send(opened.land, "PATCH", path, {"title": "Mine"}, 403)
    server.send(opened.wim, "PATCH", path, {"target": "deploy", "draft": True})
    server.send(opened.bot, "PATCH", path, {"state": "closed"})
    pull = server.send(opened.ada, "PATCH", path, {"title": "Better", "state": "open"})
    assert (pull["title"], pull["target"], pull["draft"], pull["state"]) == (
        *("Better", "deploy", True, "open"),
    )
    seq = pull["seq"]
    assert server.send(opened.ada, "PATCH", path, {"title": "Better"})["seq"] == seq


def test_reopening_takes_the_branch_as_it_is_now(opened: Project) -> None:
    opened.server.send(opened.ada, "PATCH", of(opened), {"state": "closed"})
    bare = opened.bare(opened.ada.login)
    tree = git(bare, "rev-parse", "banner^{tree}")
    moved = git(bare, "commit-tree", tree, "-p", "banner", "-m", "Moved while closed")
    git(bare, "update-ref", "refs/heads/banner", moved)
    assert opened.server.send(opened.ada, "PATCH", of(opened), {"state": "open"})["head"] == moved


def test_only_the_pages_token_acts_for_somebody(opened: Project) -> None:
    server, web, path = opened.server, opened.server.bot("web"), of(opened, "/comments")
    for_ada = {"On-Behalf-Of": opened.ada.id}
    answer = server.call(web, "POST", path, json={"text": "hi"}, headers=for_ada)
    assert answer.status_code == 201 and answer.json()["by"]["id"] == opened.ada.id
    assert server.call(web, "POST", path, json={"text": "hi"}).status_code == 403
    user = server.call(web, "GET", "/user", headers=for_ada).json()
    assert (user["login"], user["scope"]) == (opened.ada.login, "person")
    for_bob = {"On-Behalf-Of": opened.bob.id}
    assert server.call(web, "GET", of(opened), headers=for_bob).status_code == 404
    for person in (opened.ada, opened.bot, opened.land):
        assert server.call(person, "GET", "/user", headers=for_ada).status_code == 403
    for nobody in ("1", "999999"):
        headers = {"On-Behalf-Of": nobody}
        assert server.call(web, "GET", "/user", headers=headers).status_code == 403


WRONG: list[Any] = [None, [], {}, 7, -1, True, "", "x\0y", "\ud800", 1e300, "a\nb", [[]] * 3, 2**70]
PLACES = [
    ("POST", "/pulls", ["source_repo_id", "source_branch", "target", "title", "draft"]),
    ("PATCH", "/pulls/1", ["title", "description", "target", "draft", "state"]),
    ("POST", "/pulls/1/comments", ["text", "key", "seen_head", "path", "line", "reply_to"]),
    ("POST", "/pulls/1/reviews", ["head", "state"]),
    ("PUT", "/statuses/{head}", ["state", "text", "url"]),
]


def test_wrong_types_are_a_400_and_never_a_500(opened: Project) -> None:
    head = opened.pull(1)["head"]
    for method, path, names in PLACES:
        place = f"/repos/{opened.id}{path}".format(head=head)
        for name in [*names, "unknown"]:
            for wrong in WRONG:
                answer = opened.server.call(opened.bot, method, place, json={name: wrong})
                assert answer.status_code in (200, 201, 400, 403, 409), (name, wrong, answer.text)
                if name == "unknown" or isinstance(wrong, (list, dict)):
                    assert answer.status_code == 400, (name, wrong)


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b'"text"', 400),
    (b'{"text": NaN}', 400),
    (b'{"text": "a", "text": "b"}', 400),
    (b'{"text": "\xff"}', 400),
    (json.dumps({"text": "x"}).encode("utf-16"), 400),
    (b'{"text": "\\ud800"}', 400),
    (b"[" * 100_000, 400),
    (b'{"line": ' + b"9" * 5000 + b"}", 400),
    (b'{"text": "' + b"x" * 70_000 + b'"}', 413),
    (b'{"text": "' + b"x" * 2_000_000 + b'"}', 413),
]


def test_bodies_that_are_not_strict_json_are_refused(opened: Project) -> None:
    path, json_type = of(opened, "/comments"), {"Content-Type": "application/json"}
    for body, status in BODIES:
        answer = opened.server.call(opened.ada, "POST", path, data=body, headers=json_type)
        assert answer.status_code == status, body[:40]
        assert isinstance(answer.json()["error"], str)
    form = opened.server.call(opened.ada, "POST", path, data={"text": "x"})
    assert form.status_code == 415
    zipped = {**json_type, "Content-Encoding": "gzip"}
    answer = opened.server.call(opened.ada, "POST", path, data=b"{}", headers=zipped)
    assert answer.status_code == 415
    assert opened.pull(1)["comments"] == []


def test_odd_addresses_are_404_and_odd_questions_400(opened: Project) -> None:
    server = opened.server
    for path in (
        *("/nothing", "//user", "/repos/0", "/repos/x", f"/repos/{2**80}", "/repos/1/../1"),
        f"/repos/{opened.id}/pulls/{'9' * 30}",
        f"/repos/{opened.id}/pulls/-1",
        f"/repos/{opened.id}/pulls/99",
    ):
        assert server.get(opened.ada, path, 404)["error"]
    for question in ("after=-1", "after=x", f"after={'9' * 30}", "state=none"):
        server.get(opened.ada, f"/repos/{opened.id}/pulls?{question}", 400)
    assert server.call(opened.ada, "DELETE", "/user").status_code == 405
    anonymous = requests.get(f"{server.url}/api/user", timeout=5)
    assert anonymous.status_code == 401 and anonymous.json()["error"]


def test_the_states_folder_keeps_no_token_in_the_clear(project: Project) -> None:
    token = project.ada.token.encode()
    state: Path = project.server.state
    files = [path for path in state.glob("forge*") if path.is_file()]
    assert files and not any(token in path.read_bytes() for path in files)
