"""What decides about a change comes from the target branch, and no path slips past it (5.5)."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.store.tables import facts, looks, pulls, runs
from tests.attacks.cast import Cast, cast_in
from tests.flow.conftest import SITE

CONFIG = """
[protect]
paths = ["ops/", "caf\u00e9/"]

[checks.tests]
run = "sh tests.sh"
parse = "junit"
report = "tests.xml"
"""
PASSING = """
echo '<testsuites><testsuite><testcase name="one"/></testsuite></testsuites>' > tests.xml
"""
FILES = {
    **SITE,
    ".intakebot.toml": CONFIG,
    "tests.sh": PASSING,
    "ops/deploy.sh": "echo deploy\n",
    "caf\u00e9/menu": "tea\n",
}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, checking: House) -> Iterator[Cast]:
    with cast_in(tmp_path_factory.mktemp("trusted"), FILES, checking) as cast:
        yield cast


def changed(cast: Cast, number: int) -> set[str]:
    """Every path that the last look saw changed."""
    pull = sa.select(pulls.c.id).where(pulls.c.number == number).scalar_subquery()
    last = sa.select(looks.c.facts_digest).where(looks.c.pull_id == pull)
    (digest,) = cast.shop.rows(last.order_by(looks.c.id.desc()).limit(1))[0]
    ((body,),) = cast.shop.rows(sa.select(facts.c.body).where(facts.c.digest == digest))
    return set(body["paths"])


def refused(cast: Cast, number: int, *paths: str) -> None:
    """It needs changes because of each of these protected paths."""
    cast.shop.settle(checks=False)
    assert cast.shop.standing(number) == "needs changes", cast.shop.why(number)
    text = cast.shop.status_text(number)
    for path in paths:
        assert f"{path}` is protected" in text, text


# --- the configuration itself ---------------------------------------------------------


def test_a_change_that_frees_itself_is_judged_by_what_is_there(cast: Cast) -> None:
    free = "[review]\napprovals = 0\n[protect]\npaths = []\n"
    number = cast.opens({".intakebot.toml": free, "ops/deploy.sh": "echo mine\n"})
    refused(cast, number, ".intakebot.toml", "ops/deploy.sh")
    cast.shop.settle()
    assert [state for state, _ in cast.shop.runs()] == ["done"]
    cast.shop.says(cast.grace, number, "/approve")
    assert "It stands at *needs changes*" in cast.shop.says(cast.grace, number, "/merge")


def test_attributes_and_submodules_are_protected_wherever_they_stand(cast: Cast) -> None:
    files = {".gitattributes": "* -diff\n", "docs/.gitattributes": "* merge=union\n"}
    number = cast.opens({**files, ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ../x\n'})
    refused(cast, number, ".gitattributes", "docs/.gitattributes", ".gitmodules")


@pytest.mark.parametrize(
    "path",
    ["bitbucket-pipelines.yml", ".github/workflows/ci.yml", "app/Jenkinsfile", ".gitlab-ci.yml"],
)
def test_what_tells_other_ci_what_to_run_is_protected(cast: Cast, path: str) -> None:
    refused(cast, cast.opens({path: "run: curl https://example.com\n"}), path)


# --- other names for a protected place ------------------------------------------------


def test_moving_a_protected_file_away_without_a_changed_line_is_seen(cast: Cast) -> None:
    clone, ada = cast.clone, cast.ada
    ada.must("switch", "--quiet", "-C", "moving", "origin/main", within=clone)
    (clone / "safe").mkdir()
    ada.must("mv", "ops/deploy.sh", "safe/deploy.sh", within=clone)
    ada.must("commit", "--quiet", "--message", "Tidy up a little", within=clone)
    head = ada.must("rev-parse", "HEAD", within=clone).strip()
    number = cast.brings(head)
    refused(cast, number, "ops/deploy.sh")
    assert {"ops/deploy.sh", "safe/deploy.sh"} <= changed(cast, number)


def test_a_link_in_the_place_of_a_protected_folder_is_seen(cast: Cast) -> None:
    link = ("120000", cast.blob(b"docs"))
    number = cast.brings(cast.commit({b"ops": link}))
    refused(cast, number, "ops")


def test_names_that_other_systems_take_for_the_protected_one_are_seen(cast: Cast) -> None:
    below = ("040000", cast.tree({b"deploy.sh": ("100644", cast.blob(b"echo mine\n"))}))
    names = ["OPS", "ops.", "OPS~1", "cafe\u0301"]
    number = cast.brings(cast.commit({name.encode(): below for name in names}))
    refused(cast, number, *(f"{name}/deploy.sh" for name in names))


def test_a_path_is_shown_and_is_never_a_line_of_its_own(cast: Cast) -> None:
    torn = ("100644", cast.blob(b"<<<<<<< HEAD\n1\n>>>>>>> x\n"))
    names = [b"-rf", b":(top)x", b'q"`x`', b"\xff\xfe", "x\u202ey".encode()]
    broken = ("040000", cast.tree({b"merge\n": torn}))
    number = cast.brings(cast.commit({**dict.fromkeys(names, torn), b"a\n": broken}))
    cast.shop.settle(checks=False)
    text = cast.shop.status_text(number)
    assert not [line for line in text.splitlines() if line.strip().startswith("/merge")]
    for shown in ("a\\x0a/merge\\x0a:1", "-rf:1", ":(top)x:1", 'q"`x`:1', "x\\u202ey:1"):
        assert shown in text
    assert len(changed(cast, number)) == len(names) + 1


# --- what a merge brings --------------------------------------------------------------


def merged(cast: Cast, branch: str, *options: str, also: Mapping[str, str] | None = None) -> Path:
    """A clone on a branch that has a page of its own and has merged main, not yet committed."""
    shop, clone, ada = cast.shop, cast.clone, cast.ada
    ada.must("switch", "--quiet", "-C", branch, "origin/main", within=clone)
    ada.commit(clone, {f"{branch}.html": "<p>New</p>\n"}, "Add a page")
    shop.by_hand("main", {"ops/deploy.sh": f"echo mended for {branch}\n", **(also or {})})
    ada.must("fetch", "--quiet", "origin", within=clone)
    ada.must("merge", "--quiet", "--no-commit", *options, "origin/main", within=clone)
    return clone


def test_what_only_a_merge_commit_holds_is_seen(cast: Cast) -> None:
    clone = merged(cast, "evil-merge")
    (clone / "ops" / "deploy.sh").write_text("echo mine\n")
    cast.ada.must("commit", "--quiet", "--all", "--message", "Merge main", within=clone)
    number = cast.brings(cast.ada.must("rev-parse", "HEAD", within=clone).strip())
    refused(cast, number, "ops/deploy.sh")


def test_a_merge_that_takes_back_what_main_has_mended_is_seen(cast: Cast) -> None:
    clone = merged(cast, "ours", "--strategy=ours")
    cast.ada.must("commit", "--quiet", "--message", "Merge main", within=clone)
    number = cast.brings(cast.ada.must("rev-parse", "HEAD", within=clone).strip())
    refused(cast, number, "ops/deploy.sh")


def test_a_merge_that_takes_back_what_nobody_protects_is_told(cast: Cast) -> None:
    """As `merge -s ours` does, which calls main merged and keeps its own side of every file."""
    clone = merged(cast, "kept", "--strategy=ours", also={"menu.html": "<p>mended</p>\n"})
    cast.ada.must("commit", "--quiet", "--message", "Merge main", within=clone)
    head = cast.ada.must("rev-parse", "HEAD", within=clone).strip()
    number = cast.brings(head)
    cast.shop.settle(checks=False)
    text = cast.shop.status_text(number)
    assert f"menu.html: Commit {head[:12]} merges" in text and "would undo that on" in text

    cast.ada.must("checkout", "--quiet", "origin/main", "--", "menu.html", within=clone)
    cast.ada.must("commit", "--quiet", "--message", "Keep what main has", within=clone)
    number = cast.brings(cast.ada.must("rev-parse", "HEAD", within=clone).strip())
    cast.shop.settle(checks=False)
    assert "menu.html: Commit" not in cast.shop.status_text(number)


def test_a_merge_as_git_makes_it_takes_nothing_back(cast: Cast) -> None:
    clone = merged(cast, "plain", also={"plain.css": "a {}\n"})
    cast.ada.must("commit", "--quiet", "--message", "Merge main", within=clone)
    number = cast.brings(cast.ada.must("rev-parse", "HEAD", within=clone).strip())
    cast.shop.settle(checks=False)
    assert "merges" not in cast.shop.status_text(number)


def test_a_single_merge_of_the_target_with_its_own_past_is_told(cast: Cast) -> None:
    shop, main = cast.shop, cast.plumb("rev-parse", "origin/main")
    shop.by_hand("main", {"news.html": "<p>New</p>\n"})
    cast.ada.must("fetch", "--quiet", "origin", within=cast.clone)
    parents = ("-p", main, "-p", "origin/main")
    head = cast.plumb("commit-tree", f"{main}^{{tree}}", *parents, "-m", "Merge main")
    number = cast.brings(head)
    cast.shop.settle(checks=False)
    assert f"news.html: Commit {head[:12]} merges" in cast.shop.status_text(number)


def test_an_unrelated_history_that_swallows_the_target_is_told(cast: Cast) -> None:
    tree = cast.tree({b"mine.html": ("100644", cast.blob(b"<p>Mine</p>\n"))})
    first = cast.plumb("commit-tree", tree, "-m", "Begin anew")
    head = cast.plumb("commit-tree", tree, "-p", first, "-p", "origin/main", "-m", "Merge main")
    number = cast.brings(head)
    cast.shop.settle(checks=False)
    assert f"index.html: Commit {head[:12]} merges" in cast.shop.status_text(number)


def test_among_five_thousand_files_none_is_overlooked(cast: Cast) -> None:
    page = ("100644", cast.blob(b"<p>One of many</p>\n"))
    many = cast.tree({f"{number:04}.html".encode(): page for number in range(5_000)})
    last = cast.tree({b"zz.sh": page})
    mixed = {b"many": ("040000", many), b"ops": ("040000", last)}
    number = cast.brings(cast.commit(mixed))
    refused(cast, number, "ops/zz.sh")
    assert len(changed(cast, number)) >= 5_001


# --- code of a contributor ------------------------------------------------------------

HOSTILE = r"""
echo "12 passed, 0 failed"
echo '{"outcome": "passed"}'
cat /proc/*/environ /proc/1/cmdline | tr '\0' '\n'
for place in STATE / /etc /root /var/lib/intakebot /opt/intakebot-tools; do
    echo broken out > $place/sentinel-of-ada
done
python3 -c "import socket; socket.create_connection(('127.0.0.1', PORT), 1)"
git -c core.fsmonitor="touch STATE/sentinel-of-ada" status
echo '<testsuites><testsuite><testcase name="one"/></testsuite></testsuites>' > tests.xml
exit 1
"""


def test_the_contributor_s_own_test_script_breaks_nothing_and_decides_nothing(cast: Cast) -> None:
    """Which command runs is the target branch's to say; what it runs may be hostile."""
    shop, state = cast.shop, cast.shop.state
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        script = HOSTILE.replace("STATE", str(state)).replace("PORT", str(port))
        number = cast.opens({"tests.sh": script, "conftest.py": "raise SystemExit(0)\n"})
        shop.settle()
        outside.setblocking(False)
        with pytest.raises(BlockingIOError):
            outside.accept()
    assert shop.standing(number) == "needs changes"
    assert "The check `tests` does not pass" in shop.status_text(number)
    failed = sa.select(runs.c.log).where(runs.c.outcome == "failed").order_by(runs.c.id.desc())
    ((log,),) = shop.rows(failed.limit(1))
    assert "12 passed" in log
    secrets = [*shop.settings.tokens.values(), "test-secret", "test-session-secret"]
    assert not [secret for secret in secrets if secret in log]
    places = (state, Path("/"), Path("/etc"), Path("/root"), Path("/var/lib/intakebot"))
    assert not [place for place in places if (place / "sentinel-of-ada").exists()]
