"""How pull requests open, move, merge and close by pushing."""

from __future__ import annotations

from pathlib import Path

import pytest

from intakebot.gitforge import people, pushes, repositories
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.plumbing import ZERO
from intakebot.gitforge.store import connected, writing
from intakebot.gitforge.wishes import Wishes
from tests.gitforge.world import PAGES, Project, commit, git


@pytest.fixture
def work(project: Project) -> Path:
    """Ada's clone of her fork."""
    return project.clone(project.ada, project.ada.login)


def land(project: Project, work: Path, head: str) -> None:
    git(work, "push", project.url(project.land), f"{head}:refs/heads/main")


def test_a_push_to_a_fork_opens_a_pull_request(project: Project, work: Path) -> None:
    commit(work, "Add a banner")
    head = commit(work, "Polish it")

    told = git(work, "push", "origin", "HEAD:refs/heads/banner")

    assert f"Pull request #1 opened: {PAGES}/pulls/{project.name}/1" in told
    pull = project.pull(1)
    assert (pull["title"], pull["state"], pull["target"]) == ("Add a banner", "open", "main")
    assert (pull["head"], pull["draft"], pull["merged_as"]) == (head, False, None)
    assert pull["author"]["login"] == project.ada.login
    fork_url = f"{project.server.url}/git/{project.ada.login}/{project.name}.git"
    assert pull["source"] == {
        "repo_id": project.fork_id(project.ada.login),
        "clone_url": fork_url,
        "branch": "banner",
    }
    assert pull["fork_url"] == fork_url


def test_the_next_push_moves_its_head(project: Project, work: Path) -> None:
    first = commit(work, "One")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    second = commit(work, "Two")
    told = git(work, "push", "origin", "HEAD:refs/heads/x")

    assert "Pull request #1 updated" in told
    pull = project.pull(1)
    assert pull["head"] == second
    assert [push["head"] for push in pull["pushes"]] == [first, second]
    assert pull["pushes"][0]["seq"] < pull["pushes"][1]["seq"] == pull["seq"]


def test_a_branch_of_main_can_be_sent_again_from_a_fork_that_is_made_by_that_push(
    project: Project,
) -> None:
    clone = project.clone(project.wim)
    head = commit(clone, "Put up a banner")
    git(clone, "push", "-o", "pull", "origin", "HEAD:refs/heads/banner")

    fork = project.url(project.wim, project.wim.login)
    told = git(clone, "push", fork, f"{head}:refs/heads/banner")

    assert f"Pull request #2 opened: {PAGES}/pulls/{project.name}/2" in told
    assert project.pull(2)["source"]["repo_id"] == project.fork_id(project.wim.login)


def test_push_options_set_what_people_see(project: Project, work: Path) -> None:
    commit(work, "Subject")
    options = ["title=Zoë's fix", "description=First line", "description=Second", "draft"]
    flags = [word for option in options for word in ("-o", option)]
    git(work, "push", *flags, "-o", "target=deploy", "origin", "HEAD:refs/heads/x")
    pull = project.pull(1)
    assert (pull["title"], pull["description"]) == ("Zoë's fix", "First line\nSecond")
    assert (pull["draft"], pull["target"]) == (True, "deploy")

    commit(work, "More")
    told = git(work, "push", "-o", "ready", "-o", "nonsense", "origin", "HEAD:refs/heads/x")
    assert project.pull(1)["draft"] is False
    assert "nonsense" in told


def test_a_title_cannot_act_on_a_terminal(project: Project, work: Path) -> None:
    commit(work, "Red \x1b[31m and \u202eturned")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    assert project.pull(1)["title"] == "Red [31m and turned"


def test_every_change_of_target_is_kept_with_its_place_in_the_order(
    project: Project, work: Path
) -> None:
    commit(work, "One")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    for target in ("deploy", "deploy", "main"):
        place = f"/repos/{project.id}/pulls/1"
        project.server.send(project.ada, "PATCH", place, {"target": target}, 200)
    pull = project.pull(1)
    assert [move["target"] for move in pull["targets"]] == ["main", "deploy", "main"]
    seqs = [push["seq"] for push in pull["pushes"]] + [move["seq"] for move in pull["targets"]]
    assert pull["targets"][0]["seq"] == pull["pushes"][0]["seq"]
    assert len(set(seqs)) == len(seqs) - 1


def test_an_unknown_target_is_refused_before_anything_moves(project: Project, work: Path) -> None:
    commit(work, "Where to")
    told = git(work, "push", "-o", "target=nope", "origin", "HEAD:refs/heads/x", ok=False)
    assert "has no such branch" in told
    assert project.pulls() == []


