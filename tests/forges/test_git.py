"""The built-in forge's client: reads whole, does an effect once, and lets nobody else in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intakebot.forges.git import GitForge
from intakebot.model import (
    ContributorError,
    Decline,
    Effect,
    Group,
    InlineNote,
    OperatorError,
    Permission,
    PostComment,
    PostInline,
    PullState,
    ResolveInline,
    Role,
    SetStatus,
    Status,
    TryLater,
    Wording,
)
from tests.flow.workshop import Workshop


def forge_of(shop: Workshop) -> GitForge:
    return GitForge(shop.settings.git_url, shop.settings.public_url, shop.settings.tokens)


@pytest.fixture
def opened(shop: Workshop) -> int:
    """A pull request by Ada; Grace maintains."""
    ada = shop.person("ada", Group.AGENCY, agency="Alder")
    shop.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
    return shop.opens(ada, {"index.html": "<p>New</p>\n"})


def test_a_pull_request_is_read_whole(shop: Workshop, opened: int) -> None:
    pull = forge_of(shop).pull(shop.repo_id, opened)
    assert pull is not None
    assert (pull.number, pull.state, pull.target) == (opened, PullState.OPEN, "main")
    assert pull.author.login == "ada"
    assert pull.source is not None and pull.source.repo_id != pull.repo.id
    assert [push.head for push in pull.pushes] == [pull.head]
    assert pull.url == f"{shop.settings.public_url}/pulls/site/{opened}"
    assert pull.fork_url.startswith("http://ada@") and pull.main_url.startswith("http://ada@")


def test_a_number_that_is_not_there_is_none(shop: Workshop, opened: int) -> None:
    assert forge_of(shop).pull(shop.repo_id, 999) is None


EFFECTS: list[Effect] = [
    PostComment("status", "It stands."),
    PostInline(InlineNote("finding:1", "index.html", 1, "A fault.")),
    SetStatus("", Status("pending", "checking", "http://127.0.0.1/x")),
    Decline("because"),
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_an_effect_done_twice_is_seen_once(shop: Workshop, opened: int, effect: Effect) -> None:
    forge, pull = forge_of(shop), shop.pull(opened)
    if isinstance(effect, SetStatus):
        effect = replace(effect, head=pull.head)
    forge.perform(pull, effect)
    once = shop.pull(opened)
    forge.perform(pull, effect)
    assert shop.pull(opened) == once
    marks = {comment.key for comment in once.comments}
    match effect:
        case PostComment(key, _) | PostInline(InlineNote(key, _, _, _)):
            assert marks == {key}
        case SetStatus(_, status):
            assert once.status == status
        case _:
            assert once.state is PullState.CLOSED


def test_a_resolved_finding_is_read_back_as_resolved(shop: Workshop, opened: int) -> None:
    forge, pull = forge_of(shop), shop.pull(opened)
    forge.perform(pull, PostInline(InlineNote("finding:1", "index.html", 1, "A fault.")))
    [note] = shop.pull(opened).comments
    forge.perform(pull, ResolveInline("finding:1", note.id))
    assert shop.pull(opened).comments[0].resolved


def test_what_changed_is_listed_until_it_has_been_read(shop: Workshop, opened: int) -> None:
    forge = forge_of(shop)
    first = forge.pulls_since(shop.repo_id, "")
    assert opened in first.numbers
    assert forge.pulls_since(shop.repo_id, first.cursor).numbers == ()
    forge.perform(shop.pull(opened), PostComment("status", "It stands."))
    assert forge.pulls_since(shop.repo_id, first.cursor).numbers == (opened,)


def test_permissions_are_those_of_now_and_none_for_nobody(shop: Workshop, opened: int) -> None:
    forge, pull = forge_of(shop), shop.pull(opened)
    assert forge.permission(shop.repo_id, pull.author.id) is Permission.READ
    shop.grants("ada", "none")
    assert forge.permission(shop.repo_id, pull.author.id) is Permission.NONE
    assert forge.permission(shop.repo_id, "987654") is Permission.NONE


def test_a_person_is_known_by_their_own_token_alone(shop: Workshop, opened: int) -> None:
    forge = forge_of(shop)
    ada = shop.person("alma", Group.AGENCY, agency="Alder")
    found = forge.whoami("alma", ada.token)
    assert found is not None and found.login == "alma"
    assert forge.whoami("alma", "wrong") is None
    assert forge.whoami("grace", ada.token) is None
    assert forge.whoami("intakebot", shop.settings.tokens["bot"]) is None


def test_people_speak_and_reword_with_their_own_rights(shop: Workshop, opened: int) -> None:
    forge, pull = forge_of(shop), shop.pull(opened)
    comment = forge.say(shop.repo_id, opened, pull.author.id, "/status", pull.head)
    assert [(one.id, one.by.login) for one in shop.pull(opened).comments] == [(comment, "ada")]
    wish = Wording("Put up a new page", "Because.", "main", draft=True)
    forge.reword(shop.repo_id, opened, pull.author.id, wish)
    changed = shop.pull(opened)
    assert (changed.title, changed.description, changed.draft) == (wish.title, "Because.", True)
    shop.person("bob", Group.AGENCY, agency="Birch")
    bob = next(one for one in forge.api.get("/api/people?login=bob")["people"])
    with pytest.raises(ContributorError):
        forge.reword(shop.repo_id, opened, bob["id"], wish)
    with pytest.raises(ContributorError, match="branch"):
        forge.reword(shop.repo_id, opened, pull.author.id, replace(wish, target="nowhere"))


def test_a_forge_that_is_away_is_try_later_and_a_refused_token_is_for_the_operator(
    shop: Workshop,
) -> None:
    away = GitForge("http://127.0.0.1:9", "http://127.0.0.1:8", shop.settings.tokens)
    with pytest.raises(TryLater, match="does not answer"):
        away.repos()
    wrong = {scope: "wrong" for scope in shop.settings.tokens}
    with pytest.raises(OperatorError, match="GIT_\\*_TOKEN"):
        GitForge(shop.settings.git_url, "http://127.0.0.1:8", wrong).repos()


def test_a_clone_address_elsewhere_is_never_fetched_from(shop: Workshop) -> None:
    other = shop.settings.git_url.replace("127.0.0.1", "localhost")
    with pytest.raises(OperatorError, match="set GIT_URL"):
        GitForge(other, "http://127.0.0.1:8", shop.settings.tokens).repos()
