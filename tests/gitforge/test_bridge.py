"""The server under stress and abuse: many at once, stalled, lying, vanished, curious."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.gitforge.world import (
    GIT_ENV,
    Person,
    Project,
    Server,
    commit,
    eventually,
    git,
    make_project,
    remote_lines,
    running,
)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of four threads, whose children carry a tag to be found by."""
    state = tmp_path_factory.mktemp("small") / "state"
    with running(state, threads=4, INTAKEBOT_HOUSE=f"house-{os.getpid()}") as server:
        yield server


def children(server: Server, name: str = "git") -> list[str]:
    """Command lines of the processes of that name that the server started and that still run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes()
            command = (place / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if str(server.state).encode() in environment and name in command.split("\0")[0]:
            found.append(command)
    return found


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def post_head(project: Project, who: Person, service: str, *headers: str) -> bytes:
    basic = base64.b64encode(f"{who.login}:{who.token}".encode()).decode()
    lines = [
        f"POST /git/{who.login}/{project.name}.git/{service} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Basic {basic}",
        f"Content-Type: application/x-{service}-request",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.alone
def test_sixteen_pushes_at_once_on_four_threads_end_soon(tagged: Server, tmp_path: Path) -> None:
    project = make_project(tagged, tmp_path / "sixteen")
    work = project.clone(project.ada, project.ada.login)
    for number in range(16):
        commit(work, f"Change {number}")
        git(work, "branch", f"b{number}")

    begun = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda n: git(work, "push", "-q", "origin", f"b{n}"), range(16)))
    assert time.monotonic() - begun < 5
    assert sorted(pull["number"] for pull in project.pulls()) == list(range(1, 17))
    assert all("opened" in each for each in told)


@pytest.mark.alone
def test_stalled_uploads_and_half_requests_do_not_stop_the_next_person(tmp_path: Path) -> None:
    """Four of each: uploads that fall silent, and heads of requests that never end."""
    with running(tmp_path / "state", silence=2) as server:
        project = make_project(server, tmp_path / "stalled")
        stall(server, project)


def stall(server: Server, project: Project) -> None:
    project.clone(project.ada, project.ada.login)
    head = post_head(project, project.ada, "git-receive-pack", "Transfer-Encoding: chunked")
    stalled = []
    try:
        for number in range(8):
            stalled.append(connect(server))
            stalled[-1].sendall(head + b"4\r\n00" if number < 4 else head[:40])
        eventually(lambda: len(children(server)) >= 4)

        begun = time.monotonic()
        git(project.folder, "ls-remote", project.url(project.ada))
        assert time.monotonic() - begun < 1.5

        for each in stalled:  # and after the allowed silence all are cut off at once
            each.settimeout(10)
            while each.recv(4096):
                pass
        assert time.monotonic() - begun < 4
        assert requests.get(f"{server.url}/livez", timeout=1).ok
        eventually(lambda: not children(server))
    finally:
        for each in stalled:
            each.close()


def test_a_body_shorter_than_it_claims_leaves_no_process_spinning(project: Project) -> None:
    project.clone(project.ada, project.ada.login)
    head = post_head(project, project.ada, "git-receive-pack", "Content-Length: 3001239")
    with closing(connect(project.server)) as liar:
        liar.sendall(head + b"00a5")
        eventually(lambda: children(project.server))
    eventually(lambda: not children(project.server))


def test_a_fetch_whose_client_vanished_is_ended(tmp_path: Path) -> None:
    """Nothing has been answered yet: git's own hook for packing is made to take long."""
    with running(tmp_path / "state") as server:
        project = make_project(server, tmp_path / "vanished")
        project.clone(project.ada, project.ada.login)
        slow = tmp_path / "slow"
        slow.write_text("#!/bin/sh\nexec sleep 30\n")
        slow.chmod(0o700)
        with (server.state / "forge.gitconfig").open("a") as config:
            config.write(f"[uploadpack]\n\tpackObjectsHook = {slow}\n")
        body = b"0032want " + project.branches()["main"].encode() + b"\n00000009done\n"
        head = post_head(project, project.ada, "git-upload-pack", f"Content-Length: {len(body)}")
        with closing(connect(server)) as reader:
            reader.sendall(head + body)
            eventually(lambda: children(server, "sleep"))
        eventually(lambda: not children(server) and not children(server, "sleep"), 5)


