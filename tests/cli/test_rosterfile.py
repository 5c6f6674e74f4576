"""What a roster file may say, and how each fault is answered: file, place, key, fault, cure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.rosterfile import BadRoster, Entry, Row, differences, read_roster
from intakebot.model import Group, Role

FORGES = ("git", "bitbucket")
HEADER = "login,name,group,agency,roles,from,until,forge,account\n"


def faults(file: str, text: str) -> list[str]:
    with pytest.raises(BadRoster) as raised:
        read_roster(file, text, FORGES)
    return str(raised.value).splitlines()


def csv_fault(row: str) -> str:
    (fault,) = faults("team.csv", HEADER + row + "\n")
    return fault


def test_toml_and_csv_say_the_same() -> None:
    toml = """
        [[person]]
        login = "ada"
        name = "Ada Alder"
        group = "agency"
        agency = "Pixel & Co"
        roles = ["contributor", "manager"]
        from = 2026-01-01
        until = "2027-01-01"

        [[person]]
        login = "Wim"
        group = "staff"
        forge = "bitbucket"
        account = 70
    """
    rows = (
        "ada,Ada Alder,agency,Pixel & Co,contributor manager,2026-01-01,2027-01-01,,\n"
        "Wim,,staff,,,,,bitbucket,70\n"
    )
    first, second = read_roster("team.toml", toml, FORGES)
    assert first == Entry(
        "person 1",
        "ada",
        "git",
        "",
        Row(
            "Ada Alder",
            Group.AGENCY,
            "Pixel & Co",
            frozenset({Role.CONTRIBUTOR, Role.MANAGER}),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
    )
    assert second == Entry("person 2", "Wim", "bitbucket", "70", Row("", Group.STAFF))
    same = read_roster("team.csv", HEADER + rows, FORGES)
    assert [(e.login, e.forge, e.account, e.row) for e in same] == [
        (e.login, e.forge, e.account, e.row) for e in (first, second)
    ]


def test_columns_may_be_left_out_and_stand_in_any_order() -> None:
    (entry,) = read_roster("team.csv", "group,login\nstaff,wim\n", FORGES)
    assert (entry.place, entry.login, entry.row) == ("line 2", "wim", Row("", Group.STAFF))


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    text = HEADER + '"wim","=HYPERLINK(""http://x"",""y"")",staff,,,,,,\n'
    (entry,) = read_roster("team.csv", text, FORGES)
    assert entry.row.name == '=HYPERLINK("http://x","y")'


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",Ada,staff,,,,,,", "login: is missing; every person needs one"),
        ("ada,,,,,,,,", "group: is missing; every person needs one"),
        ("ada,,contracter,,,,,,", "'contracter' is not a group. Did you mean 'contractor'?"),
        ("ada,,outsider,,,,,,", "'outsider' is not a group. Choose one of staff, contractor"),
        ("ada,,agency,,,,,,", "agency: is missing; group agency needs the agency's name"),
        ("ada,,staff,Pixel,,,,,", "agency: is 'Pixel'; only group agency has one: leave it out"),
        ("ada,,staff,,maintainr,,,,", "'maintainr' is not a role. Did you mean 'maintainer'?"),
        ("ada,,staff,,,1.2.2026,,,", "from: '1.2.2026' is not a day; write it like 2026-12-31"),
        ("ada,,staff,,,,2026-02-30,,", "until: '2026-02-30' is not a day"),
        ("ada,,staff,,,,20260203,,", "until: '20260203' is not a day"),
        ("ada,,staff,,,2026-02-02,2026-02-02,,", "2026-02-02 is not after from, 2026-02-02"),
        ("ada,,staff,,,,,gti,", "forge: 'gti' is not known. Did you mean 'git'?"),
        ("ada,,staff,,,,,bitbucket,", "account: is missing; write the person's account id"),
        ("Ada,,staff,,,,,,", "login: 'Ada': small letters"),
        ("intakebot,,staff,,,,,,", "login: 'intakebot' is not for people"),
        ('ada,"Ada\nAlder",staff,,,,,,', "name: holds a line break or control character"),
        (f"ada,{'a' * 201},staff,,,,,,", "name: has 201 characters; 200 are the most"),
        ("ada,Alder, Ada,staff,,,,,,", "has 10 cells, not 9; put quotes round a cell"),
    ],
)
def test_each_fault_has_its_place_and_cure(row: str, said: str) -> None:
    fault = csv_fault(row)
    assert fault.startswith("team.csv: line 2: ")
    assert said in fault


def test_all_faults_are_listed_at_once() -> None:
    rows = "ada,,stff,,,x,,,\n\n,,staff,,,,,,\n"
    assert faults("team.csv", HEADER + rows) == [
        "team.csv: line 2: group: 'stff' is not a group. Did you mean 'staff'?",
        "team.csv: line 2: from: 'x' is not a day; write it like 2026-12-31",
        "team.csv: line 4: login: is missing; every person needs one",
    ]


def test_a_quoted_cell_over_lines_does_not_shift_the_line_numbers() -> None:
    rows = 'ada,"A\nB",staff,,,,,,\nwim,,x,,,,,,\n'
    places = [fault.split(": ")[1] for fault in faults("team.csv", HEADER + rows)]
    assert places == ["line 2", "line 4"]


def test_somebody_who_is_there_twice_is_refused() -> None:
    wim, bob = (f"{login},,staff,,,,,bitbucket,7\n" for login in ("wim", "bob"))
    ada = "ada,,staff,,,,,,\n"
    assert faults("team.csv", HEADER + ada + wim + ada + bob) == [
        "team.csv: line 4: login: 'ada' is on line 2 already; keep one of them",
        "team.csv: line 5: account: '7' is on line 3 already; keep one of them",
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("login,group,rolls", "line 1: column 'rolls' is not known. Did you mean 'roles'?"),
        ("login,name", "line 1: column 'group' is missing; add it"),
        ("login,group,login", "line 1: column 'login' is there twice; keep one"),
        ("login;group", "line 1: cells are parted by ';'; save it as CSV with commas"),
        ("", "line 1: column 'login' is missing; add it"),
        ("login,group", "holds nobody; write at least one person"),
    ],
)
def test_a_wrong_header_is_refused(header: str, said: str) -> None:
    assert f"team.csv: {said}" in faults("team.csv", header)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[person]", "is not TOML"),
        ("[person]\nlogin='a'", "person: is not a list; write [[person]] with two brackets"),
        ("person = [1]", "person 1: is 1; write it as a [[person]]"),
        ("[[people]]\nlogin='a'", "people: is not known; every person is a [[person]]"),
        ("[[person]]\nlogin='a'\ngroup='staff'\nrole='x'", "role: is not known. Did you mean"),
        ("[[person]]\nlogin=3\ngroup='staff'", "login: is 3; write it as text, in quotes"),
        ("[[person]]\nlogin='a'\ngroup='staff'\nroles=[1]", "roles: is [1]; write for example"),
        ("[[person]]\nlogin='a'\ngroup='staff'\nfrom=2026-01-01T10:00:00", "is not a day"),
    ],
)
def test_toml_of_another_shape_is_refused(text: str, said: str) -> None:
    found = faults("team.toml", text)
    assert any(fault.startswith("team.toml: ") and said in fault for fault in found)


def test_a_file_of_another_kind_is_refused() -> None:
    assert "must end in .toml or .csv" in faults("team.xlsx", "")[0]


def test_unfinished_quotes_are_refused_with_their_line() -> None:
    assert "team.csv: line 2: is not CSV" in csv_fault('ada,"Ada,staff,,,,,,')


@given(st.text())
def test_whatever_a_file_holds_it_is_read_or_refused(text: str) -> None:
    for file in ("team.toml", "team.csv"):
        try:
            read_roster(file, text, FORGES)
        except BadRoster as refused:
            assert str(refused).startswith(f"{file}: ")


def test_differences_name_only_what_changes() -> None:
    before = Row("Ada", Group.STAFF, roles=frozenset({Role.CONTRIBUTOR}))
    end = datetime(2027, 1, 1, tzinfo=UTC)
    roles = frozenset({Role.MAINTAINER, Role.OWNER})
    after = Row("Ada", Group.AGENCY, "Pixel", roles, None, end)
    assert differences(before, after) == [
        "group: staff → agency",
        "agency: none → Pixel",
        "roles: contributor → owner, maintainer",
        "until: open → 2027-01-01",
    ]
    assert differences(after, after) == []
