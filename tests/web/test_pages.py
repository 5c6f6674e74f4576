"""The pages: what they show, and that nothing written by strangers ever acts."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.model import (
    CheckResult,
    Command,
    Finding,
    Level,
    Outcome,
    Push,
    Review,
    Said,
    State,
    Turn,
    VerdictState,
)
from intakebot.store import memory, words, work
from intakebot.web import view
from tests.web.evidence import finding, passed, verdict
from tests.web.forge import ADA, BOT, GRACE, NOW
from tests.web.html import shown
from tests.web.world import MIRROR, World, commit, csrf

PULL = "/pulls/site/7"


# --- the list -------------------------------------------------------------------------


def test_the_list_says_where_each_pull_request_stands_and_whose_turn_it_is(world: World) -> None:
    world.add_pull(7, "Add a banner")
    html = world.client("grace").get("/").text
    for words_shown in ("needs changes", "the author's turn", "Add a banner", "ada", "site#7"):
        assert words_shown in html.replace("&#39;", "'")
    assert "Not yet: Checks pass." in html
    assert 'title="2026-03-02T06:00:00Z">3 h ago' in html


def test_the_list_can_be_narrowed_by_state_and_repository(world: World) -> None:
    world.add_pull(7, "Add a banner")
    world.add_pull(8, "Fix the footer", state=State.READY, turn=Turn.MAINTAINER)
    client = world.client("grace")
    for asked in ("ready", "needs changes", "needs-changes"):
        text = client.get("/", query_string={"state": asked, "repo": "site"}).text
        assert ("Fix the footer" in text) == (asked == "ready")
        assert ("Add a banner" in text) == (asked != "ready")
    assert "Add a banner" not in client.get("/?repo=other").text
    assert client.get("/?state=nonsense").status_code == 400


def test_an_empty_house_shows_the_commands_that_make_the_first_pull_request(world: World) -> None:
    html = shown(world.client("ada"), "/")
    assert "git clone http://127.0.0.1:9/git/ada/NAME.git" in html.text
    assert "git push -u origin my-change" in html.text


def test_refused_pushes_and_problems_are_on_the_front_page(world: World) -> None:
    pull_id = world.add_pull(7)
    world.add_incident("3 commits pushed to main")
    with world.database.write() as connection:
        work.describe_pull(connection, pull_id, problem="the forge is on fire")
    text = shown(world.client("grace"), "/").text
    assert "direct-push" in text and "3 commits pushed to main" in text
    assert "the forge is on fire" in text


def test_a_long_list_is_cut_into_pages(world: World) -> None:
    for number in range(1, 103):
        world.add_pull(number, f"Change {number:03}")
    client = world.client("grace")
    first, second = client.get("/").text, client.get("/?page=2").text
    assert "Change 102" in first and "Change 002" not in first
    assert "Change 002" in second and "Change 102" not in second


# --- one pull request -----------------------------------------------------------------


def test_a_pull_request_shows_every_rule_with_its_verdict_and_cure(world: World) -> None:
    world.add_pull(
        7,
        verdicts=[
            verdict("r1", VerdictState.UNSATISFIED, "Checks pass", "`lint` failed.", "Run `ruff`."),
            verdict("r2", VerdictState.SATISFIED, "It merges"),
            verdict("r3", VerdictState.WAIVED, "It is small"),
            verdict("r4", VerdictState.NOT_APPLICABLE, "It has a title"),
            verdict("r5", VerdictState.BROKEN, "It has an owner"),
        ],
    )
    text = shown(world.client("ada"), PULL).text
    for state in VerdictState:
        assert state.value in text
    for words_shown in ("Checks pass", "lint failed.", "Run ruff.", "It has an owner", "r3"):
        assert words_shown in text


def test_a_finding_stands_right_under_its_line(world: World) -> None:
    elsewhere = Finding("gone.py", 3, Level.WARNING, "X1", "in a file that is not here", "lint")
    on_file = Finding("greet.py", 0, Level.NOTE, "D100", "no docstring", "lint")
    world.add_pull(7, findings=[finding("print is left over"), elsewhere, on_file])
    text = shown(world.client("grace"), PULL).text
    assert text.index("print(name)") < text.index("print is left over") < text.index("return name")
    assert "no docstring" in text
    assert "gone.py:3" in text and "in a file that is not here" in text


def test_checks_show_their_outcome_and_log(world: World) -> None:
    pull_id = world.add_pull(7)
    world.add_check(pull_id, "tests", passed())
    failed = CheckResult(Outcome.FAILED, "2 findings", log="greet.py:2 \x1b[31mT201", seconds=0.25)
    world.add_check(pull_id, "lint", failed)
    text = shown(world.client("grace"), PULL).text
    for words_shown in ("passed", "12 passed", "1.5 s", "failed", "2 findings", "\\x1b[31mT201"):
        assert words_shown in text


def test_long_and_many_and_binary_files_are_cut_with_a_note(world: World) -> None:
    files = {f"file-{number:02}.txt": b"one line\n" for number in range(60)}
    files["a-long.txt"] = b"".join(b"line %d\n" % number for number in range(2_500))
    files["a-picture.png"] = b"\x89PNG\0\x01\x02"
    files["z-noted.txt"] = b"one line\n"
    world.head = commit(world.settings.mirrors / MIRROR, files, world.base)
    world.add_pull(7, findings=[finding("look here", "z-noted.txt", 1)])
    text = shown(world.client("grace"), PULL).text
    assert "and 501 more lines" in text  # the head of the hunk counts as one
    assert "and 14 more files" in text  # 63 added, one deleted
    assert "a-picture.png" in text and "A binary file" in text
    assert "look here" in text


def test_lines_keep_their_numbers_and_are_never_taken_for_heads_of_the_diff(world: World) -> None:
    before = "".join(f"line {number}\n" for number in range(1, 31))
    after = before.replace("line 3\n", "@@ -1,9 +1,9 @@\n-- two dashes\n").replace(
        "line 30\n", "++ the end"
    )
    mirror = world.settings.mirrors / MIRROR
    world.base = commit(mirror, {"a.txt": before.encode()}, None)
    world.head = commit(mirror, {"a.txt": after.encode()}, world.base)
    world.add_pull(7, findings=[finding("a strange line", "a.txt", 4), finding("end", "a.txt", 31)])
    text = shown(world.client("grace"), PULL).text
    assert text.index("-- two dashes") < text.index("a strange line") < text.index("line 4")
    assert text.index("++ the end") < text.index("ruff · T201", text.index("++ the end"))
    assert "2930line29" in re.sub(r"\s", "", text)  # 29 before, 30 after


def joined(world: World, content: str, *parents: str, day: int) -> str:
    git = world.house.mirror(world.forge.repo).git
    lines = b""
    for name, text in (("fix.txt", content), ("page.txt", "new\n")):
        blob = git.run("hash-object", "-w", "--stdin", feed=text.encode()).decode().strip()
        lines += f"100644 blob {blob}\t{name}\n".encode()
    tree = git.run("mktree", feed=lines).decode().strip()
    who = {
        f"GIT_{one}_{what}": "x" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    date = {"GIT_COMMITTER_DATE": f"2026-01-{day:02}T00:00:00Z"}
    given = [word for parent in parents for word in ("-p", parent)]
    made = git.run("commit-tree", tree, "-m", "x", *given, env={**who, **date})
    return made.decode().strip()


@pytest.mark.parametrize("later", ["ours", "theirs"])
def test_crossed_histories_hide_nothing_that_landing_would_take_back(
    world: World, later: str
) -> None:
    """A fix on main, merged into the branch and taken back in that very merge; and the branch was
    merged into main before. Against one of the two merge bases, nothing has changed."""
    start = joined(world, "broken\n", day=1)
    fix = joined(world, "fixed\n", start, day=3 if later == "ours" else 2)
    page = joined(world, "broken\n", start, day=2 if later == "ours" else 3)
    world.base = joined(world, "fixed\n", fix, page, day=4)
    world.head = joined(world, "broken\n", page, fix, day=5)
    world.add_pull(7)
    text = shown(world.client("grace"), PULL).text
    assert "fix.txt" in text and "fixed" in text


def test_a_diff_that_cannot_be_read_says_so_and_the_rest_is_shown(world: World) -> None:
    pull = world.add_pull(7, findings=[finding()])
    world.add_check(pull, "spelling", CheckResult(Outcome.FAILED, "two words misspelt"))
    shutil.rmtree(world.settings.mirrors / MIRROR)
    text = shown(world.client("grace"), PULL).text
    assert "reload in a moment" in text
    assert "needs changes" in text and "two words misspelt" in text


def test_while_others_read_large_diffs_a_page_does_without_its_own(world: World) -> None:
    world.add_pull(7)
    with view.READING, view.READING:
        text = shown(world.client("grace"), PULL).text
    assert "reload in a moment" in text and "needs changes" in text
    assert "print(name)" in shown(world.client("grace"), PULL).text


def test_while_the_forge_is_down_the_page_still_shows_the_standing(world: World) -> None:
    world.add_pull(7)
    client = world.client("grace")
    world.forge.down = True
    text = shown(client, PULL).text
    assert "needs changes" in text and "print(name)" in text
    assert "The forge can't be asked right now" in text


def test_while_the_database_fails_a_page_says_try_again(world: World) -> None:
    client = world.client("grace")
    with world.database.write() as connection:
        connection.execute(sa.text("ALTER TABLE people RENAME TO lost"))
    answer = client.get("/")
    assert answer.status_code == 503
    assert "try again" in answer.text and "people" not in answer.text
    assert int(answer.headers["Retry-After"]) > 0


def test_a_landing_shows_what_landed_onto_what_and_who_asked(world: World) -> None:
    pull_id = world.add_pull(7, state=State.LANDED, turn=Turn.NOBODY)
    world.land(pull_id, 7)
    world.add_receipt(pull_id)
    text = shown(world.client("grace"), PULL).text
    for words_shown in ("c" * 40, "d" * 40, world.base, "grace", "deploy", "commented"):
        assert words_shown in text


def test_commands_show_how_they_ended(world: World) -> None:
    pull_id = world.add_pull(7)
    command = Command(
        "c1", 0, "merge", "", ADA, world.head, NOW, 1, Said.DENIED, "Only a maintainer may."
    )
    with world.database.write() as connection:
        words.keep(connection, pull_id, [command], NOW)
    text = shown(world.client("grace"), PULL).text
    assert "/merge" in text and "denied" in text and "Only a maintainer may." in text


def test_comments_are_shown_live_and_the_bots_are_marked(world: World) -> None:
    world.add_pull(7)
    world.forge.comment(7, GRACE, "Please *mend* it, see [this](https://example.org/)")
    world.forge.comment(7, BOT, "It stands at **ready**.", key="status")
    html = shown(world.client("ada"), PULL)
    assert "Please mend it, see this" in html.text
    assert html.text.count("⚙ bot") == 1
    links = [attributes for tag, attributes in html.tags if tag == "a"]
    [link] = [one for one in links if one.get("href") == "https://example.org/"]
    assert link["rel"] == "nofollow noopener"


def test_a_comment_is_posted_for_the_commit_that_the_page_showed(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    html = shown(ada, PULL)
    hidden = {one.get("name"): one.get("value") for tag, one in html.tags if tag == "input"}
    later = replace(world.forge.found[7], head="e" * 40)
    world.forge.found[7] = later  # somebody pushes while the page is read
    data = {**hidden, "text": "/merge\r\nplease"}
    answer = ada.post(f"{PULL}/comments", data=data)
    assert answer.location == f"{PULL}?posted=1#comments"
    assert world.forge.said == [(7, "ada", "/merge\nplease", world.head)]
    text = shown(ada, answer.location).text
    assert "Posted." in text and "please" in text
    assert "A newer commit was pushed" in text


@pytest.mark.parametrize(("text", "status"), [("", 400), ("x" * 2_000, 400), ("a\0b", 400)])
def test_a_comment_that_is_not_taken_is_given_back_with_the_reason(
    world: World, text: str, status: int
) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    answer = ada.post(f"{PULL}/comments", data={"csrf": csrf(ada, PULL), "text": text})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text and text.replace("\0", "\ufffd")[
        :50
    ] in answer.text.replace("\0", "\ufffd")
    assert world.forge.said == []


def test_a_comment_the_forge_cannot_take_now_is_not_lost(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    token = csrf(ada, PULL)
    world.forge.down = True
    data = {"csrf": token, "text": "a long thought", "seen_head": world.head}
    answer = ada.post(f"{PULL}/comments", data=data)
    assert answer.status_code == 503
    assert "a long thought" in answer.text and "was not posted" in answer.text


@pytest.mark.parametrize(
    "path", ["/pulls/site/0", "/pulls/site/99999999999", "/pulls/a%00b/7", "/x"]
)
def test_what_is_not_there_is_404(world: World, path: str) -> None:
    assert world.client("grace").get(path).status_code == 404


def test_what_changed_since_the_last_approval_is_shown_alone(world: World) -> None:
    old = commit(world.settings.mirrors / MIRROR, {"greet.py": b"print('old')\n"}, world.base)
    files = {"greet.py": b"print('old')\n", "fresh.py": b"print('fresh')\n"}
    world.head = commit(world.settings.mirrors / MIRROR, files, old)
    pull_id = world.add_pull(7)
    page = shown(world.client("ada"), PULL).text
    assert "What changed since" not in page and "print('old')" in page
    says(world, pull_id, "approve", old)
    page = shown(world.client("ada"), PULL).text
    assert "Grace approved" in page and "print('old')" in page
    page = shown(world.client("ada"), f"{PULL}?since={old}").text
    assert "fresh.py" in page and "print('old')" not in page
    assert "Show the whole change" in page
    # Only the commit that was approved can be asked for.
    assert "print('old')" in shown(world.client("ada"), f"{PULL}?since={world.base}").text
    says(world, pull_id, "approve", world.head, minutes=1)
    assert "What changed since" not in shown(world.client("ada"), PULL).text


def test_what_others_landed_meanwhile_is_no_change_since_the_approval(world: World) -> None:
    mirror = world.settings.mirrors / MIRROR
    old = commit(mirror, {"new.py": b"1\n"}, world.base)
    world.head = commit(mirror, {"new.py": b"2\n"}, world.base)
    world.base = commit(mirror, {"theirs.py": b"3\n"}, world.base)
    says(world, world.add_pull(7), "approve", old)
    page = shown(world.client("grace"), f"{PULL}?since={old}").text
    assert "new.py" in page and "theirs.py" not in page


def test_the_timeline_tells_what_people_and_the_bot_did_in_order(world: World) -> None:
    pull_id = world.add_pull(7)
    world.add_receipt(pull_id)
    says(world, pull_id, "hold", world.head, minutes=-5)
    says(world, pull_id, "approve", world.head, minutes=5)
    with world.database.write() as connection:
        pull = world.forge.found[7]
        pushed = Push(world.head, ADA, NOW - timedelta(minutes=9), 1)
        reviewed = Review(GRACE, world.head, "changes_requested", NOW - timedelta(minutes=3), 2)
        pull = replace(pull, pushes=(pushed,), reviews=(reviewed,))
        memory.keep_happenings(connection, pull_id, pull, "bot")
    page = shown(world.client("grace"), PULL).text
    told = page[page.index("Timeline") :]
    places = [
        told.index(said)
        for said in (
            *("Ada pushed", "said /hold", "Grace asked for changes"),
            *("judged it: needs changes", "commented", "said /approve"),
        )
    ]
    assert places == sorted(places)


def says(world: World, pull_id: int, name: str, head: str, minutes: int = 0) -> None:
    at = NOW + timedelta(minutes=minutes)
    given = Command(
        f"c{minutes}{name}", 0, name, "", GRACE, head, at, 5 + minutes, Said.DONE, "Done."
    )
    with world.database.write() as connection:
        words.keep(connection, pull_id, [given], NOW)


# --- live -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/today", "/lanes", "/incidents", PULL])
def test_a_page_says_where_to_ask_whether_it_still_holds(world: World, path: str) -> None:
    world.add_pull(7)
    client = world.client("grace")
    found = re.search(r'data-live="([^"]+)" data-version="(\w+)"', client.get(path).text)
    assert found is not None
    place, shown_now = found[1], found[2]
    assert client.get(place).json == {"version": shown_now}
    world.add_pull(7, why="Something else is in the way.")
    assert client.get(place).json != {"version": shown_now}


def test_what_happens_elsewhere_asks_nobody_to_read_a_pull_request_anew(world: World) -> None:
    """A page of a pull request asks its forge."""
    world.add_pull(7)
    client = world.client("grace")
    before = client.get("/live/site/7").json
    world.add_pull(8)
    assert client.get("/live/site/7").json == before


def test_nobody_hears_of_what_is_not_theirs_to_see(world: World) -> None:
    world.add_pull(7)
    assert world.client("eve").get("/live/site/7").status_code == 404
    assert world.client().get("/live").status_code == 401


def test_an_answer_to_a_form_is_not_asked_for_again(world: World) -> None:
    world.add_pull(7)
    client = world.client("grace")
    sent = {"csrf": csrf(client, PULL), "text": ""}
    answer = client.post(f"{PULL}/comments", data=sent)
    assert answer.status_code == 400 and "data-live" not in answer.text
