"""One command starts everything, and everything ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from intakebot.model import Group, Role
from intakebot.up.supervisor import TAG
from intakebot.world.house import RunningHouse
from intakebot.world.people import Somebody
from tests.databases import Databases

pytestmark = pytest.mark.long

SLOW = '[checks.slow]\nrun = ["sleep", "600"]\n'


@pytest.fixture
def house(tmp_path: Path, databases: Databases) -> Iterator[RunningHouse]:
    with (
        databases.house(tmp_path / "state", begun=False),
        RunningHouse(tmp_path / "state", environ={"CHECK_SLOTS": "1"}) as running,
    ):
        yield running


def test_a_new_user_can_follow_the_printed_commands_to_a_judged_pull_request(
    house: RunningHouse, tmp_path: Path
) -> None:
    lines = [line.strip() for line in house.announced.splitlines() if line.startswith("  ")]
    start = next(index for index, line in enumerate(lines) if line.startswith("git clone"))
    commands = "\n".join(lines[start:])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }

    def bash(script: str, within: Path) -> str:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=within,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    refused = bash(commands, tmp_path)
    assert "takes changes only as pull requests from your fork" in refused
    remote = [line.removeprefix("remote:").strip() for line in refused.splitlines()]
    sent = bash("\n".join(line for line in remote if line.startswith("git ")), tmp_path / "site")

    assert f"Pull request #1 opened: {house.page_url}/pulls/site/1" in sent
    grace = house.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
    house.wait_for_state(grace, 1, "needs review")


def test_ctrl_c_leaves_no_process_behind(house: RunningHouse) -> None:
    left = descendants(house)
    assert len(left) >= 8
    assert house.process is not None
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(timeout=15) == 0
    assert_all_gone(left)
    assert "Traceback" not in (house.state / "up.log").read_text()


CLEARS_AWAY = """
import gc, os, weakref
from intakebot.up.supervisor import Part, Supervisor

class Thing: pass

def told(_):
    print("cleared away by", "its maker" if os.getpid() == maker else "a part", flush=True)

maker, thing = os.getpid(), Thing()
thing.itself, seen = thing, weakref.ref(thing, told)
del thing
supervisor = Supervisor([Part("one", lambda: print("collected", gc.collect() >= 0))])
supervisor.start()
for pid in supervisor.running:
    os.waitpid(pid, 0)