def test_a_push_whose_client_vanished_is_brought_to_its_end(project: Project) -> None:
    work = project.clone(project.ada, project.ada.login)
    head = commit(work, "Parting gift")
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "--revs", "-q"],
        cwd=work,
        env=GIT_ENV,
        input=f"{head}\n".encode(),
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout
    order = f"{'0' * 40} {head} refs/heads/gift\0 report-status".encode()
    body = f"{len(order) + 4:04x}".encode() + order + b"0000" + pack
    request = post_head(project, project.ada, "git-receive-pack", f"Content-Length: {len(body)}")
    with closing(connect(project.server)) as giver:
        giver.sendall(request + body)
    (pull,) = eventually(lambda: project.pulls())
    assert (pull["head"], pull["state"]) == (head, "open")


def test_the_first_use_by_eight_clones_at_once_makes_one_fork(project: Project) -> None:
    url = project.url(project.ada, project.ada.login)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: git(project.folder, "ls-remote", url), range(8)))
    fork = project.server.state / "git" / project.ada.login
    assert [each.name for each in fork.iterdir()] == [f"{project.name}.git"]
    assert list((project.server.state / "git" / ".new").iterdir()) == []
    assert project.fork_id(project.ada.login)


def test_a_fork_keeps_what_main_drops(project: Project) -> None:
    writer = project.clone(project.wim)
    dropped = commit(writer, "Only under a tag", extra="1")
    git(writer, "push", "origin", "HEAD:refs/tags/extra")
    work = project.clone(project.ada, project.ada.login)
    assert git(work, "rev-parse", "extra") == dropped
    git(writer, "push", "origin", ":refs/tags/extra")

    git(project.bare(), "gc", "--quiet")
    git(project.bare(), "gc", "--quiet", "--aggressive")

    fork = project.bare(project.ada.login)
    git(fork, "fsck", "--full")
    assert git(fork, "rev-list", "--count", "--objects", "extra")
    again = project.clone(project.ada, project.ada.login)
    assert git(again, "rev-parse", "extra") == dropped


def test_the_whole_state_can_be_moved(project: Project, tmp_path: Path) -> None:
    project.clone(project.ada, project.ada.login)
    moved = tmp_path / "moved"
    subprocess.run(["cp", "-r", str(project.server.state / "git"), str(moved)], check=True)
    git(moved / project.ada.login / f"{project.name}.git", "fsck", "--full")


PATHS = [
    "/git/main/{name}.git/HEAD",
    "/git/main/{name}.git/config",
    "/git/main/{name}.git/objects/info/packs",
    "/git/main/{name}.git/objects/info/alternates",
    "/git/main/{name}/info/refs?service=git-upload-pack",
    "/git/main/../main/{name}.git/info/refs?service=git-upload-pack",
    "/git/main/%2e%2e/main/{name}.git/info/refs?service=git-upload-pack",
    "/git/main/..%2fmain/{name}.git/info/refs?service=git-upload-pack",
    "/git//main/{name}.git/info/refs?service=git-upload-pack",
    "//git/main/{name}.git/info/refs?service=git-upload-pack",
    "/git/main/{name}.git//info/refs?service=git-upload-pack",
    "/git/.new/{name}.git/info/refs?service=git-upload-pack",
    "/git/main/link.git/info/refs?service=git-upload-pack",
    "/git/main/{name}.git/git-upload-archive",
    "/git/main/{name}.git%00/info/refs?service=git-upload-pack",
]


def raw_status(server: Server, who: Person, path: str) -> int:
    """As written: an HTTP library would tidy the path up."""
    basic = base64.b64encode(f"{who.login}:{who.token}".encode()).decode()
    with closing(connect(server)) as asking:
        head = f"GET {path} HTTP/1.0\r\nAuthorization: Basic {basic}\r\n\r\n"
        asking.sendall(head.encode())
        return int(asking.recv(64).split()[1])


def test_crooked_paths_lead_nowhere(project: Project) -> None:
    root = project.server.state / "git" / "main"
    link = root / "link.git"
    link.unlink(missing_ok=True)
    link.symlink_to(project.bare())
    for path in PATHS:
        status = raw_status(project.server, project.ada, path.format(name=project.name))
        assert status in (400, 404), path
    plain = f"/git/main/{project.name}.git/info/refs"
    assert raw_status(project.server, project.ada, plain) == 403
    assert raw_status(project.server, project.ada, f"{plain}?service=git-upload-pack") == 200


def test_a_repository_replaced_by_a_link_is_no_longer_served(
    project: Project, tmp_path: Path
) -> None:
    project.bare().rename(tmp_path / "elsewhere.git")
    project.bare().symlink_to(tmp_path / "elsewhere.git")
    assert "not found" in git(tmp_path, "ls-remote", project.url(project.ada), ok=False)


