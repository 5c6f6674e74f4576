"""`intakebot people` keeps the roster and makes the accounts that go with it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.gitforge.forge import GitForge
from intakebot.model import Account, Group, Person, Role
from intakebot.settings import load
from intakebot.store import people as roster
from intakebot.store.database import Database
from tests.databases import Databases
from tests.gitforge.world import running

CSV = "login,name,group,agency,roles\n"


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    return tmp_path / "house"


@pytest.fixture
def state(tmp_path: Path, databases: Databases) -> Iterator[Path]:
    with databases.house(tmp_path / "house"):
        yield tmp_path / "house"


def run(state: Path, *words: str | Path) -> Result:
    environ = {"INTAKEBOT_STATE": str(state), "DATABASE_URL": None}
    return CliRunner().invoke(main, ["people", *map(str, words)], env=environ)


def fine(state: Path, *words: str | Path) -> str:
    done = run(state, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(state: Path) -> list[dict[str, Any]]:
    found = json.loads(fine(state, "list", "--json"))
    assert isinstance(found, list)
    return found


@contextmanager
def database(state: Path) -> Iterator[Database]:
    found = Database(load(state, {}).database_url)
    try:
        yield found
    finally:
        found.close()


def who(state: Path, account: str, now: datetime) -> Person:
    with database(state) as found, found.read() as connection:
        return roster.who(connection, "git", Account(account, "ada"), now)


# --- add ------------------------------------------------------------------------------


def test_somebody_new_gets_an_account_and_a_token_that_opens_the_forge(state: Path) -> None:
    words = ("add", "ada", "--name", "Ada Alder", "--group", "staff", "--role", "maintainer")
    said = fine(state, *words).splitlines()
    assert said[0] == "added ada: staff, maintainer"
    token = said[-1]
    with running(state) as server:
        user = server.get(type(server.bot("bot"))("ada", "", token), "/user")
    assert (user["login"], user["name"], user["scope"]) == ("ada", "Ada Alder", "person")
    assert listed(state) == [
        {
            "name": "Ada Alder",
            "group": "staff",
            "agency": "",
            "roles": ["maintainer"],
            "from": None,
            "until": None,
            "accounts": [{"forge": "git", "account": user["id"], "login": "ada"}],
        }
    ]


@pytest.mark.parametrize(("role", "level"), [("maintainer", "write"), ("contributor", "read")])
def test_somebody_new_is_let_in_by_the_next_command(state: Path, role: str, level: str) -> None:
    said = run(state, "add", "ada", "--group", "staff", "--role", role).stderr
    assert said == f"No repository is open to them yet: intakebot repo grant ada {level}\n"
    assert run(state, "add", "ada", "--group", "staff", "--new-token").stderr == ""


def test_a_second_run_changes_the_row_and_says_what_changed(state: Path) -> None:
    fine(state, "add", "ada", "--name", "Ada", "--group", "staff", "--role", "owner")
    words = ("add", "ada", "--group", "agency", "--agency", "Pixel", "--until", "2030-01-01")
    said = fine(state, *words)
    assert said == (
        "changed ada: group: staff → agency; agency: none → Pixel; "
        "roles: owner → none; until: open → 2030-01-01\n"
    )
    (person,) = listed(state)
    assert (person["name"], person["agency"], person["roles"]) == ("Ada", "Pixel", [])


def test_the_same_again_says_so_and_prints_no_token(state: Path) -> None:
    words = ("add", "ada", "--group", "staff")
    first = fine(state, *words)
    assert len(first.splitlines()) == 3
    assert fine(state, *words) == "unchanged ada\n"
    assert len(listed(state)) == 1


def test_a_new_token_is_made_only_when_asked_for(state: Path) -> None:
    old = fine(state, "add", "ada", "--group", "staff").splitlines()[-1]
    new = fine(state, "add", "ada", "--group", "staff", "--new-token").splitlines()[-1]
    assert new != old and len(new) == len(old) > 40


def test_an_account_without_a_roster_row_is_used_and_a_token_offered(state: Path) -> None:
    forge = GitForge(state)
    forge.migrate()
    id = forge.add_person("ada")
    said = fine(state, "add", "ada", "--group", "staff").splitlines()
    assert said == [
        "added ada: staff, no role",
        "The account was there already; --new-token makes another token for it.",
    ]
    assert listed(state)[0]["accounts"][0]["account"] == id


def test_days_turn_at_midnight_utc_and_until_is_the_first_day_without(state: Path) -> None:
    days = ("--from", "2026-03-01", "--until", "2026-04-01")
    fine(state, "add", "ada", "--group", "staff", "--role", "owner", *days)
    id = listed(state)[0]["accounts"][0]["account"]
    moments = {
        datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC): Group.OUTSIDER,
        datetime(2026, 3, 1, tzinfo=UTC): Group.STAFF,
        datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC): Group.STAFF,
        datetime(2026, 4, 1, tzinfo=UTC): Group.OUTSIDER,
    }
    assert {now: who(state, id, now).group for now in moments} == moments
    assert who(state, id, datetime(2026, 3, 1, tzinfo=UTC)).roles == {Role.OWNER}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--group", "agency"), "group agency needs the agency's name"),
        (("--group", "staff", "--from", "tomorrow"), "is not a day; write it like 2026-12-31"),
        (("--group", "outsider"), "'outsider' is not one of"),
        ((), "Missing option '--group'"),
        (("--group", "staff", "--forge", "got"), "Did you mean 'git'?"),
    ],
)
def test_a_wrong_word_is_asked_wrongly_and_makes_nothing(
    nowhere: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(nowhere, "add", "ada", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not nowhere.exists()


def test_an_account_id_that_is_somebody_elses_is_refused(state: Path) -> None:
    fine(state, "add", "ada", "--group", "staff")
    done = run(state, "add", "ada", "--group", "staff", "--account", "999")
    assert done.exit_code == 1
    assert "account: '999' is not that of ada; it is " in done.stderr


# --- import ---------------------------------------------------------------------------


def test_an_import_adds_changes_and_counts(state: Path, tmp_path: Path) -> None:
    fine(state, "add", "wim", "--group", "staff", "--role", "owner")
    fine(state, "add", "bob", "--group", "contractor")
    file, tokens = tmp_path / "team.csv", tmp_path / "tokens"
    file.write_text(
        CSV + "ada,=1+1,agency,Pixel,contributor\nwim,,staff,,maintainer\nbob,,contractor,,\n"
    )

    said = fine(state, "import", file, "--tokens", tokens)

    assert said.splitlines() == [
        "added ada: agency Pixel, contributor",
        "changed wim: roles: owner → maintainer",
        "1 added, 1 changed, 1 unchanged",
    ]
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    (line,) = tokens.read_text().splitlines()
    login, token = line.split(" ")
    with running(state) as server:
        assert server.get(type(server.bot("bot"))(login, "", token), "/user")["login"] == "ada"
    assert {person["name"] for person in listed(state)} == {"=1+1", "wim", "bob"}


def test_an_import_without_a_token_file_prints_each_token_on_its_own_line(
    state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "team.toml"
    file.write_text('[[person]]\nlogin = "ada"\ngroup = "staff"\nfrom = 2026-01-01\n')
    said = fine(state, "import", file).splitlines()
    assert len(said[-1]) > 40 and " " not in said[-1]


def test_one_fault_keeps_everybody_out(state: Path, tmp_path: Path) -> None:
    fine(state, "add", "wim", "--group", "staff")
    file, tokens = tmp_path / "team.csv", tmp_path / "tokens"
    file.write_text(CSV + "ada,,staff,,\nbob,,stuff,,\n")
    done = run(state, "import", file, "--tokens", tokens)
    assert done.exit_code == 1
    assert "team.csv: line 3: group: 'stuff' is not a group. Did you mean 'staff'?" in done.stderr
    assert [person["name"] for person in listed(state)] == ["wim"]
    assert not tokens.exists()
    fine(state, "add", "ada", "--group", "staff")  # a token now: the account had not been made


def test_a_dry_run_says_the_same_and_changes_nothing(state: Path, tmp_path: Path) -> None:
    fine(state, "add", "wim", "--group", "staff")
    file = tmp_path / "team.csv"
    file.write_text(CSV + "ada,,staff,,\nwim,,contractor,,\n")
    before = listed(state)
    said = fine(state, "import", file, "--dry-run")
    assert said.splitlines() == [
        "added ada: staff, no role",
        "changed wim: group: staff → contractor",
        "1 added, 1 changed, 0 unchanged",
        "Nothing was changed; leave out --dry-run to do it.",
    ]
    assert listed(state) == before
    assert len(fine(state, "add", "ada", "--group", "staff").splitlines()) == 3  # a new account


def test_a_token_file_that_is_there_is_never_overwritten(state: Path, tmp_path: Path) -> None:
    file, tokens = tmp_path / "team.csv", tmp_path / "tokens"
    file.write_text(CSV + "ada,,staff,,\n")
    tokens.write_text("precious\n")
    done = run(state, "import", file, "--tokens", tokens)
    assert done.exit_code == 1
    assert f"{tokens}: can't be made: File exists; name a file that is not there yet" in done.stderr
    assert tokens.read_text() == "precious\n"
    assert listed(state) == []


def test_a_file_that_is_not_text_is_refused(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "team.csv"
    file.write_bytes(b"\xff\xfe\x00")
    done = run(state, "import", file)
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr and "save it as UTF-8" in done.stderr


def test_two_entries_for_one_linked_person_are_refused(state: Path, tmp_path: Path) -> None:
    fine(state, "add", "ada", "--group", "staff")
    fine(state, "add", "ada2", "--group", "staff")
    other = next(p for p in listed(state) if p["name"] == "ada2")["accounts"][0]["account"]
    fine(state, "link", "ada", "git", other)
    file = tmp_path / "team.csv"
    file.write_text(CSV + "ada,,staff,,\nada2,,contractor,,\n")
    done = run(state, "import", file)
    assert done.exit_code == 1
    assert "line 3: login: ada2 is the same person as on line 2" in done.stderr


# --- link and list --------------------------------------------------------------------


def test_a_link_moves_an_account_and_says_whose_it_was(state: Path) -> None:
    fine(state, "add", "ada", "--name", "Ada Alder", "--group", "staff", "--role", "owner")
    fine(state, "add", "ada-home", "--name", "Somebody", "--group", "contractor")
    id = next(p for p in listed(state) if p["name"] == "Somebody")["accounts"][0]["account"]
    said = fine(state, "link", "Ada Alder", "git", id)
    assert said == f"git account {id} (ada-home) belongs to Ada Alder now; it was Somebody's.\n"
    assert who(state, id, datetime.now(UTC)).roles == {Role.OWNER}
    assert fine(state, "link", "ada", "git", id).endswith("Ada Alder, as before.\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("adda", "git", "1"), 2, "nobody on the roster is called 'adda'. Did you mean 'ada'?"),
        (("ada", "gti", "1"), 2, "there is no forge 'gti'. Did you mean 'git'?"),
        (("ada", "git", "99"), 1, "the built-in forge has no account 99"),
        (("Twin", "git", "2"), 2, "'Twin' is 2 people; their logins are ada, bob"),
    ],
)
def test_a_link_to_nobody_in_particular_is_refused(
    state: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    fine(state, "add", "ada", "--name", "Twin", "--group", "staff")
    fine(state, "add", "bob", "--name", "Twin", "--group", "staff")
    done = run(state, "link", *words)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_the_list_is_a_table(state: Path) -> None:
    days = ("--from", "2020-01-01")
    pixel = ("--group", "agency", "--agency", "Pixel & Co", "--role", "contributor")
    fine(state, "add", "ada", "--name", "Ada Alder", *pixel, *days)
    fine(state, "add", "wim", "--group", "staff", "--role", "owner", "--role", "maintainer")
    fine(state, "add", "bob", "--name", "Bob\u202eX", "--group", "staff", "--until", "2020-01-01")
    assert fine(state, "list").splitlines() == [
        "LOGIN  NAME        GROUP   AGENCY      ROLES              VALID",
        "ada    Ada Alder   agency  Pixel & Co  contributor        from 2020-01-01",
        "bob    Bob\\u202eX  staff   -           -                  over since 2020-01-01",
        "wim    wim         staff   -           owner, maintainer  always",
    ]


def test_an_empty_roster_says_how_to_begin(state: Path) -> None:
    state.mkdir(exist_ok=True)
    said = fine(state, "list")
    assert "Nobody is on the roster yet" in said
    assert "intakebot people add LOGIN --group staff --role maintainer" in said
    assert listed(state) == []


def test_a_house_that_is_begun_is_named_and_private(nowhere: Path) -> None:
    done = run(nowhere, "add", "ada", "--group", "staff")
    assert f"Began a house in {nowhere}." in done.stderr
    assert stat.S_IMODE(nowhere.stat().st_mode) == 0o700


def test_a_link_signs_in_whoever_is_named_and_nobody_else(state: Path) -> None:
    run(state, "add", "grace", "--group", "staff", "--role", "maintainer")
    told = run(state, "sign-in", "grace")
    assert told.exit_code == 0 and "/sign-in/" in told.output
    assert told.output != run(state, "sign-in", "grace").output
    assert run(state, "sign-in", "zoe").exit_code != 0
