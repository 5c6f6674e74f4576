"""What the bot does is seen once, however often it is done and whatever became of the answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from intakebot.forges.api import Ability, Refused
from intakebot.model import (
    EditComment,
    PostComment,
    PostInline,
    PullState,
    PutReport,
    ResolveInline,
    SetReview,
    SetStatus,
    TryLater,
)
from tests.forges.contract.bench import Bench, read
from tests.forges.contract.effects import CHECKING, NEEDED, NOTE, REPORT, missing, possible


def test_each_effect_done_twice_is_seen_once(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for effect in possible(bench, pull.head):
        first = bench.forge.perform(pull, effect)
        once, reports = read(bench, number), bench.reports()
        assert bench.forge.perform(pull, effect) == first
        assert (read(bench, number), bench.reports()) == (once, reports)
    done = read(bench, number)
    assert missing(bench, number) == []
    assert (len(done.comments), done.state) == (2, PullState.CLOSED)
    assert done.reviews == ()  # people's alone
    assert list(bench.reports()) in ([], [("1 finding", 1)])


def test_what_a_forge_cannot_show_it_refuses(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for kind, ability in NEEDED.items():
        effect = SetReview(pull.head, "approved") if kind is SetReview else PutReport("", REPORT)
        if ability not in bench.forge.abilities:
            with pytest.raises(Refused):
                bench.forge.perform(pull, effect)


def test_a_comment_is_edited_and_a_note_resolved_however_often(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    status = bench.forge.perform(pull, PostComment("status", "It waits."))
    note = bench.forge.perform(pull, PostInline(NOTE))
    assert status and note
    on_line = read(bench, number).comments[1]
    assert (on_line.path, on_line.line, on_line.resolved) == (NOTE.path, NOTE.line, False)
    for _ in range(2):
        bench.forge.perform(pull, EditComment("status", status, "It stands."))
        bench.forge.perform(pull, ResolveInline(NOTE.key, note))
        found = read(bench, number).comments
        assert [(one.id, one.text) for one in found] == [(status, "It stands."), (note, NOTE.text)]
        assert [one.resolved for one in found] == [False, True]
    bench.says("ada", number, "Really?", reply_to=note)
    assert [one.replied for one in read(bench, number).comments] == [False, True, False]


def test_what_somebody_deleted_is_made_anew_and_not_mended(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    status = bench.forge.perform(pull, PostComment("status", "It stands."))
    note = bench.forge.perform(pull, PostInline(NOTE))
    assert status and note
    bench.deletes(number, status)
    bench.deletes(number, note)
    with pytest.raises(TryLater):
        bench.forge.perform(pull, EditComment("status", status, "It still stands."))
    bench.forge.perform(pull, ResolveInline(NOTE.key, note))
    again = bench.forge.perform(pull, PostComment("status", "It stands."))
    assert [one.id for one in read(bench, number).comments] == [again] != [status]


def test_what_will_never_be_taken_is_refused_and_nothing_is_done(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    endless = PostComment("status", "x" * 70_000)
    with pytest.raises(Refused):
        bench.forge.perform(pull, endless)
    assert read(bench, number) == pull
    bench.forge.perform(pull, PostComment("status", "Shorter."))


def test_a_note_on_a_path_that_cannot_be_shown_harms_nobody_else(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for index, path in enumerate(("a\nb.html", "x\u202ey.html", "\x1b[31m.html", "\udcff.html")):
        with suppress(Refused):
            strange = replace(NOTE, key=f"finding:{index}", path=path)
            bench.forge.perform(pull, PostInline(strange))
    bench.forge.perform(pull, PostInline(replace(NOTE, key="finding:file", line=0)))
    on_file = [one for one in read(bench, number).comments if one.path == NOTE.path]
    assert [one.line or 0 for one in on_file] == [0]


def test_a_lost_answer_is_found_by_reading_and_nothing_is_done_twice(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for effect in possible(bench, pull.head):
        bench.loses_answer()
        with pytest.raises(TryLater):
            bench.forge.perform(pull, effect)
        assert effect not in missing(bench, number)
    assert missing(bench, number) == []
    done = read(bench, number)
    if Ability.REPORT in bench.forge.abilities:  # that one can't be read back, so it is put again
        bench.forge.perform(done, PutReport(done.head, REPORT))
        assert bench.reports() == [("1 finding", 1)]
    assert (len(done.comments), done.state) == (2, PullState.CLOSED)


def test_reads_that_lag_do_not_make_it_seen_twice(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    bench.lags()
    made = [bench.forge.perform(pull, PostComment("status", "It stands."))]
    assert read(bench, number).comments == ()
    for effect in (PostComment("status", "It stands."), SetStatus(pull.head, CHECKING)):
        with suppress(TryLater):
            made.append(bench.forge.perform(read(bench, number), effect))
    bench.recovers()
    assert [one.id for one in read(bench, number).comments] == made[:1]
