"""Rules are refused when they are wrong, and judge fairly, completely and without harm."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from intakebot.core.rules import (
    BadRule,
    judge,
    neutral_facts,
    read_rule,
    read_rules,
    rules_digest,
    try_example,
)
from intakebot.model import Facts, Level, VerdictState

SMALL = """
id      = "small"
level   = "error"
summary = "Changes are small"
applies = "!draft"
flags   = "added_lines > 10 ? [title, target_branch] : []"
message = "`{item}` is too big for {author_login}."
fix     = "Make it smaller."

[[example]]
name  = "eleven lines are too many"
given = { added_lines = 11, title = "Add it all" }
flags = ["Add it all", "main"]

[[example]]
name  = "ten lines are fine"
given = { added_lines = 10 }
flags = []
"""


def small(**changed: str) -> str:
    """The rule above with other values (TOML) for some keys; an empty value drops the key."""
    lines = []
    for line in SMALL.splitlines():
        key = line.split("=")[0].strip()
        if key in changed:
            value = changed.pop(key)
            lines += [f"{key} = {value}"] if value else []
        else:
            lines.append(line)
    return "\n".join([*(f"{key} = {value}" for key, value in changed.items()), *lines])


def refusal(text: str, name: str = "small.toml") -> str:
    with pytest.raises(BadRule) as refused:
        read_rule(name, text)
    return str(refused.value)


# --- reading --------------------------------------------------------------------------


def test_a_rule_is_read_whole() -> None:
    rule = read_rule("small.toml", small(grace='"90m"'))

    assert (rule.id, rule.level, rule.grace) == ("small", Level.ERROR, 5_400)
    assert [example.name for example in rule.examples] == [
        "eleven lines are too many",
        "ten lines are fine",
    ]
    assert [try_example(rule, example) for example in rule.examples] == [None, None]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"applies": '"!drft"'}, "applies: there is no fact 'drft'. Did you mean 'draft'?"),
        ({"flags": '"titel"'}, "flags: there is no fact 'titel'. Did you mean 'title'?"),
        ({"flags": '"draft"'}, "flags: gives bool, where a list of texts is needed"),
        ({"applies": "3"}, "applies: must be a text, and not an empty one"),
        ({"level": '"eror"'}, "is none of reject, error, warning, note. Did you mean 'error'?"),
        ({"level": ""}, "level: is missing"),
        ({"fix": ""}, "fix: is missing"),
        ({"summary": '" "'}, "summary: must be a text"),
        ({"id": '"smal"'}, "id: is 'smal', but the file is 'small'; they must be the same"),
        ({"id": '"Small Rule"'}, "id: 'Small Rule' is not made of lower-case words joined by '-'"),
        ({"aplies": '"true"'}, "aplies: no such key. Did you mean 'applies'?"),
        ({"grace": '"1 day"'}, 'grace: \'1 day\' is not a time; write it as "90m", "24h"'),
        ({"grace": '"-2d"'}, "grace: '-2d' is not a time"),
        ({"grace": "24"}, "grace: '24' is not a time"),
        ({"grace": '"٣d"'}, "is not a time"),
        ({"message": '"{titel}"'}, "there is no placeholder '{titel}'. Did you mean 'title'?"),
        ({"message": '"all of {paths}"'}, "message: there is no placeholder '{paths}'."),
        ({"fix": '"git rm {item}"'}, "fix: there is no placeholder '{item}'. Did you mean"),
        ({"message": '"`{item} is open"'}, "message: a backtick or a fence is opened"),
        ({"message": '"[here]({pull_url})"'}, "a placeholder cannot be the address of a link"),
        ({"message": '{ de = "Zu groß" }'}, "message: has no 'default' beside its languages"),
        ({"fix": "'''\n```sh\necho \"{title}\"\n```\n'''"}, "fix: {title} stands in quotes"),
        ({"case": "3"}, "case: write it as [[case]]"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_key_fault_and_cure(
    changed: dict[str, str], complaint: str
) -> None:
    said = refusal(small(**changed))

    assert said.startswith("small.toml: ")
    assert complaint in said


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("given = { drft = true }", "example 1: given: there is no fact 'drft'. Did you mean"),
        ("given = { draft = 1 }", "example 1: given: draft must be true or false"),
        ("given = { added_lines = true }", "given: added_lines must be a whole number"),
        ("given = { title = 3 }", "given: title must be a text"),
        ("given = { checks_failed = [1] }", "given: checks_failed must be a list of texts"),
        ("given = 3", "given: must be a table of facts"),
        ("given = {}\nflag = []", "example 1: flag: no such key. Did you mean 'flags'?"),
    ],
)
def test_a_wrong_example_is_refused(line: str, complaint: str) -> None:
    text = SMALL.replace('given = { added_lines = 11, title = "Add it all" }', line)

    assert complaint in refusal(text)


def test_a_rule_must_show_both_sides() -> None:
    assert "none is clean; add one with flags = []" in refusal(SMALL.rsplit("[[example]]", 1)[0])
    only_clean = SMALL.replace('flags = ["Add it all", "main"]', "flags = []")
    assert "none is flagged" in refusal(only_clean)
    assert "none is flagged" in refusal(SMALL.split("[[example]]")[0])


def test_an_example_must_say_what_comes_out() -> None:
    assert "example 2: flags: say which flags" in refusal(SMALL.removesuffix("flags = []\n"))


def test_all_faults_of_all_files_are_told_at_once() -> None:
    files = {
        "small.toml": small(applies='"drft"', level='"loud"', flags='"titel"'),
        "other.toml": "id = ",
    }

    with pytest.raises(BadRule) as refused:
        read_rules(files)

    lines = str(refused.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["other.toml", "not TOML"],
        ["small.toml", "level"],
        ["small.toml", "applies"],
        ["small.toml", "flags"],
    ]


def test_two_rules_cannot_share_an_id() -> None:
    with pytest.raises(BadRule, match=r"id: 'small' is already in extra/small\.toml"):
        read_rules({"small.toml": SMALL, "extra/small.toml": SMALL})


def test_rules_come_sorted_by_id() -> None:
    files = {f"{name}.toml": SMALL.replace('"small"', f'"{name}"') for name in ("b", "c", "a")}

    assert [rule.id for rule in read_rules(files)] == ["a", "b", "c"]


def test_the_digest_changes_with_what_is_judged_or_said_and_with_nothing_else() -> None:
    digest = read_rule("small.toml", SMALL).digest

    for changed in ({"flags": "'[title]'"}, {"fix": '"Other"'}, {"level": '"note"'}):
        assert read_rule("small.toml", small(**changed)).digest != digest
    for same in ("# a comment\n" + SMALL, SMALL.replace("ten lines are fine", "ten will do")):
        assert read_rule("small.toml", same).digest == digest


def test_the_digest_of_a_set_of_rules_does_not_depend_on_their_order() -> None:
    one, other = read_rule("small.toml", SMALL), read_rule("small.toml", small(level='"note"'))

    assert rules_digest([one, other]) == rules_digest([other, one])
    assert rules_digest([one]) != rules_digest([other])


# --- judging --------------------------------------------------------------------------


def test_the_message_is_said_for_each_offender() -> None:
    verdict = judge(read_rule("small.toml", SMALL), neutral_facts(added_lines=11, title="All"))

    assert verdict.state is VerdictState.UNSATISFIED
    assert verdict.offenders == ("All", "main")
    assert verdict.text == "- `All` is too big for ada.\n- `main` is too big for ada."
    assert verdict.fix == "Make it smaller."


def test_a_long_list_of_offenders_is_cut_in_words_and_kept_in_the_verdict() -> None:
    rule = read_rule("small.toml", small(flags='"added_lines > 10 ? checks_failed : []"'))
    facts = neutral_facts(added_lines=11, checks_failed=[f"check {i}" for i in range(25)])

    verdict = judge(rule, facts)

    assert len(verdict.offenders) == 25
    assert verdict.text.splitlines()[19:] == ["- `check 19` is too big for ada.", "- and 5 more"]


def test_a_rule_that_does_not_apply_says_so() -> None:
    verdict = judge(read_rule("small.toml", SMALL), neutral_facts(draft=True, added_lines=99))

    assert (verdict.state, verdict.text) == (VerdictState.NOT_APPLICABLE, "")


@pytest.mark.parametrize("key", ["applies", "flags"])
def test_an_error_at_run_time_is_a_broken_verdict_that_tells_the_operator(key: str) -> None:
    source = {"applies": "'1 / number == 1'", "flags": "'[string(1 / number)]'"}[key]
    rule = read_rule("small.toml", small(**{key: source}))

    verdict = judge(rule, neutral_facts(number=0))

    assert verdict.state is VerdictState.BROKEN
    assert verdict.problem == "small.toml: divide by zero"
    assert (verdict.text, verdict.fix, verdict.offenders) == ("", "", ())


def test_a_case_has_its_own_words() -> None:
    case = '[[case]]\nwhen = "commits > 1"\nmessage = "{commits} commits"\nfix = "Squash."\n'
    rule = read_rule("small.toml", SMALL.replace("[[example]]", case + "[[example]]", 1))

    many = judge(rule, neutral_facts(added_lines=11, commits=2))
    one = judge(rule, neutral_facts(added_lines=11, commits=1))

    assert (many.text, many.fix) == ("2 commits", "Squash.")
    assert one.fix == "Make it smaller."


def test_words_come_in_the_language_that_is_asked_for() -> None:
    rule = read_rule("small.toml", small(message='{ default = "Too big", de = "Zu groß" }'))
    facts = neutral_facts(added_lines=11)

    assert judge(rule, facts, "de").text == "Zu groß"
    assert judge(rule, facts, "fr").text == judge(rule, facts).text == "Too big"


def test_an_example_that_does_not_hold_is_told_in_words() -> None:
    rule = read_rule("small.toml", small(flags='"added_lines > 5 ? [title] : []"'))
    flagged, clean = rule.examples

    assert try_example(rule, clean) == "wanted flags [], got ['Add a banner to the home page']"
    wrong = replace(flagged, flags=None, status=VerdictState.SATISFIED)
    assert try_example(rule, wrong) == "wanted satisfied, got unsatisfied"
    draft = replace(clean, given={"draft": True})
    assert try_example(rule, draft) == "wanted flags [], got not-applicable"


# --- whatever the facts ---------------------------------------------------------------

TEXT = st.one_of(
    st.text(st.characters()), st.sampled_from(["$(id)", "a|b", "`x`", "x\u202ey", "```", "\0"])
)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    list[str]: st.lists(TEXT, max_size=4),
}
ANY_FACTS = st.fixed_dictionaries(
    {name: VALUES[hint] for name, hint in get_type_hints(Facts).items()}
).map(lambda values: Facts(**values))

EVERY_PLACE = small(
    applies="",
    flags="'checks_failed + conflict_files + [title]'",
    message='''"""
{item} `{item}` {title} {number} {draft} {checks_failed} `git switch {source_branch}`

