"""Conditions are typed when loaded, and answer truly or not at all when run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intakebot.core.expression import (
    BadExpression,
    BrokenExpression,
    compile_condition,
    compile_flags,
)
from intakebot.core.neutral import neutral_facts

MANY = [f"src/package{i % 100}/module{i}.py" for i in range(20_000)]


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("!draft", True),
        ("author_group != 'staff' && commits == 1", True),
        ("added_lines + removed_lines > max_lines", False),
        ('source_branch.matches("^ban")', True),
        ("conflict_files.size() == 0", True),
        ("'main' in [target_branch]", True),
    ],
)
def test_a_condition_asks_facts_by_their_names(source: str, answer: bool) -> None:
    assert compile_condition(source).evaluate(neutral_facts()) is answer


def test_flags_give_the_offenders_in_their_order() -> None:
    flags = compile_flags("checks_failed.filter(name, name != 'b')")

    assert flags.evaluate(neutral_facts(checks_failed=["c", "b", "a"])) == ["c", "a"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("drft", "there is no fact 'drft'. Did you mean 'draft'?"),
        ("titel.size() > 3", "there is no fact 'titel'. Did you mean 'title'?"),
        ("title == 'x' ||\n  drft", "there is no fact 'drft'. Did you mean 'draft'?"),
        ("xyzzy", "there is no fact 'xyzzy'."),
        ('any_pth("x")', "there is no function 'any_pth'. Did you mean 'any_path'?"),
        ("title", "gives string, where true or false is needed"),
        ("dyn(draft)", "gives dyn, where true or false is needed"),
        ("title ==", "line 1, column 9: ends too early"),
        ("draft &&\n )", "line 2, column 2: "),
        ("title + 1 == 'x'", "line 1, column 7: found no matching overload"),
        ("paths.size() > 3", "any_path"),
        ("(" * 40 + "draft" + ")" * 40, "recursion limit"),
    ],
)
def test_a_bad_condition_is_refused_when_it_is_loaded(source: str, complaint: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        compile_condition(source)

    assert complaint in str(refusal.value)


@pytest.mark.parametrize("source", ["title", "draft", "[1, 2]", "[]", "[dyn(title)]", "null"])
def test_flags_must_be_a_list_of_texts(source: str) -> None:
    with pytest.raises(BadExpression, match="where a list of texts is needed"):
        compile_flags(source)


@pytest.mark.parametrize(
    "source",
    [
        "{'a': true}['b']",
        "1 / (commits - commits) == 1",
        "title.matches('(')",
        "any_path('(')",
        "checks_failed[7] == 'x'",
        "int(title) > 0",
        "draft || 1 / (number - 7) > 0",
    ],
)
def test_an_error_is_never_taken_for_an_answer(source: str) -> None:
    with pytest.raises(BrokenExpression):
        compile_condition(source).evaluate(neutral_facts())


def test_an_error_inside_flags_breaks_them() -> None:
    with pytest.raises(BrokenExpression, match="divide by zero"):
        compile_flags("[string(1 / (commits - 1))]").evaluate(neutral_facts())


def test_an_endless_condition_is_stopped() -> None:
    source = "checks_failed.all(a, checks_failed.all(b, checks_failed.all(c, a + b != c)))"
    names = [f"check {i}" for i in range(1_000)]
    began = time.process_time()

    with pytest.raises(BrokenExpression, match="budget"):
        compile_condition(source).evaluate(neutral_facts(checks_failed=names))

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"\.zip$", ["docs/old.zip"]),
        (r"^docs/", ["docs/old.zip", "docs/a\nb.md"]),
        (r"\Adocs/[^/]+\.zip\z", ["docs/old.zip"]),
        (r"(?-m:^)index", ["index.html"]),
        (r"(?i)INDEX", ["index.html"]),
        (r"html.docs", []),
        (r"html\sdocs", []),
        (r"^b\.md$", []),
        (r"", ["index.html", "docs/old.zip", "docs/a\nb.md"]),
    ],
)
def test_each_path_is_searched_on_its_own(pattern: str, found: list[str]) -> None:
    facts = neutral_facts(paths=["index.html", "docs/old.zip", "docs/a\nb.md"])
    literal = f'r"""{pattern}"""'

    assert compile_flags(f"paths_matching({literal})").evaluate(facts) == found
    assert compile_condition(f"any_path({literal})").evaluate(facts) is bool(found)
    assert compile_condition(f"count_paths({literal}) == {len(found)}").evaluate(facts) is True


PIECES = st.sampled_from(
    ["a", "b", ".", "/", "[^a]", "^", "$", "\\b", "(a|b)", "a?", "\\w+", "\\s"]
)


@settings(deadline=None)
@given(
    st.lists(PIECES, min_size=1, max_size=5).map("".join),
    st.lists(st.text("ab/.", min_size=1), max_size=12),
)
def test_searching_finds_what_a_plain_search_of_each_path_finds(
    pattern: str, paths: list[str]
) -> None:
    facts = neutral_facts(paths=paths, title=pattern)

    found = compile_flags("paths_matching(title)").evaluate(facts)

    assert found == [path for path in paths if re.search(pattern, path)]


def test_a_broken_pattern_is_an_error_even_without_paths() -> None:
    with pytest.raises(BrokenExpression, match="regular expression"):
        compile_condition("any_path('[')").evaluate(neutral_facts(paths=[]))


def test_twenty_thousand_paths_are_searched_in_well_under_a_tenth_of_a_second() -> None:
    condition = compile_condition(r"""any_path(r"\.zip$") || any_path(r"/module19999\.py$")""")
    facts = neutral_facts(paths=MANY)

    quickest = min(_seconds(lambda: condition.evaluate(facts)) for _ in range(5))

    assert condition.evaluate(facts) is True
    assert quickest < 0.1


def test_a_pattern_that_ruins_backtracking_matchers_costs_nothing_special() -> None:
    facts = neutral_facts(paths=["a" * 5_000 + "!"])

    assert _seconds(lambda: compile_condition("any_path('(a+)+$')").evaluate(facts)) < 1


def test_many_threads_ask_their_own_paths() -> None:
    condition = compile_condition("count_paths('^mine') == commits")

    def ask(count: int) -> bool | list[str]:
        paths = ["theirs"] * 50 + [f"mine/{i}" for i in range(count)]
        return condition.evaluate(neutral_facts(commits=count, paths=paths))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(200)))


@settings(deadline=None)
@given(st.text(st.characters()))
def test_no_text_is_cut_short_or_lost_on_its_way_through(text: str) -> None:
    flagged = compile_flags("[title]").evaluate(neutral_facts(title=text))

    visible = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    assert flagged == [visible]


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