def test_old_and_new_protocols_shallow_and_zipped_requests_work(project: Project) -> None:
    upstream = project.clone(project.land)
    for number in range(60):
        commit(upstream, f"History {number}")
    git(upstream, "push", "-q", "origin", "HEAD:main")
    for version in ("0", "2"):
        place = project.folder / f"v{version}"
        flags = ("-c", f"protocol.version={version}", "clone", "-q")
        git(project.folder, *flags, "--depth=3", project.url(project.ada), str(place))
        git(place, "fetch", "-q", "--unshallow")
        assert git(place, "rev-list", "--count", "HEAD") == "61"


def test_a_big_push_is_taken_one_too_big_and_one_without_hooks_are_not(tmp_path: Path) -> None:
    with running(tmp_path / "state") as server:
        project = make_project(server, tmp_path / "big")
        work = project.clone(project.ada, project.ada.login)
        (work / "big.bin").write_bytes(os.urandom(8 * 1024 * 1024))
        git(work, "add", "big.bin")
        commit(work, "Big")
        git(work, "push", "origin", "HEAD:refs/heads/big")
        with (server.state / "forge.gitconfig").open("a") as config:
            config.write("[receive]\n\tmaxInputSize = 1m\n")
        (work / "big.bin").write_bytes(os.urandom(3 * 1024 * 1024))
        commit(work, "Too big", big="1")
        git(work, "commit", "-q", "-a", "-m", "Too big")
        told = git(work, "push", "origin", "HEAD:refs/heads/too-big", ok=False)
        assert "exceeds maximum allowed size" in told
        git(work, "reset", "-q", "--hard", "HEAD~")

        (server.state / "forge-hooks" / "pre-receive").unlink()
        commit(work, "Unjudged")
        git(work, "push", "origin", "HEAD:refs/heads/unjudged", ok=False)
        assert "unjudged" not in project.branches(project.fork_id(project.ada.login))


@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"])
def test_a_hook_that_nobody_answers_ends_and_refuses(tagged: Server, hook: str) -> None:
    script = tagged.state / "forge-hooks" / hook
    alone = subprocess.run([script], input=b"", capture_output=True, timeout=10, check=False)
    assert alone.returncode != 0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        asking = subprocess.Popen(
            ["sh", "-c", f'exec 9<&0; exec "{script}" < /dev/null'],
            stdin=theirs.fileno(),
            stderr=subprocess.PIPE,
        )
        theirs.close()
        assert ours.recv(len(hook)) == hook.encode()
        ours.close()
        _, said = asking.communicate(timeout=10)
    assert asking.returncode == 1 and b"the forge went away" in said


def test_what_the_forge_says_arrives_as_it_is(tagged: Server, tmp_path: Path) -> None:
    project = make_project(tagged, tmp_path / "said")
    work = project.clone(project.ada, project.ada.login)
    commit(work, "Say it back")
    odd = "  %s \\n $(id) `id` 'é'"
    told = git(work, "push", "-o", odd, "origin", "HEAD:refs/heads/odd")
    (line,) = [one for one in remote_lines(told) if "push option" in one]
    assert line == f"intakebot does not know the push option {odd.strip()!r}."


def test_supervisors_find_the_children_by_their_tag(tagged: Server, tmp_path: Path) -> None:
    project = make_project(tagged, tmp_path / "tag")
    project.clone(project.ada, project.ada.login)
    head = post_head(project, project.ada, "git-receive-pack", "Transfer-Encoding: chunked")
    tag = f"INTAKEBOT_HOUSE=house-{os.getpid()}".encode()
    with closing(connect(tagged)) as waiting:
        waiting.sendall(head + b"4\r\n00")

        def seen() -> bool:
            for place in Path("/proc").glob("[0-9]*"):
                try:
                    name = (place / "comm").read_text()
                    if name.startswith("git") and tag in (place / "environ").read_bytes():
                        return True
                except OSError:
                    continue
            return False

        assert eventually(seen)


def test_a_dead_parent_takes_the_worker_along(tmp_path: Path) -> None:
    with running(tmp_path / "state") as server:
        server.process.kill()
        server.process.wait(10)

        def refused() -> bool:
            try:
                requests.get(f"{server.url}/livez", timeout=2)
            except requests.ConnectionError:
                return True
            return False

        assert eventually(refused, 5)
