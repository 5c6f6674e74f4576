"""`intakebot verify`: a house that kept its promises, and each promise broken behind its back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.core.marks import signed
from intakebot.flow import promises
from intakebot.flow.house import House
from intakebot.flow.promises import PROMISES
from intakebot.store import chain, work
from intakebot.store.tables import deliveries, facts, landings, pulls
from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.databases import Databases, everything
from tests.flow.cloud_shop import open_cloud_shop
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.kept import broken
from tests.flow.workshop import Workshop
from tests.forges.bitbucket_cloud.cast import Cast, Clock


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[tuple[Workshop, Callable[[], None]]]:
    """A house in which two changes have landed, one is rejected and one waits for review.

    With what makes its database again what it was.
    """
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(tmp_path_factory.mktemp("lived"), databases, checking, files) as shop:
        author, maintainer = ada(shop), grace(shop)
        for name in ("one", "two"):
            number = shop.opens(author, {f"{name}.html": f"<p>{name}</p>\n"}, branch=name)
            shop.land(maintainer, number)
        bad = shop.opens(author, {"bad.html": "<p>BROKEN</p>\n"}, branch="bad")
        waits = shop.opens(author, {"three.html": "<p>3</p>\n"}, branch="three")
        shop.settle()
        shop.says(author, waits, "/approve")
        shop.says(maintainer, bad, "/hold until Monday\n/nonsense")
        shop.settle()
        shop.house.database.close()
        with databases.kept(shop.house.database.url) as put_back:
            yield shop, put_back


@pytest.fixture
def shop(lived: tuple[Workshop, Callable[[], None]]) -> Iterator[Workshop]:
    """Each test breaks what it likes; the next one finds everything as it was."""
    shop, put_back = lived
    yield shop
    shop.house.database.close()
    put_back()


def run(shop: Workshop, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "intakebot", "verify", *words],
        env={**os.environ, "INTAKEBOT_STATE": str(shop.state), "PORT": str(port(shop))},
        capture_output=True,
        text=True,
        check=False,
    )


def port(shop: Workshop) -> int:
    return int(shop.settings.git_url.rpartition(":")[2]) - 1


def execute(shop: Workshop, *statements: str) -> None:
    with shop.house.database.write() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def reseal(shop: Workshop) -> None:
    """What somebody with the database in hands could do to hide a change: the chain made anew."""
    with shop.house.database.write() as connection:
        old = connection.execute(sa.text("SELECT kind, row, at FROM links ORDER BY seq")).all()
        connection.execute(sa.text("DELETE FROM links"))
        connection.execute(sa.text("UPDATE chain SET seq = 0, hash = ''"))
        for kind, row, _ in old:
            chain.seal(connection, kind, row, shop.now())


def test_a_house_that_kept_its_promises_says_so_and_gives_the_tip_to_keep(shop: Workshop) -> None:
    done = run(shop, "--quiet", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] and [one["id"] for one in told["promises"]] == list(PROMISES)
    seen = {one["id"]: one["looked_at"] for one in told["promises"]}
    assert seen["I3"] == 4 and seen["I4"] == 2 and seen["I10"] == 6 and seen["I13"] > 10
    again = run(shop, "--holds", told["chain"])
    assert again.returncode == 0 and "All 9 promises" in again.stdout, again.stderr


def test_it_changes_nothing(shop: Workshop) -> None:
    before, at_forge = everything(shop.house.database), shop.forge_seq()
    assert run(shop, "--quiet").returncode == 0
    assert shop.forge_seq() == at_forge
    assert everything(shop.house.database) == before


# What somebody with the database in hands does -> the promise it breaks, and how that is said.
SQL: dict[str, tuple[str, str, str]] = {
    "a delivery that nobody looks at": (
        "I1",
        "INSERT INTO deliveries (forge, delivery_id, received_at, headers, body, body_sha256)"
        " VALUES ('git', 'lost', 5, '{}', '', '')",
        "nobody was told to look",
    ),
    "a standing that is not true": (
        "I3",
        "UPDATE pulls SET state = 'ready' WHERE number = 4",
        "it stands at ready",
    ),
    "a check that did not pass": (
        "I4",
        "UPDATE runs SET outcome = 'failed' WHERE outcome = 'passed'",
        "ended as failed",
    ),
    "a check of another tree": (
        "I4",
        "UPDATE runs SET tree = substr(tree, 2) || '0'",
        "ran on another tree",
    ),
    "a check that was left out": ("I4", "UPDATE landings SET checks = '[]'", "did not run on it"),
    "another tree than was pushed": (
        "I4",
        "UPDATE landings SET tree = base WHERE number = 2",
        "another tree than the receipt says",
    ),
    "a landing that went back": (
        "I5",
        "UPDATE landings SET id = id + 10 WHERE number = 1",
        "without",
    ),
    "a lease that was overtaken": (
        "I6",
        "UPDATE landings SET fence = fence + 9 WHERE number = 1",
        "under lease",
    ),
    "a /merge that nobody said": ("I7", "DELETE FROM words WHERE name = 'merge'", "nobody said"),
    "a command without an answer": (
        "I10",
        "DELETE FROM receipts WHERE kind = 'PostComment'",
        "never answered",
    ),
    "a receipt that was changed": (
        "I13",
        "UPDATE receipts SET head = 'x' WHERE id = 3",
        "changed afterwards",
    ),
    "a receipt that was taken out": ("I13", "DELETE FROM receipts WHERE id = 3", "is gone"),
    "a receipt that was put in": (
        "I13",
        "INSERT INTO receipts (pull_id, key, kind, state, head, rules_digest, detail, at, done_at)"
        " VALUES (1, 'k', 'SetStatus', 'done', 'h', 'r', '{}', 5, 5)",
        "never sealed",
    ),
    "a link that was taken out": ("I13", "DELETE FROM links WHERE seq = 4", "link 4 is missing"),
    "the newest links cut off": (
        "I13",
        "DELETE FROM links WHERE seq > (SELECT MAX(seq) - 2 FROM links)",
        "newest links are missing",
    ),
}


@pytest.mark.parametrize(("promise", "statement", "words"), SQL.values(), ids=SQL.keys())
def test_a_promise_that_was_broken_is_named_with_its_evidence(
    shop: Workshop, promise: str, statement: str, words: str
) -> None:
    execute(shop, statement)
    found = [one for one in broken(shop.house) if one.startswith(f"{promise}: ")]
    assert found and words in found[0], broken(shop.house)


def test_facts_that_were_touched_up_are_found(shop: Workshop) -> None:
    with shop.house.database.write() as connection:
        for row in connection.execute(sa.select(facts)).all():
            touched = sa.update(facts).where(facts.c.digest == row.digest)
            connection.execute(touched.values(body={**row.body, "approvals": 2}))
    found = [one for one in broken(shop.house) if one.startswith("I7: ")]
    assert found and "changed afterwards" in found[0], broken(shop.house)


def test_the_command_prints_the_first_broken_one_and_exits_1(shop: Workshop) -> None:
    execute(shop, "UPDATE runs SET outcome = 'failed' WHERE outcome = 'passed'")
    done = run(shop)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout and "#1: check words ended as failed" in done.stdout
    assert "commit: " in done.stdout and "I5" not in done.stdout


def test_a_chain_made_anew_to_hide_a_change_is_known_by_a_tip_that_was_kept(
    shop: Workshop,
) -> None:
    with shop.house.database.read() as connection:
        kept = str(chain.tip(connection))
    execute(shop, "UPDATE receipts SET head = 'x' WHERE id = 3")
    reseal(shop)
    assert run(shop, "--offline").returncode == 0
    done = run(shop, "--offline", "--holds", kept)
    assert done.returncode == 1 and "cut or redone" in done.stdout


def test_a_branch_that_no_longer_holds_what_landed_is_found(shop: Workshop) -> None:
    (last,) = shop.rows(sa.select(landings).where(landings.c.number == 2))
    tip = shop.branch("main")
    shop.served("update-ref", "refs/heads/main", last.base)
    try:
        found = broken(shop.house)
    finally:
        shop.served("update-ref", "refs/heads/main", tip)
    assert any(one.startswith("I5: main is at") for one in found), found


def test_a_comment_that_stands_twice_is_found(tmp_path: Path, databases: Databases) -> None:
    clock = Clock()
    with (
        databases.house(tmp_path / "state"),
        BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud,
    ):
        cast = Cast(cloud, tmp_path, clock)
        cloud_shop = open_cloud_shop(tmp_path, cast)
        number, _ = cast.opens(title="Put a banner on the home page")
        cloud_shop.settle()
        assert broken(cloud_shop.house) == []
        cast.says(cast.bot, number, signed("Once more.", "status"))
        found = broken(cloud_shop.house)
        cloud_shop.house.database.close()
    assert [one for one in found if one.startswith("I2: ") and "2 times" in one], found


def test_while_work_is_under_way_nothing_is_called_broken(shop: Workshop) -> None:
    with shop.house.database.write() as connection:
        rows = connection.execute(sa.select(pulls).where(pulls.c.number.in_((3, 4))))
        told, other = sorted(rows, key=lambda row: row.number)
        delivery = {"forge": "git", "delivery_id": "new", "headers": {}, "body": b""}
        place = {"body_sha256": "", "repo_id": told.repo_id, "pull_id": told.id, "wanted": 999}
        values = {**delivery, **place, "received_at": shop.now()}
        connection.execute(sa.insert(deliveries).values(**values))
        work.nudge(connection, pulls, other.id, shop.now())
        connection.execute(sa.update(pulls).where(pulls.c.id == other.id).values(state="ready"))
    assert run(shop).returncode == 0
    done = run(shop, "--quiet")
    assert done.returncode == 1 and "nobody has looked since it came" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--holds", "12"], 2, "is not a tip"),
        (["--state", "/nowhere"], 3, "there is no house here"),
    ],
)
def test_what_cannot_be_asked_is_no_broken_promise(
    shop: Workshop, words: list[str], code: int, says: str
) -> None:
    done = run(shop, *words)
    assert done.returncode == code and says in done.stderr


def test_every_promise_is_a_file_and_a_line() -> None:
    folder = Path(promises.__file__).parent
    names = {path.stem for path in folder.glob("*.py")} - {"__init__", "audit"}
    assert names == {module.__name__.rpartition(".")[2] for module in PROMISES.values()}
