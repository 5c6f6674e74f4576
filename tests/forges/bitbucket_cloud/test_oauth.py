"""The bot as an OAuth consumer: granted a token, renewed before it ends, refused with the cure."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from intakebot.forges.bitbucket_cloud.oauth import PLACE, RENEW, Consumers
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import OperatorError, TryLater
from intakebot.repo.mirror import Mirror
from intakebot.world.bitbucket_cloud.oauth import LASTS
from intakebot.world.bitbucket_cloud.state import Consumer
from tests.forges.bitbucket_cloud.cast import MAIN, Cast

GRANT = f"POST {PLACE}"


@dataclass
class Bot:
    """The bot of a cast, by way of a consumer that it made."""

    cast: Cast
    consumer: Consumer
    consumers: Consumers

    def token(self) -> Token:
        return self.consumers.token(self.consumer.key, self.consumer.secret, "THE_VARIABLE")

    @property
    def granted(self) -> int:
        return len([one for one in self.cast.cloud.calls if one.path == PLACE])


@pytest.fixture
def bot(cast: Cast) -> Bot:
    consumers = Consumers(cast.cloud.git_url, cast.clock.now)
    bot = Bot(cast, cast.cloud.consumer("intakebot"), consumers)
    cast.forge.api.tokens = cast.forge.tokens = lambda _: bot.token()
    return bot


def test_one_token_serves_every_call_and_git(bot: Bot) -> None:
    number, head = bot.cast.opens()
    pull = bot.cast.pull(number)
    assert (pull.head, pull.author.id) == (head, bot.cast.ada.uuid)
    assert bot.cast.forge.me().id == bot.cast.bot.uuid
    token = bot.token()
    assert (token.kind, token.git_user, token.origin) == ("oauth", "x-token-auth", "THE_VARIABLE")
    credential = bot.cast.forge.credential(pull.repo, "land")
    mirror = Mirror(bot.cast.folder / "oauth.git", credential)
    assert mirror.tips(pull.repo.clone_url, ["main"]) == {"main": bot.cast.cloud.tip(MAIN, "main")}
    assert bot.granted == 1


def test_it_is_renewed_before_it_ends(bot: Bot) -> None:
    number, _ = bot.cast.opens()
    first = bot.token()
    bot.cast.later((LASTS - RENEW).total_seconds() / 60 - 1)
    assert bot.token().secret == first.secret
    bot.cast.later(2)
    second = bot.token()
    assert second.secret != first.secret and bot.granted == 2
    bot.cast.later(60)
    assert bot.cast.pull(number).number == number
    assert second.counted_by == first.counted_by and second.fingerprint == first.fingerprint
    assert first.secret not in f"{first!r} {first.counted_by} {bot.consumers.granted!r}"


def test_while_it_cannot_be_renewed_the_old_one_serves_to_its_end(bot: Bot) -> None:
    first = bot.token()
    bot.cast.later((LASTS - RENEW).total_seconds() / 60 + 1)
    bot.cast.cloud.mischief.cut(GRANT)
    assert bot.token().secret == first.secret
    bot.cast.cloud.mischief.html(GRANT, status=503)
    bot.cast.later(RENEW.total_seconds() / 60)
    with pytest.raises(TryLater, match="granted no OAuth token"):
        bot.token()
    assert bot.token().secret != first.secret


def test_one_that_the_product_no_longer_knows_is_asked_for_anew(bot: Bot) -> None:
    number, _ = bot.cast.opens()
    bot.cast.pull(number)
    bot.cast.cloud.revoke(bot.token().secret)
    with pytest.raises(OperatorError, match="OAuth consumers"):
        bot.cast.pull(number)
    assert bot.cast.pull(number).number == number


def test_a_rotated_secret_is_used_at_once(bot: Bot) -> None:
    bot.token()
    with bot.cast.cloud.site.lock:
        bot.consumer.secret = "another"
    bot.token()
    assert bot.granted == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"private": False}, "private consumer"),
        ({"callback": ""}, "callback"),
        ({"secret": "wrong"}, "Invalid OAuth client credentials"),
    ],
)
def test_a_refused_consumer_is_told_with_its_cure(
    bot: Bot, fault: dict[str, object], said: str
) -> None:
    key, secret = bot.consumer.key, bot.consumer.secret
    with bot.cast.cloud.site.lock:
        for name, value in fault.items():
            setattr(bot.consumer, name, value)
    with pytest.raises(OperatorError) as refused:
        bot.consumers.token(key, secret, "BITBUCKET_OAUTH_SECRET_FILE")
    told = str(refused.value)
    assert said in told and "Workspace settings → OAuth consumers" in told
    assert "BITBUCKET_OAUTH_SECRET_FILE" in told and secret not in told


def test_the_calls_of_one_consumer_are_counted_together(bot: Bot) -> None:
    number, _ = bot.cast.opens()
    bot.cast.pull(number)
    left = bot.cast.forge.left()
    bot.cast.cloud.revoke(bot.token().secret)
    bot.consumers.granted.clear()
    assert bot.cast.forge.left() == left < 1_000


def test_a_grant_that_is_odd_is_no_token(bot: Bot) -> None:
    bot.cast.cloud.mischief.html(GRANT)
    with pytest.raises(TryLater):
        bot.token()
