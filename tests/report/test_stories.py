"""How a pull request's story becomes a submission: what counts, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from intakebot.core.metrics.code import has_tests, is_code
from intakebot.core.metrics.described import Fields
from intakebot.core.metrics.stories import (
    CLOSED_BEFORE,
    INSIDER,
    OURS,
    Act,
    Known,
    Story,
    Trespass,
    Verdict,
    Whose,
    submissions,
)
from intakebot.core.metrics.table import Submission
from intakebot.core.metrics.targets import Targets
from intakebot.core.reportfile import read_basis
from intakebot.core.workhours import Calendar
from intakebot.model import Group, OperatorError
from intakebot.report.build import Record, build
from intakebot.report.exports import to_markdown

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
ALWAYS = Calendar()
PEOPLE = {
    "ada": Whose(Group.AGENCY, "Alder", "p1"),
    "ann": Whose(Group.AGENCY, "Alder", "p2"),
    "olga": Whose(Group.STAFF, "unknown", "p3"),
}
NOBODY = Whose(Group.OUTSIDER, "unknown", "p0")


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def verdict(hours: float, head: str, *kinds: str) -> Verdict:
    return Verdict(head, at(hours), frozenset(kinds))


def act(kind: str, who: str, hours: float, head: str = "", state: str = "") -> Act:
    return Act(kind, who, at(hours), head, state)  # type: ignore[arg-type]


def story(*verdicts: Verdict, acts: tuple[Act, ...] = (), **values: object) -> Story:
    made = Story(
        *("git", "site", 1, "u", "ada", (Group.OUTSIDER, ""), START, "open", None, False, ""),
        *("A title", "", 10, True, False, False, 0, (), verdicts, acts),
    )
    return replace(made, **values)  # type: ignore[arg-type]


def known(hours: float = 7) -> Known:
    return Known(
        lambda forge, account, moment: PEOPLE.get(account, NOBODY),
        ALWAYS,
        lambda agency: ALWAYS,
        at(hours),
        tests=("runs tests",),
    )


def one(told: Story) -> Submission:
    (row,) = submissions([told], known()).rows
    return row


def test_a_push_that_leaves_everything_wrong_is_no_fix() -> None:
    row = one(
        story(
            *(verdict(1, "a", "lint", "title"), verdict(2, "b", "lint", "title")),
            verdict(4, "c", "lint"),
            acts=(act("push", "ada", 2, "b"), act("push", "ada", 4, "c")),
        )
    )
    assert (row.first_fix_h, row.fix_censored, row.rounds) == (3.0, False, 3)
    assert not row.first_pass and row.violations == ("lint", "title")


def test_a_fix_that_has_not_come_counts_as_at_least_so_long() -> None:
    row = one(story(verdict(1, "a", "lint")))
    assert (row.first_fix_h, row.fix_censored) == (6.0, True)


def test_a_request_for_changes_takes_the_first_pass_away() -> None:
    asked = act("review", "olga", 2, "a", "changes_requested")
    assert one(story(verdict(1, "a"))).first_pass
    assert not one(story(verdict(1, "a"), acts=(asked,))).first_pass


def test_answers_run_from_our_question_to_anybodys_of_theirs() -> None:
    acts = (
        act("comment", "olga", 1, state="asks"),
        act("comment", "olga", 2),
        act("comment", "ann", 4),
        act("comment", "olga", 5, state="asks"),
    )
    seen = one(story(verdict(1, "a"), acts=acts)).seen
    assert seen is not None and seen.answers == ((3.0, False), (2.0, True))
    assert seen.talk == 3 and seen.review == (0.0, False)


def test_time_is_split_by_whose_turn_it_was() -> None:
    acts = (act("push", "ada", 3, "b"), act("push", "ada", 3, "b"))
    seen = one(story(verdict(1, "a", "lint"), verdict(4, "b"), acts=acts)).seen
    assert seen is not None and (seen.theirs, seen.ours) == (2.0, 5.0)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (story(verdict(1, "a"), author="olga"), INSIDER),
        (story(blocked=True), OURS),
        (story(state="declined", closed=at(2)), CLOSED_BEFORE),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(told: Story, why: str) -> None:
    found = submissions([told], known())
    assert not found.rows
    assert {reason for reasons in found.excluded.values() for reason in reasons} == {why}


@pytest.mark.parametrize(
    "values",
    [{"title": 'Revert "A title"'}, {"description": "This reverts commit abcdef1, sorry."}],
)
def test_a_merged_revert_within_thirty_days_counts_and_a_later_one_does_not(
    values: dict[str, str],
) -> None:
    merged = story(verdict(1, "a"), state="merged", closed=at(2), commit="abcdef1234")
    for days, counts in ((1, True), (31, False)):
        took = story(verdict(1, "b"), number=2, state="merged", closed=at(2 + 24 * days))
        back = replace(took, **values)  # type: ignore[arg-type]
        first, _ = submissions([merged, back], known(24 * 90)).rows
        assert first.reverted is counts and first.seen is not None and not first.seen.young


def test_whom_the_roster_does_not_know_is_who_they_were_then() -> None:
    told = story(verdict(1, "a"), author="gone", then=(Group.AGENCY, "Birch"))
    assert one(told).agency == "Birch"
    assert one(replace(told, then=(Group.OUTSIDER, ""))).agency == "unknown"
    assert one(replace(told, then=(Group.CONTRACTOR, ""))).agency == "contractors"


def test_sequence_numbers_follow_the_first_verdicts() -> None:
    late, early = story(verdict(3, "a"), number=1), story(verdict(1, "b"), number=2)
    for order in ([late, early], [early, late]):
        rows = submissions(order, known()).rows
        assert [(row.pr, row.seq) for row in rows] == [("2", 1), ("1", 2)]


def test_code_and_tests_are_told_by_their_paths() -> None:
    assert is_code(["src/app.ts"]) and not is_code(["README.md", "a.html"])
    for path in ("tests/a.py", "src/__tests__/a.js", "test_a.py", "a.spec.ts", "src/CartTest.php"):
        assert has_tests([path]), path
    assert not has_tests(["src/contest.py", "latest/news.html", "attest.js"])


def test_a_secret_again_after_having_been_told_is_at_risk_whatever_else_passes() -> None:
    def sent(number: int, *kinds: str) -> Story:
        return story(verdict(number, "a", *kinds), number=number)

    told = [sent(1, "no-secrets"), *(sent(number) for number in range(2, 12))]
    for last, advice in ((sent(12), "ready"), (sent(12, "no-secrets"), "at risk")):
        rows = submissions([*told, last], known(100)).rows
        assert build(rows, Targets()).agencies[0].numbers.verdict == advice


def test_a_description_has_what_the_house_asks_for() -> None:
    fields = read_basis('[description]\nticket = "[A-Z]+-[0-9]+"\nmentions = ["tested"]\n').fields
    good = story(verdict(1, "a"), title="WEB-7 Add a page", description="Adds it. Tested by hand.")
    for told, complete in (
        (good, True),
        (replace(good, title="Add a page"), False),
        (replace(good, description="Adds the page for spring."), False),
        (replace(good, description="tested"), False),
        (replace(good, verdicts=(verdict(1, "a", "title-says-what"),)), False),
    ):
        (row,) = submissions([told], replace(known(), fields=fields)).rows
        assert row.seen is not None and row.seen.described is complete
    assert row.seen is not None and row.seen.ticket == "WEB-7"
    short = one(story(verdict(1, "a"), description="Short."))
    assert short.seen is not None and not short.seen.described
    assert short.seen.ticket == "", "nobody asks for one"


def test_a_ticket_that_is_no_pattern_is_refused_with_an_example() -> None:
    with pytest.raises(OperatorError, match=r"description.ticket: .*write for example \[A-Z\]"):
        read_basis('[description]\nticket = "["\n')


def test_many_for_one_ticket_on_one_day_are_worth_a_look() -> None:
    asks = Fields(ticket="[A-Z]+-[0-9]+")
    many = [
        story(verdict(1, "a"), number=n, title=f"WEB-{7 if n < 5 else n + 90} Add a page")
        for n in range(1, 9)
    ]
    told = submissions(many, replace(known(), fields=asks))
    made = build(told.rows, Targets(), None, Record(as_of=at(9)))
    (agency,) = made.agencies
    assert agency.numbers.kept is not None and agency.numbers.kept.split == 1
    assert "on 1 day somebody sent more than 3" in to_markdown(made)
    few = submissions(many[1:], replace(known(), fields=asks))
    assert "Worth a look" not in to_markdown(build(few.rows, Targets(), None, Record(at(9))))


def test_how_far_rounds_depend_on_who_looks_is_told_without_names() -> None:
    found = []
    for n in range(18):
        who = f"boss{n % 3}"
        looked = act("review", who, 2, "a", "approved")
        more = (verdict(3, "b"),) * (n % 3)
        found.append(story(verdict(1, "a"), *more, number=n, acts=(looked,)))
    people = {f"boss{n}": Whose(Group.STAFF, "unknown", f"p{n}") for n in range(3)}
    asked = replace(known(), who=lambda forge, account, at: {**PEOPLE, **people}[account])
    said = to_markdown(build(submissions(found, asked).rows, Targets(), None, Record(at(9))))
    assert "Among the 3 people of ours" in said and "from 1.0 to 3.0 on average" in said
    assert "boss" not in said


RED, GREEN = verdict(1, "a", "lint"), verdict(1, "a")
DAY = 24.0


@pytest.mark.parametrize(
    ("told", "stale"),
    [
        (story(RED, conflicts=(at(8 * DAY),)), "theirs"),
        (story(RED, conflicts=(at(4 * DAY),)), ""),
        (story(GREEN, conflicts=(at(8 * DAY),)), "ours"),
        (story(RED), ""),
        (
            story(
                *(RED, verdict(7 * DAY + 1, "b", "lint")),
                acts=(act("push", "ada", 7 * DAY, "b"),),
                conflicts=(at(8 * DAY),),
            ),
            "",
        ),
        (
            story(
                GREEN,
                acts=(act("comment", "olga", 2, state="asks"), act("comment", "ann", 10 * DAY)),
                conflicts=(at(9 * DAY), at(20 * DAY)),
            ),
            "theirs",
        ),
    ],
    ids=["they waited", "not long", "we waited", "no conflict", "pushed since", "asked"],
)
def test_a_conflict_is_stale_where_the_long_wait_before_it_was_theirs(
    told: Story, stale: str
) -> None:
    (row,) = submissions([told], known(30 * DAY)).rows
    assert row.seen is not None and row.seen.stale == stale


def test_what_reviewers_think_is_told_as_a_median_and_of_few_not_at_all() -> None:
    def of(*scores: int) -> tuple[int, float | None]:
        rows = submissions([story(GREEN, opinions=scores)], known()).rows
        (agency,) = build(rows, Targets(), record=Record(as_of=at(7))).agencies
        assert agency.numbers.kept is not None
        return agency.numbers.kept.opinions, agency.numbers.kept.opinion

    assert of(1, 2, 4, 5, 5) == (5, 4.0)
    assert of(1, 1, 1, 1) == (4, None)
    assert of() == (0, None)


def test_how_soon_we_look_is_told_once_somebody_has() -> None:
    looked = act("review", "olga", 3, "a", "approved")
    for acts, said in (
        ((), "how soon somebody of us looks after that can't be told yet"),
        ((looked,), "somebody of us looked within 2.0 working hours after that"),
    ):
        rows = submissions([story(GREEN, acts=acts)], known()).rows
        assert said in to_markdown(build(rows, Targets(), record=Record(as_of=at(7))))


def test_one_incident_is_once_past_the_pull_requests() -> None:
    rows = submissions([story(GREEN)], known()).rows
    pushed = Trespass("Alder", "p1", at(1), "direct-push")
    told = Record(as_of=at(7), trespasses=[pushed])
    assert "1 time past the pull requests" in to_markdown(build(rows, Targets(), record=told))
