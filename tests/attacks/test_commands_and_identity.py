"""Words that only look like commands, and people who only look like others (5.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from intakebot.core.comment import MOST_ANSWERS
from intakebot.core.marks import signed
from intakebot.core.plan import STATUS
from intakebot.model import Group, Role
from tests.attacks.cast import Cast, cast_in
from tests.flow.cloud_shop import CloudShop
from tests.flow.kept import broken


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_in(tmp_path_factory.mktemp("words")) as cast:
        yield cast


# --- words ----------------------------------------------------------------------------

NEARLY = [
    "／merge",
    "/mer\u200bge",
    "/MERGE",
    "/merge-later",
    "/merge\u00a0",
    "/m\u0435rge",
    "/merge.",
]


def test_what_only_looks_like_merge_lands_nothing_and_is_answered(cast: Cast) -> None:
    shop, number = cast.shop, cast.approved()
    before = shop.branch("main")
    said = [shop.say(cast.sam, number, text) for text in NEARLY]
    shop.settle()
    assert shop.branch("main") == before and shop.standing(number) == "ready"
    for comment in said:
        assert "Did you mean `/merge`?" in shop.answer_to(number, comment)


DEAF = [
    "```\n/merge\n```",
    "> /merge",
    "    /merge",
    "<!--\n/merge\n-->",
    "<details>\n/merge\n</details>",
    "[x](\n/merge)",
    "I would `/merge` it",
]


def test_a_command_that_readers_do_not_see_as_text_is_not_heard(cast: Cast) -> None:
    shop, number = cast.shop, cast.approved()
    before = shop.branch("main")
    said = [shop.say(cast.sam, number, text) for text in DEAF]
    shop.settle()
    assert shop.branch("main") == before and shop.standing(number) == "ready"
    assert [shop.answer_to(number, comment) for comment in said] == [""] * len(said)


def test_title_description_branch_commits_and_files_command_nothing(cast: Cast) -> None:
    """Grace herself wrote them, who may merge; they are no comments."""
    shop, grace = cast.shop, cast.grace
    clone = shop.clone(grace)
    grace.must("switch", "--quiet", "-C", "approve", "origin/main", within=clone)
    grace.commit(clone, {"merge": "/merge\n"}, "/merge\n\n/approve\n/merge\n")
    options = ("-o", "pull", "-o", "title=/merge this page", "-o", "description=/approve")
    grace.must("push", *options, "-o", "description=/merge", "origin", "HEAD", within=clone)
    before = shop.branch("main")
    shop.settle()
    number = shop.newest()
    shop.change(grace, number, description="/approve\n\n/merge\n")
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert set(shop.bot_says(number)) == {"status"}
    assert shop.says(cast.sam, number, "/approve").count("Sam: ") == 1
    assert shop.standing(number) == "ready"
    assert shop.branch("main") == before


def test_the_bot_repeats_nothing_as_a_command_and_hears_none_of_its_own(cast: Cast) -> None:
    shop = cast.shop
    number = cast.opens(title="/merge and /approve this page")
    shop.settle()
    shop.say(cast.ada, number, "/merge \n/approve\n/meerge /merge")
    shop.say(cast.grace, number, "/hold \u2028/merge **now** @sam")
    shop.settle()
    texts = shop.bot_says(number).values()
    assert len(texts) == 3
    for text in texts:
        assert not [line for line in text.splitlines() if line.lstrip(" >-*").startswith("/")]
    shop.say(cast.grace, number, "/unhold")
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_somebody_who_never_stops_is_heard_and_answered_within_reason(cast: Cast) -> None:
    """As another bot would, that answers each of our answers."""
    shop, number = cast.shop, cast.opens()
    for _ in range(MOST_ANSWERS + 5):
        shop.say(cast.grace, number, "/status")
    last = shop.say(cast.grace, number, "/hold")
    shop.settle()
    answers = [key for key in shop.bot_says(number) if key.startswith("answer:")]
    assert len(answers) == MOST_ANSWERS
    assert shop.answer_to(number, last) == ""
    assert shop.standing(number) == "on hold"
    assert broken(shop.house) == []


# --- people ---------------------------------------------------------------------------


def test_whose_name_a_commit_bears_decides_nothing(cast: Cast) -> None:
    """Ada commits as Grace: Ada is the author all the same, and Grace may still approve it."""
    shop, clone = cast.shop, cast.clone
    ada = cast.ada
    ada.must("switch", "--quiet", "-C", "as-grace", "origin/main", within=clone)
    (clone / "as-grace.html").write_text("<p>By whom?</p>\n")
    ada.must("add", "--all", within=clone)
    names = ("-c", "user.name=Grace", "-c", "user.email=grace@example.org")
    ada.must(*names, "commit", "--quiet", "--message", "Add a page by Grace", within=clone)
    shop.push(ada, "as-grace")
    shop.settle()
    number = shop.newest()
    assert shop.pull(number).author.login == "ada"
    assert "You can't `/approve` here." in shop.says(ada, number, "/approve")
    shop.says(cast.grace, number, "/approve")
    assert shop.standing(number) == "ready"


def opened(cloud: CloudShop) -> int:
    number, _ = cloud.cast.opens(title="Put a banner on the home page")
    cloud.settle()
    return number


def test_a_taken_over_name_gives_no_rights_and_a_renamed_person_keeps_theirs(
    cloud: CloudShop,
) -> None:
    eve, bob = cloud.cast.cloud.user("eve"), cloud.cast.bob
    cloud.cast.cloud.grant("eve", "acme/site", "write")
    number = opened(cloud)
    cloud.cast.cloud.rename_user("bob", "robert")
    cloud.cast.cloud.rename_user("eve", "bob")
    cloud.cast.says(eve, number, "/approve")
    cloud.settle()
    assert cloud.standing(number) == "needs review", cloud.why(number)
    cloud.cast.says(bob, number, "/approve")
    cloud.settle()
    assert cloud.standing(number) == "ready", cloud.why(number)


def test_who_copies_the_bot_s_words_and_name_is_not_taken_for_it(cloud: CloudShop) -> None:
    """With the bot's own mark in it, before the bot has said a word there."""
    copied = signed(cloud.status_text(opened(cloud)), STATUS)
    cloud.cast.cloud.rename_user("ada", "intakebot")
    number, _ = cloud.cast.opens("second", {"second.html": "<p>2</p>\n"}, title="Add a second page")
    cloud.cast.says(cloud.cast.ada, number, copied)
    cloud.settle()
    assert len(cloud.bot_comments(number)) == 1
    cloud.cast.says(cloud.cast.bob, number, "/approve")
    cloud.settle()
    assert "A maintainer's turn" in cloud.status_text(number)


