"""Every role and every command: the roster's table decides, and the forge can only narrow it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from intakebot.commands import COMMANDS
from intakebot.core.roster import ORDER, RIGHTS
from intakebot.flow.listen import Heard, Listener
from intakebot.model import (
    Account,
    Comment,
    Config,
    Group,
    Permission,
    Person,
    Pull,
    PullState,
    Push,
    Repo,
    Role,
    Said,
    TryLater,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)
HEAD = "a" * 40
AUTHOR = Person(Account("1", "ada"), Group.AGENCY, "Alder", frozenset({Role.CONTRIBUTOR}))
SPEAKER = Account("2", "sam", "Sam")
GRACE = Person(Account("3", "grace", "Grace"), Group.STAFF, "", frozenset({Role.MAINTAINER}))
REPO = Repo("git", "1", "site", "http://git.example/git/main/site.git", "main", "deploy")


def hears(
    text: str,
    *,
    by: Account = SPEAKER,
    roles: frozenset[Role] = frozenset(),
    permission: Permission | None = Permission.WRITE,
) -> Heard:
    """What a fresh listener makes of one comment; permission None can't be looked up."""
    comment = Comment("7", by, text, AT, seq=2)
    people = {AUTHOR.id: AUTHOR, GRACE.id: GRACE}

    def ask(_: str) -> Permission:
        if permission is None:
            raise TryLater("the forge is down")
        return permission

    listener = Listener(
        pull=Pull(
            repo=REPO,
            number=1,
            title="Say more on the page",
            description="",
            draft=False,
            state=PullState.OPEN,
            author=AUTHOR.account,
            source=None,
            target="main",
            head=HEAD,
            created_at=AT,
            url="",
            fork_url="",
            pushes=(Push(HEAD, AUTHOR.account, AT, seq=1),),
            comments=(comment,),
        ),
        bot="9",
        config=Config(),
        landed="",
        who=lambda account: people.get(account.id, Person(account, Group.STAFF, "", roles)),
        team=lambda command: [GRACE] if RIGHTS[command].roles & GRACE.roles else [],
        permission=ask,
    )
    return listener.listen([], {})


def test_each_command_has_its_line_in_the_table() -> None:
    assert set(RIGHTS) == set(COMMANDS)


@pytest.mark.parametrize(("command", "role"), list(product(sorted(COMMANDS), [None, *Role])))
def test_the_table_decides_what_a_role_may_say(command: str, role: Role | None) -> None:
    (kept,) = hears(f"/{command}", roles=frozenset({role} if role else ())).decided
    refused = kept.said is Said.DENIED and kept.answer.startswith("You can't")
    right = RIGHTS[command]
    assert refused == bool(right.roles and role not in right.roles)
    if refused:
        assert "Grace can." in kept.answer


@pytest.mark.parametrize(("command", "permission"), list(product(sorted(COMMANDS), [None, *ORDER])))
def test_the_forge_s_own_permission_narrows_and_an_unknown_one_is_none(
    command: str, permission: Permission | None
) -> None:
    (kept,) = hears(f"/{command}", roles=frozenset({Role.OWNER}), permission=permission).decided
    need = RIGHTS[command].forge
    enough = ORDER.index(permission or Permission.NONE) >= ORDER.index(need)
    assert (f"needs {need} access" in kept.answer) == (not enough)
    if not enough:
        assert kept.said is Said.DENIED


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_author_may_ask_and_recheck_and_never_decide(command: str) -> None:
    (kept,) = hears(f"/{command}", by=AUTHOR.account).decided
    assert (kept.said is Said.DONE) == (command in {"help", "status", "recheck"})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/aprove", "`/aprove` is no command. Did you mean `/approve`?"),
        ("/MERGE", "Did you mean `/merge`?"),
        ("/merge-later", "Did you mean `/merge`?"),
        ("@intakebot marge", "Did you mean `/merge`?"),
        ("@intakebot sing", "`/sing` is no command; `/help` lists them."),
    ],
)
def test_a_misspelt_command_gets_one_answer_with_the_nearest(text: str, answer: str) -> None:
    (kept,) = hears(text, roles=frozenset({Role.OWNER})).decided
    assert kept.said is Said.UNKNOWN
    assert answer in kept.answer


@pytest.mark.parametrize(
    "text",
    [
        "```\n/merge\n```",
        "    /merge",
        "> /merge",
        "<div>\n/merge\n</div>",
        "<!--\n/merge\n-->",
        "please `/merge` it",
        "one could say /merge",
        "/etc/passwd is a path",
    ],
)
def test_commands_in_code_quotes_html_and_sentences_are_not_heard(text: str) -> None:
    assert hears(text, roles=frozenset({Role.OWNER})).all == ()


def test_the_bot_s_own_comments_never_command() -> None:
    bot = Account("9", "intakebot")
    assert hears("/approve\n/merge", by=bot, roles=frozenset({Role.OWNER})).all == ()


def test_of_many_commands_five_are_taken_and_the_rest_is_said_to_be_too_many() -> None:
    heard = hears("/status\n" * 9, roles=frozenset({Role.OWNER}))
    assert [kept.said for kept in heard.decided] == [Said.DONE] * 5 + [Said.UNKNOWN]
