"""Who somebody is, what they may do now, and what they do through us in their own name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from intakebot.forges.api import Refused
from intakebot.model import (
    ContributorError,
    OperatorError,
    Permission,
    PullState,
    TryLater,
    Wording,
)
from intakebot.repo.land import push
from intakebot.repo.mirror import Mirror
from tests.forges.contract.bench import NO_ANSWER, NOT_NOW, Bench, read
from tests.forges.contract.effects import possible


def test_permissions_are_those_of_now_and_none_for_nobody(bench: Bench) -> None:
    def permissions() -> list[Permission]:
        ids = [bench.id_of("ada"), bench.id_of("wim"), bench.id_of("eve")]
        return [bench.forge.permission(bench.repo_id, account) for account in ids]

    assert permissions() == [Permission.READ, Permission.WRITE, Permission.NONE]
    bench.grants("wim", Permission.NONE)
    bench.grants("ada", Permission.WRITE)
    assert permissions() == [Permission.WRITE, Permission.NONE, Permission.NONE]
    nobody = ("", "0", "987654", "ada", "../users", f"{bench.id_of('ada')}?x=1", "{not-a-uuid}")
    for account in nobody:
        found = bench.forge.permission(bench.repo_id, account)
        assert (account, found) == (account, Permission.NONE)


def test_a_permission_that_cannot_be_looked_up_is_not_told(bench: Bench) -> None:
    for way in NOT_NOW:
        bench.fails(way, "permissions")
        with pytest.raises(TryLater):
            bench.forge.permission(bench.repo_id, bench.id_of("wim"))
        bench.recovers()
    for way in NO_ANSWER:
        bench.fails(way, "permissions")
        with pytest.raises((TryLater, OperatorError)):
            bench.forge.permission(bench.repo_id, bench.id_of("wim"))
        bench.recovers()
    assert bench.forge.permission(bench.repo_id, bench.id_of("wim")) is Permission.WRITE


def test_a_person_is_known_by_their_own_token_alone(bench: Bench) -> None:
    login, token = bench.sign_in("ada")
    found = bench.forge.whoami(login, token)
    assert found is not None and found.id == bench.id_of("ada")
    wrong = ((login, "wrong"), (login, ""), ("", token), (bench.sign_in("wim")[0], token))
    for somebody in (*wrong, bench.sign_in("bot")):
        assert bench.forge.whoami(*somebody) is None
    bench.fails("down", "reads")
    with pytest.raises(TryLater):
        bench.forge.whoami(login, token)


def test_what_somebody_says_through_us_is_theirs_or_is_not_said_at_all(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    try:
        made = bench.forge.say(bench.repo_id, number, bench.id_of("ada"), "/status", pull.head)
    except ContributorError as error:
        assert pull.url in str(error) and read(bench, number) == pull
        return
    [comment] = read(bench, number).comments
    assert (comment.id, comment.by.id) == (made, bench.id_of("ada"))
    assert (comment.text, comment.seen_head) == ("/status", pull.head)
    with pytest.raises(ContributorError):
        bench.forge.say(bench.repo_id, number, bench.id_of("eve"), "/merge", pull.head)
    assert len(read(bench, number).comments) == 1


def test_what_somebody_changes_through_us_is_changed_or_nothing_is(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    wish = Wording("Put up a new page", "Because.", "main", draft=True)
    try:
        bench.forge.reword(bench.repo_id, number, bench.id_of("ada"), wish)
    except ContributorError as error:
        assert pull.url in str(error) and read(bench, number) == pull
        return
    changed = read(bench, number)
    assert wish == Wording(changed.title, changed.description, changed.target, changed.draft)
    nowhere = replace(wish, target="nowhere")
    for who, wrong in (("eve", wish), ("ada", nowhere)):
        with pytest.raises(ContributorError):
            bench.forge.reword(bench.repo_id, number, bench.id_of(who), wrong)  # type: ignore[arg-type]
    assert read(bench, number) == changed


def test_a_remark_stands_beside_its_commit_or_is_refused(bench: Bench) -> None:
    number = bench.opens()
    bench.lands(number)
    commit = read(bench, number).head
    try:
        bench.forge.remark(bench.repo_id, commit, "This came without a pull request.")
    except Refused:
        assert bench.remarks(commit) in ([], ())
        return
    bench.fresh().remark(bench.repo_id, commit, "This came without a pull request.")
    assert list(bench.remarks(commit)) == ["This came without a pull request."]
    with pytest.raises(Refused):
        bench.forge.remark(bench.repo_id, "1" * 40, "Nothing is here.")


def test_only_the_credential_for_landing_can_push(bench: Bench, tmp_path: Path) -> None:
    number = bench.opens()
    pull = read(bench, number)
    assert pull.source is not None
    reading = Mirror(tmp_path / "mirror.git", bench.forge.credential(pull.repo, "read"))
    landing = replace(reading, credential=bench.forge.credential(pull.repo, "land"))
    reading.fetch(pull.source.clone_url, pull.head, str(number))
    with suppress(TryLater):
        assert push(reading.git, pull.repo.clone_url, pull.head, "main") == "refused"
    assert read(bench, number).state is PullState.OPEN
    assert push(landing.git, pull.repo.clone_url, pull.head, "main") == "done"
    assert read(bench, number).state is PullState.MERGED


def test_tips_are_those_that_git_serves_also_right_after_a_push(
    bench: Bench, tmp_path: Path
) -> None:
    number = bench.opens()
    bench.branch("main-two")
    pull = read(bench, number)
    assert pull.source is not None
    mirror = Mirror(tmp_path / "mirror.git", bench.forge.credential(pull.repo, "read"))
    landing = replace(mirror, credential=bench.forge.credential(pull.repo, "land"))
    mirror.fetch(pull.source.clone_url, pull.head, str(number))
    asked = ["main", "nowhere", "main-two"]
    for landed in (False, True):
        if landed:
            assert push(landing.git, pull.repo.clone_url, pull.head, "main") == "done"
        served = mirror.tips(pull.repo.clone_url, asked)
        assert (served["main"] == pull.head) is landed and set(served) == {"main", "main-two"}
        assert bench.forge.tips(bench.repo_id, asked) in (served, None)


def test_the_api_is_never_shown_the_credential_for_landing(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for effect in possible(bench, pull.head):
        bench.forge.perform(pull, effect)
    bench.forge.pulls_since(bench.repo_id, "")
    bench.forge.permission(bench.repo_id, bench.id_of("ada"))
    assert bench.secrets_shown() == {bench.forge.credential(pull.repo, "read").token}