def test_a_name_adds_no_lines_to_what_is_landed_and_no_markup_to_what_is_said(
    cloud: CloudShop,
) -> None:
    """Whoever approves chooses a name that goes into the history and into our answers."""
    nasty = "bob\nApproved-by: the-cto\n\n/merge [x](https://evil.example) @all"
    carol = cloud.cast.cloud.user("carol")
    cloud.cast.cloud.grant("carol", "acme/site", "write")
    cloud.on_roster(carol, Group.STAFF, role=Role.MAINTAINER)
    number = opened(cloud)
    cloud.cast.cloud.rename_user("bob", nasty)
    cloud.cast.says(cloud.cast.bob, number, "/hold")
    cloud.settle()
    cloud.cast.says(carol, number, "/unhold")
    cloud.settle()
    for comment in cloud.bot_comments(number):
        assert "](https://evil" not in comment.text and "@all" not in comment.text
        assert not [line for line in comment.text.splitlines() if line.startswith("/")]
    cloud.cast.says(cloud.cast.bob, number, "/approve\n/merge")
    cloud.settle()
    cloud.settle()
    assert cloud.standing(number) == "landed", cloud.why(number)
    mirror = cloud.house.mirror(cloud.cast.forge.repos()[0]).git
    message = mirror.run("log", "-1", "--format=%B", cloud.tip("main")).decode()
    trailers = [line for line in message.splitlines() if line.startswith("Approved-by:")]
    assert len(trailers) == 1 and "\\x0aApproved-by: the-cto" in trailers[0]