def test_a_mere_sync_opens_nothing(project: Project, work: Path) -> None:
    upstream = project.clone(project.land)
    head = commit(upstream, "Upstream moved")
    git(upstream, "push", "origin", "HEAD:main")
    git(work, "pull", "-q", project.url(project.ada), "main")

    told = git(work, "push", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/copy")

    assert "no pull request is needed" in told
    assert project.branches(project.fork_id(project.ada.login))["main"] == head
    assert project.pulls() == []


def test_the_target_containing_the_head_marks_it_merged(project: Project, work: Path) -> None:
    head = commit(work, "Feature", feature="1")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    upstream = project.clone(project.land)
    commit(upstream, "Meanwhile", other="1")
    git(upstream, "fetch", "-q", project.url(project.land, project.ada.login), head)
    git(upstream, "merge", "-q", "--no-ff", "-m", "Merge it", head)
    merge = git(upstream, "rev-parse", "HEAD")
    commit(upstream, "And one more on top")

    told = git(upstream, "push", "origin", "HEAD:main")

    assert "Pull request #1 merged" in told
    pull = project.pull(1)
    assert (pull["state"], pull["merged_as"], pull["head"]) == ("merged", merge, head)


def test_two_landed_at_once_are_both_merged_each_as_its_own_commit(
    project: Project, work: Path
) -> None:
    first = commit(work, "First")
    git(work, "push", "origin", "HEAD:refs/heads/one")
    second = commit(work, "Second")
    git(work, "push", "origin", "HEAD:refs/heads/two")
    commit(work, "Not yet")
    git(work, "push", "origin", "HEAD:refs/heads/three")

    land(project, work, second)

    states = [(p["number"], p["state"]) for p in sorted(project.pulls(), key=lambda p: p["number"])]
    assert states == [(1, "merged"), (2, "merged"), (3, "open")]
    assert [project.pull(n)["merged_as"] for n in (1, 2)] == [first, second]


def test_deleting_the_branch_closes_it_and_pushing_again_opens_another(
    project: Project, work: Path
) -> None:
    commit(work, "Come and go")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    assert "Pull request #1 closed" in git(work, "push", "origin", ":refs/heads/x")
    assert project.pull(1)["state"] == "closed"
    assert "Pull request #2 opened" in git(work, "push", "origin", "HEAD:refs/heads/x")


def test_a_branch_taken_back_to_the_target_closes_it(project: Project, work: Path) -> None:
    commit(work, "Never mind")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    told = git(work, "push", "--force", "origin", "HEAD~:refs/heads/x")
    assert "Pull request #1 closed" in told


def test_a_branch_of_main_opens_one_only_when_asked(project: Project) -> None:
    work = project.clone(project.wim)
    commit(work, "In house")
    git(work, "push", "origin", "HEAD:refs/heads/quiet")
    assert project.pulls() == []
    told = git(work, "push", "-o", "pull", "origin", "HEAD:refs/heads/asked")
    assert "Pull request #1 opened" in told
    assert project.pull(1)["source"]["repo_id"] == project.id
    commit(work, "More")
    assert "Pull request #1 updated" in git(work, "push", "origin", "HEAD:refs/heads/asked")


def test_one_push_of_several_branches_opens_one_for_each(project: Project, work: Path) -> None:
    commit(work, "One")
    git(work, "branch", "one")
    commit(work, "Two")
    git(work, "branch", "two")
    told = git(work, "push", "origin", "one", "two")
    assert "#1 opened" in told and "#2 opened" in told


def test_the_source_is_null_when_the_fork_is_gone(project: Project, work: Path) -> None:
    commit(work, "Orphan")
    git(work, "push", "origin", "HEAD:refs/heads/x")
    project.bare(project.ada.login).rename(project.folder / "gone")
    pull = project.pull(1)
    assert pull["source"] is None
    assert pull["state"] == "open"
    assert pull["fork_url"].endswith(f"/git/{project.ada.login}/{project.name}.git")


def test_the_list_tells_what_changed_after_a_number(project: Project, work: Path) -> None:
    commit(work, "One")
    git(work, "push", "origin", "HEAD:refs/heads/one")
    commit(work, "Two")
    git(work, "push", "origin", "HEAD:refs/heads/two")
    path = f"/repos/{project.id}/pulls?state=open&after="
    first = project.server.get(project.ada, f"{path}0")
    assert [pull["number"] for pull in first["pulls"]] == [1, 2]
    assert project.server.get(project.ada, f"{path}{first['seq']}")["pulls"] == []

    comment = f"/repos/{project.id}/pulls/1/comments"
    project.server.send(project.ada, "POST", comment, {"text": "look"}, 201)

    later = project.server.get(project.ada, f"{path}{first['seq']}")
    assert [pull["number"] for pull in later["pulls"]] == [1]
    assert later["seq"] > first["seq"]


def test_the_pusher_is_told_the_number_also_when_somebody_else_wrote_it_down_meanwhile(
    project: Project, work: Path
) -> None:
    commit(work, "One")
    head = commit(work, "Two")
    git(work, "push", "origin", "HEAD:refs/heads/one")
    layout = Layout(project.server.state)
    with connected(layout) as db, connected(layout) as other:
        fork = repositories.known(db, int(project.fork_id(project.ada.login)))
        ada = people.by_login(db, project.ada.login)
        assert ada is not None
        git(fork.path(layout), "update-ref", "refs/heads/two", head)
        with writing(db):
            pushes.intend(db, fork, ada, ("two", ZERO, head), Wishes())

        def hurry(statement: str) -> None:
            if statement.startswith("BEGIN"):
                db.set_trace_callback(None)
                pushes.settle(other, layout)

        db.set_trace_callback(hurry)  # the sender comes between reading and writing
        outcomes = pushes.settle_pushed(db, layout, fork, "two", head)
    assert [(one.verb, one.number) for one in outcomes] == [("opened", 2)]