```text
{item}
{description}
```
"""''',
    fix='''"""
{items}

~~~
{title}
~~~

```sh
printf '%s\\\\0' {source_branch} refs/heads/{title} {items}
```
"""''',
)


SMALL_RULE = read_rule("small.toml", SMALL)
EVERYWHERE = read_rule("small.toml", EVERY_PLACE)


@settings(deadline=None)
@given(ANY_FACTS)
def test_judging_never_raises_and_always_gives_a_whole_verdict(facts: Facts) -> None:
    for rule in (SMALL_RULE, EVERYWHERE):
        verdict = judge(rule, facts)

        assert bool(verdict.offenders) is (verdict.state is VerdictState.UNSATISFIED)
        assert bool(verdict.problem) is (verdict.state is VerdictState.BROKEN)
        assert all(isinstance(offender, str) for offender in verdict.offenders)


@settings(deadline=None)
@given(st.fixed_dictionaries({name: TEXT for name in ("title", "description", "source_branch")}))
def test_no_fact_can_forge_markdown(texts: dict[str, str]) -> None:
    verdict = judge(EVERYWHERE, neutral_facts(**texts))

    hostile = MarkdownIt().parse(verdict.text + "\n\n" + verdict.fix)
    tame = judge(EVERYWHERE, neutral_facts(title="x", description="x", source_branch="x"))
    plain = MarkdownIt().parse(tame.text + "\n\n" + tame.fix)
    assert [token.type for token in hostile] == [token.type for token in plain]
    inside = {child.type for token in hostile for child in token.children or []}
    assert inside <= {"text", "text_special", "code_inline", "softbreak"}


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXT.filter(lambda text: "\0" not in text and _is_utf8(text)), max_size=3), TEXT)
def test_a_command_in_the_fix_gets_every_value_as_one_word(items: list[str], branch: str) -> None:
    branch = "".join(c for c in branch if c != "\0" and _is_utf8(c))
    facts = neutral_facts(source_branch=branch, title="$(touch x)`id`", checks_failed=items)
    verdict = judge(EVERYWHERE, facts)
    fence = [token for token in MarkdownIt().parse(verdict.fix) if token.type == "fence"][-1]

    run = subprocess.run(["bash", "-c", fence.content], capture_output=True, check=True, timeout=10)

    words = [branch, "refs/heads/" + facts.title, *items, facts.title]
    assert run.stdout.decode().split("\0") == [*words, ""]


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