"""


def test_a_part_never_clears_away_what_it_inherited(tmp_path: Path) -> None:
    """A signal that comes while it does would be lost: nobody hears what is raised there."""
    argv, environ = [sys.executable, "-c", CLEARS_AWAY], {**os.environ, TAG: str(tmp_path)}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert "collected True" in done.stdout and "by a part" not in done.stdout


def test_kill_9_leaves_no_process_behind_with_a_push_and_a_check_in_flight(
    house: RunningHouse,
) -> None:
    ada = in_flight(house)
    clone = ada.folder / "busy"
    push = subprocess.Popen(
        ["git", "push", ada.url("ada", "busy"), "HEAD:refs/heads/big"],
        cwd=clone,
        env={**os.environ, **ada._environment(), "GIT_TRACE_PACKET": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    house.wait_for(lambda: any("receive-pack" in line for line in commands(house)), within=30)
    house.wait_for(lambda: any("bwrap" in line for line in commands(house)), within=30)
    left = descendants(house)
    assert house.process is not None
    house.process.kill()
    house.process.wait()
    house.process = None
    assert_all_gone(left)
    push.kill()
    push.wait()


def in_flight(house: RunningHouse) -> Somebody:
    """A pull request whose check sleeps, and a commit too large to be pushed in a moment."""
    house.add_repo("busy", {".intakebot.toml": SLOW, "a.txt": "a\n"})
    ada = house.person("ada", Group.AGENCY, agency="Alder", repo="busy")
    clone = ada.clone(repo="busy", name="busy")
    ada.commit(clone, {"a.txt": "b\n"}, "Change the letter to b")
    ada.must("push", "--quiet", ada.url("ada", "busy"), "HEAD:refs/heads/b", within=clone)
    (clone / "noise").write_bytes(os.urandom(60 << 20))
    ada.commit(clone, {"a.txt": "c\n"}, "Change the letter to c")
    return ada


@pytest.mark.alone
def test_status_is_answered_while_every_check_slot_is_busy(house: RunningHouse) -> None:
    house.add_repo("busy", {".intakebot.toml": SLOW, "a.txt": "a\n"})
    ada = house.person("ada", Group.AGENCY, agency="Alder", repo="busy")
    clone = ada.clone(repo="busy", name="busy")
    for letter in "bc":
        ada.commit(clone, {"a.txt": f"{letter}\n"}, f"Change the letter to {letter}")
        branch = f"HEAD:refs/heads/{letter}"
        ada.must("push", "--quiet", ada.url("ada", "busy"), branch, within=clone)
    house.wait_for(lambda: any("sleep 600" in line for line in commands(house)), within=30)
    house.wait_for_state(ada, 2, "checking", repo="busy")

    asked = time.monotonic()
    comment = ada.say("busy", 2, "/status").json()["id"]
    answer = house.wait_for(lambda: said_to(ada, "busy", 2, comment), within=30)
    assert time.monotonic() - asked < 5
    assert "checking" in answer


def said_to(somebody: Somebody, repo: str, number: int, comment: str) -> str | None:
    found = somebody.api("GET", f"/api/pulls/{repo}/{number}").json()
    done = {receipt["kind"] for receipt in found["receipts"] if receipt["state"] == "done"}
    answers = [one["answer"] for one in found["commands"] if one["comment"] == comment]
    return answers[0] if answers and "PostComment" in done else None


def test_a_lost_redis_loses_nothing(house: RunningHouse) -> None:
    ada = house.person("ada", Group.AGENCY, agency="Alder")
    for pid, line in processes(house).items():
        if "unixsocket" in line or "valkey" in line:
            os.kill(pid, signal.SIGKILL)
    clone = ada.clone()
    ada.commit(clone, {"index.html": "<p>New</p>\n"}, "Put up a new page")
    ada.must("push", "--quiet", ada.url("ada"), "HEAD:refs/heads/new", within=clone)
    house.wait_for_state(ada, 1, "needs review", within=60)


def test_a_killed_worker_is_replaced_and_its_work_is_done(house: RunningHouse) -> None:
    ada = house.person("ada", Group.AGENCY, agency="Alder")
    clone = ada.clone()
    head = ada.commit(clone, {"index.html": "<p>New</p>\n"}, "Put up a new page")
    ada.must("push", "--quiet", ada.url("ada"), "HEAD:refs/heads/new", within=clone)
    assert house.process is not None
    for pid in children(house.process.pid):
        os.kill(pid, signal.SIGKILL)
    house.wait_for_state(ada, 1, "needs review", head, within=90)


def test_the_second_run_finds_everything_as_it_was(house: RunningHouse) -> None:
    ada = house.person("ada", Group.AGENCY, agency="Alder")
    clone = ada.clone()
    head = ada.commit(clone, {"index.html": "<p>New</p>\n"}, "Put up a new page")
    ada.must("push", "--quiet", ada.url("ada"), "HEAD:refs/heads/new", within=clone)
    house.wait_for_state(ada, 1, "needs review", head)
    house.stop()
    house.start()
    assert ada.api("GET", "/api/pulls/site/1").json()["head"] == head
    assert "git clone" not in house.announced


def test_a_second_house_in_the_same_folder_is_refused(house: RunningHouse) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "intakebot", "up", f"--state={house.state}", "--port=1"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "another intakebot runs in" in second.stderr


# --- processes ------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    found = []
    with suppress(OSError):  # one that has ended meanwhile has none
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(text) for text in task.read_text().split()]
    return found


def descendants(house: RunningHouse) -> dict[int, str]:
    """Process id -> its start time, of everything below the supervisor."""
    assert house.process is not None
    waiting, found = [house.process.pid], {}
    while waiting:
        for pid in children(waiting.pop()):
            started = start_time(pid)
            if started:
                found[pid] = started
                waiting.append(pid)
    return found


def processes(house: RunningHouse) -> dict[int, str]:
    return {pid: command(pid) for pid in descendants(house)}


def commands(house: RunningHouse) -> list[str]:
    return list(processes(house).values())


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def start_time(pid: int) -> str:
    """Empty for one that is gone or only waits to be reaped."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if rest[0] in "ZX" else rest[19]


def assert_all_gone(left: dict[int, str], within: float = 5) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        alive = [pid for pid, started in left.items() if start_time(pid) == started]
        if not alive:
            return
        time.sleep(0.05)
    raise AssertionError(f"still there: {[(pid, command(pid)) for pid in alive]}")
