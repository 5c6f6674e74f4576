"""Who may push what, with real git over real HTTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from tests.gitforge.world import GIT_ENV, Project, commit, git, remote_lines


def test_a_reader_is_refused_on_main_and_told_what_to_run(project: Project) -> None:
    work = project.clone(project.ada)
    head = commit(work, "Add the spring banner")

    told = remote_lines(git(work, "push", "origin", "HEAD:main", ok=False))

    fork = f"{project.ada.login}@127.0.0.1:{project.server.port}/git/{project.ada.login}"
    assert told == [
        "intakebot: main takes changes only as pull requests from your fork.",
        "Your commits are safe, nothing is lost. Run these two lines:",
        "",
        f"    git remote add fork http://{fork}/{project.name}.git",
        f"    git push fork {head[:12]}:refs/heads/add-the-spring-banner",
        "",
        "A pull request then opens by itself, and its address is printed here.",
    ]
    assert project.branches()["main"] != head


def paste(work: Path, project: Project, told: list[str]) -> str:
    """Run the printed lines in a shell, where a credential helper knows only the token."""
    helper = f"!f() {{ echo password={project.ada.token}; }}; f"
    git(work, "config", "credential.helper", helper)
    lines = [line for line in told if line.startswith("    git ")]
    done = subprocess.run(
        ["sh", "-ec", "\n".join(lines)],
        cwd=work,
        env=GIT_ENV,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("subject", ["Add the spring banner", 'Füße & "Hände" `id` $(id)', "…"])
def test_the_printed_lines_open_a_pull_request_when_pasted(project: Project, subject: str) -> None:
    work = project.clone(project.ada)
    head = commit(work, subject)
    told = remote_lines(git(work, "push", "origin", "HEAD:main", ok=False))

    answer = paste(work, project, told)

    assert f"Pull request #1 opened: http://127.0.0.1:9/pulls/{project.name}/1" in answer
    assert project.pull(1)["head"] == head


def test_the_printed_lines_work_also_when_the_fork_has_a_branch_of_that_name(
    project: Project,
) -> None:
    work = project.clone(project.ada)
    commit(work, "Same words", page="one")
    git(work, "push", project.url(project.ada, project.ada.login), "HEAD:refs/heads/same-words")
    git(work, "reset", "-q", "--hard", "HEAD~")
    head = commit(work, "Same words", page="two")
    told = remote_lines(git(work, "push", "origin", "HEAD:main", ok=False))

    paste(work, project, told)

    assert [pull["head"] for pull in project.pulls()][-1] == head


def test_another_branch_of_main_keeps_its_name_in_the_advice(project: Project) -> None:
    work = project.clone(project.ada)
    head = commit(work, "Whatever")

    told = remote_lines(git(work, "push", "origin", "HEAD:refs/heads/banner", ok=False))

    assert "banner takes changes only as pull requests" in told[0]
    assert f"    git push fork {head[:12]}:refs/heads/banner" in told


def test_a_refused_push_is_an_incident_with_who_where_and_what(project: Project) -> None:
    work = project.clone(project.ada)
    commit(work, "One")
    head = commit(work, "Two")
    git(work, "push", "origin", "HEAD:main", ok=False)

    (incident,) = project.incidents()

    assert incident["kind"] == "direct-push"
    assert incident["by"]["login"] == project.ada.login
    assert incident["ref"] == "refs/heads/main"
    assert "2 new commits" in incident["detail"] and head in incident["detail"]


def test_write_permission_does_not_open_the_protected_branches(project: Project) -> None:
    work = project.clone(project.wim)
    head = commit(work, "Straight in")
    git(work, "push", "origin", "HEAD:main", ok=False)
    git(work, "push", "origin", "HEAD:deploy", ok=False)
    git(work, "push", "origin", "HEAD:refs/heads/wip", "HEAD:refs/tags/v1")

    assert head not in [project.branches()[name] for name in ("main", "deploy")]
    assert project.branches()["wip"] == head
    assert project.pulls() == []


def test_the_landing_token_moves_main_forward(project: Project) -> None:
    work = project.clone(project.land)
    head = commit(work, "Landed")
    git(work, "push", "origin", "HEAD:main")
    git(work, "push", "origin", "HEAD:deploy")
    assert project.branches() == {"main": head, "deploy": head}


@pytest.mark.parametrize("who", ["land", "wim"])
def test_nobody_forces_or_deletes_main(project: Project, who: str) -> None:
    person = getattr(project, who)
    before = project.branches()
    work = project.clone(person)
    git(work, "commit", "-q", "--amend", "-m", "Another history")

    forced = git(work, "push", "--force", "origin", "HEAD:main", ok=False)
    deleted = git(work, "push", "origin", ":main", ok=False)

    assert "intakebot: main" in forced and "main" in deleted
    assert "never deleted, by anybody" in deleted
    assert project.branches() == before
    assert [each["kind"] for each in project.incidents()] == ["force-push", "deletion"]


def test_a_reader_may_not_tag_main(project: Project) -> None:
    work = project.clone(project.ada)
    told = git(work, "push", "origin", "HEAD:refs/tags/v1", ok=False)
    assert "only by people with write permission" in told


HOSTILE_REFS = [
    "refs/heads/HEAD",
    "refs/replace/{head}",
    "refs/heads/-x",
    "refs/heads/a$(id)",
    "refs/heads/a`id`",
    "refs/heads/a|b",
    "refs/heads/mann\u202e",
    "refs/pull/7/head",
    "refs/whatever/x",
    "refs/heads/" + "x" * 220,
]


def test_hostile_ref_names_are_refused_also_in_ones_own_fork(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    head = commit(work, "Hidden")
    before = git(project.bare(project.ada.login), "for-each-ref")

    refs = [ref.format(head=head) for ref in HOSTILE_REFS]
    told = git(work, "push", "origin", *(f"HEAD:{ref}" for ref in refs), ok=False)

    assert "not a name for a branch or a tag here" in told
    assert "letters, digits and . _ / + -, at most 200 of them and first a letter" in told
    assert "\u202e" not in "".join(remote_lines(told))
    assert git(project.bare(project.ada.login), "for-each-ref") == before
    assert {each["kind"] for each in project.incidents()} == {"bad-ref"}
    assert {each["ref"] for each in project.incidents()} == {
        ref.replace("\u202e", "") for ref in refs
    }


def test_one_bad_ref_stops_the_whole_push(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    commit(work, "Mixed")
    git(work, "push", "origin", "HEAD:refs/heads/good", "HEAD:refs/x/y", ok=False)
    assert "good" not in project.branches(project.fork_id(project.ada.login))
    assert project.pulls() == []


def test_the_owner_may_force_delete_and_tag_in_the_fork(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    commit(work, "First try")
    git(work, "push", "origin", "HEAD:refs/heads/try", "HEAD:refs/tags/try-1")
    git(work, "commit", "-q", "--allow-empty", "--amend", "-m", "Second try")
    git(work, "push", "--force", "origin", "HEAD:refs/heads/try")
    git(work, "push", "origin", ":refs/tags/try-1", ":refs/heads/try")
    assert git(project.bare(project.ada.login), "for-each-ref", "refs/tags", "refs/heads/try") == ""


def test_nobody_pushes_to_somebody_elses_fork(project: Project) -> None:
    project.clone(project.ada, project.ada.login)
    work = project.clone(project.wim, project.ada.login)  # a reader of main may look
    commit(work, "Not mine")
    told = git(work, "push", "origin", "HEAD:refs/heads/x", ok=False)
    assert f"only {project.ada.login} pushes to it" in told
    assert f"/git/{project.wim.login}/{project.name}.git" in told


def test_what_one_may_not_read_does_not_exist(project: Project) -> None:
    project.clone(project.ada, project.ada.login)
    for owner in ("main", project.ada.login, project.bob.login):
        told = git(project.folder, "ls-remote", project.url(project.bob, owner), ok=False)
        assert "not found" in told
    told = git(project.folder, "ls-remote", project.url(project.ada, "nobody"), ok=False)
    assert "not found" in told


def test_a_wrong_token_is_told_in_words(project: Project) -> None:
    url = f"{project.server.url}/git/main/{project.name}.git/info/refs?service=git-upload-pack"
    answer = requests.get(url, auth=(project.ada.login, "wrong"), timeout=5)
    assert answer.status_code == 401
    assert answer.text.startswith("Unknown login or token")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    other = requests.get(url, auth=(project.bob.login, project.ada.token), timeout=5)
    assert other.status_code == 401
    assert requests.get(url, timeout=5).status_code == 401


def test_the_token_of_the_pages_does_not_open_git(project: Project) -> None:
    web = project.server.bot("web")
    told = git(project.folder, "ls-remote", project.url(web), ok=False)
    assert "403" in told


def test_the_bots_reading_token_fetches_forks_and_pushes_nowhere(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    head = commit(work, "Look at me")
    git(work, "push", "origin", "HEAD:refs/heads/look")
    mirror = project.clone(project.bot)

    git(mirror, "fetch", "-q", project.url(project.bot, project.ada.login), head)
    git(mirror, "push", "origin", f"{head}:refs/heads/main", ok=False)
    git(mirror, "push", "origin", f"{head}:refs/heads/other", ok=False)

    assert head not in project.branches().values()


def test_a_revoked_permission_counts_at_once(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    commit(work, "Too late")
    project.server.forge.grant(project.name, project.ada.login, "none")
    assert "not found" in git(work, "push", "origin", "HEAD:refs/heads/x", ok=False)


def hostile_tree(work: Path, name: str) -> str:
    """A commit whose tree holds a folder that git itself would never write down."""
    blob = git(work, "hash-object", "-w", "--stdin", stdin="evil")
    inner = git(work, "mktree", stdin=f"100644 blob {blob}\tconfig\n")
    made = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
        cwd=work,
        env=GIT_ENV,
        input=f"40000 {name}".encode() + b"\0" + bytes.fromhex(inner),
        capture_output=True,
        check=True,
        timeout=10,
    )
    return git(work, "commit-tree", made.stdout.decode().strip(), "-m", "evil", "-p", "HEAD")


def test_a_tree_that_would_write_into_git_is_refused(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    for name in (".git", "git~1", ".g\u200cit", ".."):
        evil = hostile_tree(work, name)
        told = git(work, "push", "origin", f"{evil}:refs/heads/evil", ok=False)
        assert "fsck error" in told or "unpack" in told, name
    assert "evil" not in project.branches(project.fork_id(project.ada.login))


def test_the_first_commits_of_an_empty_repository_come_from_somebody_with_write(
    project: Project,
) -> None:
    project.server.forge.add_repo("fresh")
    project.server.forge.grant("fresh", project.ada.login, "write")
    work = project.clone(project.ada)
    who = project.ada
    place = f"127.0.0.1:{project.server.port}/git/main/fresh.git"
    url = f"http://{who.login}:{who.token}@{place}"

    git(work, "push", url, "HEAD:refs/heads/main")
    commit(work, "A second commit")
    told = remote_lines(git(work, "push", url, "HEAD:refs/heads/main", ok=False))

    assert "takes changes only as pull requests" in told[0]
