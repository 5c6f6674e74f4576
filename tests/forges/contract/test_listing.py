"""What changed since the last look round is found, once, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intakebot.model import PostComment
from tests.forges.contract.bench import Bench, read


def test_every_change_that_a_look_would_care_for_is_found_once(bench: Bench) -> None:
    quiet, number = bench.opens("quiet"), bench.opens()
    bench.branch("next")
    said = bench.says("ada", number, "/status")
    pull = read(bench, number)
    found = bench.forge.pulls_since(bench.repo_id, "")
    assert set(found.numbers) == {quiet, number}
    happenings: Mapping[str, Callable[[], object]] = {
        "approval": lambda: bench.reviews(number, "approved"),
        "opinion changed": lambda: bench.reviews(number, "changes_requested"),
        "opinion taken back": lambda: bench.reviews(number, None),
        "comment": lambda: bench.says("wim", number, "/hold", reply_to=said),
        "comment edited": lambda: bench.edits(number, said, "/merge"),
        "comment deleted": lambda: bench.deletes(number, said),
        "the bot's own comment": lambda: bench.forge.perform(pull, PostComment("status", "So.")),
        "push": bench.pushes,
        "title": lambda: bench.retitles(number, "Another title"),
        "draft": lambda: bench.drafts(number),
        "target": lambda: bench.retargets(number, "next"),
        "closing": lambda: bench.closes(number),
    }
    cursor, other = found.cursor, bench.fresh()  # as in another process
    for name, happens in happenings.items():
        happens()
        found = bench.forge.pulls_since(bench.repo_id, cursor)
        assert (name, found.numbers) == (name, (number,))
        again = other.pulls_since(bench.repo_id, found.cursor)
        assert (name, again.numbers) == (name, ())
        cursor = again.cursor


def test_a_landing_and_a_new_pull_request_are_found(bench: Bench) -> None:
    first = bench.opens()
    cursor = bench.forge.pulls_since(bench.repo_id, "").cursor
    bench.lands(first)
    second = bench.opens("second")
    assert set(bench.forge.pulls_since(bench.repo_id, cursor).numbers) == {first, second}


def test_more_than_a_page_is_found_whole_and_so_is_one_change_in_it(bench: Bench) -> None:
    number = bench.opens()
    bench.multiply(bench.page + 3)
    found = bench.forge.pulls_since(bench.repo_id, "")
    assert len(found.numbers) == len(set(found.numbers)) == bench.page + 4
    assert bench.forge.pulls_since(bench.repo_id, found.cursor).numbers == ()
    bench.says("ada", number, "/status")
    assert bench.forge.pulls_since(bench.repo_id, found.cursor).numbers == (number,)


def test_a_cursor_that_is_none_of_this_forges_asks_for_all(bench: Bench) -> None:
    number = bench.opens()
    for cursor in ("nonsense", "[]", "-1", '{"x": 1}', '{"1": null}', "99999999&after=0"):
        found = bench.forge.pulls_since(bench.repo_id, cursor)
        assert (cursor, found.numbers) == (cursor, (number,))


def test_the_newest_number_is_told_whatever_became_of_it(bench: Bench) -> None:
    assert bench.forge.newest(bench.repo_id) == 0
    first = bench.opens()
    second = bench.opens("second")
    bench.lands(first)
    bench.closes(second)
    assert bench.forge.newest(bench.repo_id) == second
    bench.forge.spare(bench.repo_id)
