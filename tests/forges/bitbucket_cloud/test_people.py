"""Who somebody is and what they may do now; credentials; what only people can do themselves."""

from __future__ import annotations

import pytest

from intakebot.forges.api import Ability, Forge
from intakebot.forges.bitbucket_cloud import Token
from intakebot.model import (
    OperatorError,
    Permission,
    PostComment,
    TryLater,
)
from intakebot.repo.git import Git
from tests.forges.bitbucket_cloud.cast import MAIN, Cast


def test_the_plug_has_the_shape_of_a_forge(cast: Cast) -> None:
    forge: Forge = cast.forge
    assert forge.name == "bitbucket-cloud"
    assert forge.abilities == set(Ability)
    assert forge.incidents_since(cast.repo_id, "") == ()


def test_permissions_are_the_highest_of_grants_and_groups(cast: Cast) -> None:
    def permission(account: str) -> Permission:
        return cast.forge.permission(cast.repo_id, account)

    assert permission(cast.bot.uuid) is Permission.WRITE  # an administrator
    cast.cloud.grant("bob", MAIN, "none")
    assert permission(cast.bob.uuid) is Permission.NONE
    cast.cloud.group("acme", "reviewers", "bob")
    cast.cloud.grant_group("reviewers", MAIN, "write")
    assert permission(cast.bob.uuid) is Permission.WRITE


def test_what_is_no_account_has_no_permission_and_asks_nothing(cast: Cast) -> None:
    cast.cloud.forget_calls()
    for account in ("", "bob", '{x}" OR permission>"read', "{not-a-uuid}"):
        assert cast.forge.permission(cast.repo_id, account) is Permission.NONE
    assert cast.cloud.calls == ()


def test_a_bot_that_may_not_look_up_permissions_is_told_what_it_has_to_be(cast: Cast) -> None:
    cast.cloud.grant("intakebot", MAIN, "write")
    with pytest.raises(TryLater, match="administrator"):
        cast.forge.permission(cast.repo_id, cast.bob.uuid)
    cast.cloud.grant("intakebot", MAIN, "admin")
    cast.cloud.mischief.answer(404, "permissions")
    with pytest.raises(TryLater):
        cast.forge.permission(cast.repo_id, cast.bob.uuid)


def test_the_permission_is_still_found_after_a_rename(cast: Cast) -> None:
    cast.cloud.rename_repository(MAIN, "shop")
    cast.cloud.rename_workspace("acme", "acme-two")
    assert cast.forge.permission(cast.repo_id, cast.bob.uuid) is Permission.WRITE


def test_the_bot_knows_itself_and_asks_once_for_each_token(cast: Cast) -> None:
    cast.cloud.forget_calls()
    assert cast.forge.me() == cast.forge.me()
    assert (cast.forge.me().id, cast.forge.me().login) == (cast.bot.uuid, "intakebot")
    assert len(cast.cloud.calls) == 1
    other = cast.cloud.user("other-bot")
    cast.tokens["read"] = Token("api", other.email, other.token)
    assert cast.forge.me().id == other.uuid


def test_a_token_that_may_not_tell_whose_it_is_signs_nobody_in(cast: Cast) -> None:
    scopeless = cast.cloud.token("ada", scopes=())
    assert cast.forge.whoami(cast.ada.email, scopeless) is None


def test_connected_repositories_are_listed_without_a_call(cast: Cast) -> None:
    cast.cloud.forget_calls()
    [repo] = cast.forge.repos()
    assert (repo.forge, repo.id, repo.name) == ("bitbucket-cloud", cast.repo_id, MAIN)
    assert cast.cloud.calls == ()
    with pytest.raises(OperatorError, match="not connected"):
        cast.forge.pulls_since("{another}", "")


def test_git_is_shown_the_token_of_the_purpose_under_the_name_for_its_kind(cast: Cast) -> None:
    [repo] = cast.forge.repos()
    cast.tokens["land"] = Token("access", "", cast.cloud.access_token(MAIN))
    reading = cast.forge.credential(repo, "read")
    landing = cast.forge.credential(repo, "land")
    assert (reading.base, reading.login) == (cast.cloud.git_url, "x-bitbucket-api-token-auth")
    assert landing.login == "x-token-auth"
    assert (reading.token, landing.token) == (cast.bot.token, cast.tokens["land"].secret)
    folder = cast.folder / "bare.git"
    cast.ada.must("init", "--quiet", "--bare", str(folder))
    for credential in (reading, landing):
        out = Git(folder, credential).run("ls-remote", repo.clone_url, "refs/heads/main")
        assert out.decode().startswith(cast.cloud.tip(MAIN, "main"))


def test_an_access_token_reads_and_speaks_as_an_account_of_its_own(cast: Cast) -> None:
    cast.tokens["read"] = Token("access", "", cast.cloud.access_token(MAIN))
    cast.cloud.set_private("ada/site", False)
    number, head = cast.opens()
    pull = cast.pull(number)
    assert pull.head == head and cast.forge.me().id != cast.bot.uuid
    cast.forge.perform(pull, PostComment("status", "It stands."))
    assert [one.tag is not None for one in cast.pull(number).comments] == [True]
