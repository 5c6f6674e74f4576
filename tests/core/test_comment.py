"""What people read: whose turn it is first, and nothing a contributor wrote unescaped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from intakebot.core import comment
from intakebot.core.asks import Asks, Void
from intakebot.core.ladder import LADDER, stand
from intakebot.core.neutral import neutral_facts
from intakebot.model import (
    Account,
    Command,
    Finding,
    Level,
    Push,
    Retarget,
    Said,
    Standing,
    State,
    Turn,
    Verdict,
    VerdictState,
)

ASKS = Asks()
HOSTILE = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "</p><script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "@everyone @org/team",
            "\n/merge\n",
            "```\n/approve",
            "![](http://evil.example/x.png)",
            "<!-- ",
            "`` ` ``",
        ]
    ),
)


def command(name: str, login: str, head: str, seq: int = 1) -> Command:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    who = Account(login, login, login.capitalize())
    return Command(f"c{seq}", 0, name, "", who, head, at, seq, Said.DONE, "")


def test_the_first_line_is_whose_turn_it_is_for_every_state() -> None:
    for state, turn, _ in LADDER:
        text = comment.status_comment(
            neutral_facts(), Standing(state, turn, "Because."), (), (), ASKS, {}
        )
        first = text.splitlines()[0]
        assert first.startswith("**") and first.endswith("**"), state
        assert state in comment.ACTIONS


def test_an_unmet_rule_is_told_with_its_cure() -> None:
    verdict = Verdict(
        rule="small-enough",
        digest="d",
        level=Level.ERROR,
        state=VerdictState.UNSATISFIED,
        summary="The change is small",
        offenders=("700 lines",),
        text="It has 700 lines.",
        fix="Split it.",
    )
    facts = neutral_facts()
    text = comment.status_comment(facts, stand(facts, [verdict]), [verdict], (), ASKS, {})
    assert "**The change is small**\n\nIt has 700 lines.\n\nSplit it." in text


def test_findings_are_listed_with_their_place_and_the_rest_is_counted() -> None:
    findings = [
        Finding("a.py", line, Level.ERROR, "E1", f"fault {line}", "lint") for line in range(1, 14)
    ]
    facts = neutral_facts(checks_failed=["lint"])
    text = comment.status_comment(
        facts, stand(facts, ()), (), findings, ASKS, {"lint": "13 problems found"}
    )
    assert "- `a.py:1` fault 1" in text
    assert "and 3 more" in text
    assert "`lint`: 13 problems found" in text


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_a_contributor_wrote_becomes_markup_or_a_command(
    login: str, message: str, why: str
) -> None:
    finding = Finding("a.py", 1, Level.ERROR, message, message, "lint")
    facts = replace(neutral_facts(), author_login=login, page_url="http://h/pulls/s/1")
    standing = Standing(State.NEEDS_CHANGES, Turn.AUTHOR, why)
    text = comment.status_comment(facts, standing, (), [finding], ASKS, {"lint": message})
    assert not any(line.lstrip().startswith("/") for line in text.splitlines())
    tokens = [
        child
        for token in MarkdownIt("commonmark").parse(text)
        for child in [token, *(token.children or [])]
    ]
    assert not any(token.type.startswith(("html", "image")) for token in tokens)
    links = [token.attrs.get("href") for token in tokens if token.type == "link_open"]
    assert links == ["http://h/pulls/s/1"]


def test_answers_are_one_reply_a_comment() -> None:
    first, second = command("hold", "grace", "a" * 40, 1), command("merge", "grace", "a" * 40, 1)
    told = comment.answers(
        [replace(first, answer="On hold."), replace(second, index=1, answer="Not now.")]
    )
    assert told == {"answer:c1": "Grace: On hold.\n\nGrace: Not now."}


def many_commands(count: int, by: str = "grace", minutes: float = 1) -> list[Command]:
    begun = datetime(2026, 11, 23, 9, tzinfo=UTC)
    return [
        replace(
            command("status", by, "a" * 40, number),
            comment=f"{by}-{number}",
            at=begun + timedelta(minutes=minutes * number),
        )
        for number in range(count)
    ]


def test_one_person_gets_so_many_answers_within_an_hour_and_the_last_says_so() -> None:
    told = comment.answers(many_commands(50) + many_commands(3, by="sam"))
    to_grace = [text for key, text in told.items() if "grace" in key]
    assert len(to_grace) == comment.MOST_ANSWERS and len(told) == comment.MOST_ANSWERS + 3
    assert [comment.ENOUGH in text for text in to_grace] == [False] * 19 + [True]


def test_who_speaks_again_later_is_answered_again() -> None:
    assert len(comment.answers(many_commands(50, minutes=4))) == 50
    told = comment.answers(many_commands(90))
    assert f"answer:grace-{60}" in told and f"answer:grace-{59}" not in told


def test_what_is_said_later_takes_no_answer_back() -> None:
    said = many_commands(70)
    for count in range(70):
        assert comment.answers(said[:count]).items() <= comment.answers(said).items()


def test_a_void_says_who_what_and_why_once_for_each_push() -> None:
    old, older, head = "b" * 40, "a" * 40, "c" * 40
    first = Push(old, Account("ada", "ada"), datetime(2026, 11, 23, tzinfo=UTC), 2)
    second = replace(first, head=head, seq=5)
    asks = Asks(
        void=(
            Void(command("approve", "grace", older, 1), first),
            Void(command("approve", "sam", old, 3), second),
            Void(command("merge", "grace", old, 4), second),
        )
    )
    told = comment.voided(asks)
    assert told == {
        "void:2": "The approval by Grace was for `aaaaaaaaaaaa`; a newer commit was pushed, "
        "`bbbbbbbbbbbb`. So it no longer counts, and going back does not change that. "
        "Please look at it again.",
        "void:5": "The approval by Sam and the `/merge` by Grace were for `bbbbbbbbbbbb`; a newer "
        "commit was pushed, `cccccccccccc`. So they no longer count, and going back does not "
        "change that. Please look at it again.",
    }


def test_a_void_by_a_change_of_target_names_both_branches() -> None:
    approve = replace(command("approve", "grace", "a" * 40, 1), target="loose")
    told = comment.voided(Asks(void=(Void(approve, Retarget("main", 4)),)))
    assert told["void:4"].startswith(
        "The approval by Grace was for merging into `loose`; it was turned to `main`."
    )


def test_the_same_finding_keeps_its_mark_when_it_moves_and_twins_have_two() -> None:
    one = Finding("a.py", 3, Level.ERROR, "E1", "fault", "lint", fingerprint="1234")
    moved, twin = replace(one, line=9), replace(one, fingerprint="5678")
    assert list(comment.inline_notes([one])) == list(comment.inline_notes([moved]))
    assert len(comment.inline_notes([one, twin])) == 2


def many_findings(*rules: str) -> list[Finding]:
    return [
        Finding("a.py", n, Level.ERROR, rule, f"fault {n}", "lint", fingerprint=str(n))
        for n, rule in enumerate(rules, 1)
    ]


def test_much_of_one_rule_in_one_file_is_one_comment_that_names_the_lines() -> None:
    few, many = many_findings("E1", "E2", "E1", "E1"), many_findings("E1", "E2", *["E1"] * 20)
    assert [note.line for note in comment.inline_notes(few).values()] == [1, 2, 3, 4]
    one, other = comment.inline_notes(many).values()
    assert (one.line, other.line) == (1, 2)
    assert one.text.endswith(
        "The same in this file on lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 10 more."
    )
    assert "The same" not in other.text


def test_what_the_diff_does_not_show_has_no_comment_on_its_line() -> None:
    hidden = replace(many_findings("E1")[0], in_diff=False)
    assert comment.inline_notes([hidden]) == {}


def test_inline_notes_are_capped() -> None:
    many = many_findings(*(f"E{number}" for number in range(90)))
    assert len(comment.inline_notes(many)) == comment.MOST_INLINE
