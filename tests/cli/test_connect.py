"""`intakebot connect` and `disconnect`, against a Bitbucket Cloud that speaks HTTP and git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.core.dialect import hook_secret
from intakebot.settings import dialect_files
from intakebot.store.tables import connections
from intakebot.wiring import dialects
from intakebot.world.bitbucket_cloud import EVERY_SCOPE
from tests.cli.connecting import HOUSE, MAIN, MASTER, Desk, data, desk_in, fine, pushes
from tests.databases import Databases

pytestmark = pytest.mark.long

KINDS = {"push", "restrict_merges", "force", "delete"}


def all_rules(*branches: str) -> set[tuple[str, str]]:
    """Those of protected branches, and the one of the branches on which changes are tried."""
    return {(kind, branch) for kind in KINDS for branch in branches} | {("push", "intake/try/*")}


@pytest.fixture
def desk(tmp_path: Path, databases: Databases) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        yield desk


# --- connect --------------------------------------------------------------------------


def test_without_yes_all_is_shown_and_nothing_changed(desk: Desk) -> None:
    said = fine(desk.connect(MAIN))
    for line in ("install the webhook", "let only Intakebot push to main", "add --yes to do it"):
        assert line in said
    assert desk.cloud.writes == ()
    assert desk.rows() == []


def test_afterwards_the_bot_alone_can_write_and_merge(desk: Desk) -> None:
    assert pushes(desk.carl, "main")
    fine(desk.connect())
    rules = desk.rules()
    assert set(rules) == all_rules("main", "deploy")
    for (kind, _), rule in rules.items():
        through = [desk.bot.uuid] if kind in ("push", "restrict_merges") else []
        assert (rule.users, rule.groups) == (through, [])
    assert not pushes(desk.carl, "main")
    assert not pushes(desk.grace, "main")
    assert not pushes(desk.carl, "deploy")
    assert pushes(desk.bot, "main")
    assert pushes(desk.carl, "another")


def test_the_hook_has_a_secret_of_its_own_and_exactly_the_needed_events(desk: Desk) -> None:
    fine(desk.connect())
    [hook] = desk.hooks()
    place, _, nonce = hook.url.rpartition("/")
    assert place == f"{HOUSE}/hooks/bitbucket-cloud"
    assert hook.secret == hook_secret(MASTER, nonce)
    told = set(dialects()["bitbucket-cloud"].kinds)
    assert "repo:push" in hook.events and "pullrequest:approved" in hook.events
    assert set(hook.events) == {one for one in told if "commit_status" not in one}
    assert "bitbucket-cloud.toml" in dialect_files()
    [row] = desk.rows()
    assert (row.hook_nonce, row.hook_id) == (nonce, hook.uuid)


def test_the_connection_is_kept_by_ids_that_outlive_a_rename(desk: Desk) -> None:
    fine(desk.connect())
    main = desk.cloud.at(MAIN)
    [row] = desk.rows()
    assert (row.forge_id, row.workspace_id) == (main.uuid, main.workspace)
    assert (row.name, row.intake, row.deploy) == (MAIN, "main", "deploy")
    desk.cloud.rename_repository(MAIN, "shop")
    fine(desk.connect("acme/shop", "--yes"))
    [again] = desk.rows()
    assert (again.id, again.name) == (row.id, "acme/shop")
    assert len(desk.hooks("acme/shop")) == 1


def test_the_proof_leaves_no_branch_and_no_restriction(desk: Desk) -> None:
    fine(desk.connect())
    assert desk.branches() == {"refs/heads/main"}
    pushed = [one.detail for one in desk.cloud.calls if one.method == "git-push" and one.detail]
    assert len(pushed) == 2 and all("intake/probe-" in one for one in pushed)
    assert not any("probe" in pattern for _, pattern in desk.rules())


def test_once_more_writes_nothing_and_says_so(desk: Desk) -> None:
    fine(desk.connect())
    before = len(desk.cloud.writes)
    assert "connected already" in fine(desk.connect())
    assert len(desk.cloud.writes) == before


def test_a_new_webhook_secret_is_put_into_the_same_hook_and_nothing_else(desk: Desk) -> None:
    fine(desk.connect())
    [old] = desk.hooks()
    was, before = old.secret, len(desk.cloud.writes)
    new = f"another master secret,{MASTER}"
    fine(desk.connect(INTAKEBOT_SECRET_BITBUCKET_CLOUD=new))
    [hook] = desk.hooks()
    assert hook.uuid == old.uuid
    assert hook.secret == hook_secret("another master secret", hook.url[-32:]) != was
    assert [one.method for one in desk.cloud.writes[before:]] == ["PUT"]


def test_a_hook_that_somebody_switched_off_is_mended(desk: Desk) -> None:
    fine(desk.connect())
    [hook] = desk.hooks()
    with desk.cloud.site.lock:
        hook.active, hook.events = False, ["repo:push"]
    assert "it is switched off" in fine(desk.connect())
    [mended] = desk.hooks()
    assert mended.active and len(mended.events) > 10 and mended.uuid == hook.uuid


def test_a_house_that_has_forgotten_takes_its_own_hook_up_again(desk: Desk) -> None:
    fine(desk.connect())
    [hook] = desk.hooks()
    with desk.database() as database, database.write() as connection:
        connection.execute(sa.delete(connections))
    fine(desk.connect())
    assert [one.uuid for one in desk.hooks()] == [hook.uuid]
    assert "connected already" in fine(desk.connect())


def test_other_branches_are_guarded_and_the_old_ones_let_go(desk: Desk) -> None:
    fine(desk.connect())
    fine(desk.connect(MAIN, "--deploy", "live", "--yes"))
    assert set(desk.rules()) == all_rules("main", "live")
    assert [row.deploy for row in desk.rows()] == ["live"]


def test_no_token_and_no_secret_is_ever_printed(desk: Desk) -> None:
    said = "".join(
        run.output
        for run in (
            desk.connect(),
            desk.connect(MAIN, "--json"),
            desk.connect(BITBUCKET_ADMIN_TOKEN="ATATTwrong"),
            desk.disconnect(MAIN),
        )
    )
    secrets = [value for name, value in desk.environ.items() if "TOKEN" in name or "SECRET" in name]
    assert len(secrets) == 4
    for secret in [*secrets, "ATATTwrong", desk.hooks()[0].secret]:
        assert secret not in said


# --- what is in the way ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"INTAKEBOT_SECRET_BITBUCKET_CLOUD": ""}, "openssl rand -hex 32"),
        ({"BITBUCKET_LAND_TOKEN": None}, "the land token is not set"),
        ({"BITBUCKET_TOKEN": "ATBBgone"}, "app password"),
        ({"BITBUCKET_ADMIN_TOKEN": "ATATTwrong"}, "admin:repository:bitbucket"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure_and_nothing_is_done(
    desk: Desk, environ: dict[str, str | None], said: str
) -> None:
    done = desk.connect(**environ)
    assert done.exit_code == 1
    assert said in done.output
    assert desk.cloud.writes == () and desk.rows() == []


def test_without_an_administrators_token_it_says_which_variable(desk: Desk) -> None:
    done = desk.connect(BITBUCKET_ADMIN_TOKEN=None)
    assert done.exit_code == 1 and "BITBUCKET_ADMIN_TOKEN is not set" in done.output


def test_where_nobody_may_fork_that_is_said_first(desk: Desk) -> None:
    with desk.cloud.site.lock:
        desk.cloud.at(MAIN).fork_policy = "no_forks"
    done = desk.connect()
    assert done.exit_code == 1
    first = data(desk.connect(MAIN, "--json"))["repositories"][0]["checks"][0]
    assert first["state"] == "fail" and "Forking" in first["cure"]
    assert desk.cloud.writes == ()


def test_a_workspace_that_keeps_forks_inside_is_a_warning(desk: Desk) -> None:
    with desk.cloud.site.lock:
        desk.cloud.site.state.workspace("acme").forking_mode = "internal_only"
    assert "inside itself alone" in fine(desk.connect(MAIN))


@pytest.mark.parametrize(("level", "said"), [("read", "can't push"), ("write", "give its account")])
def test_a_bot_without_the_right_is_told_where_to_give_it(
    desk: Desk, level: str, said: str
) -> None:
    desk.cloud.grant("intakebot", MAIN, level)
    done = desk.connect()
    assert done.exit_code == 1 and said in done.output
    assert desk.cloud.writes == ()


def test_somebody_elses_wider_rule_that_keeps_the_bot_out_is_told(desk: Desk) -> None:
    desk.cloud.restrict(MAIN, "push", "ma*", "carl")
    done = desk.connect()
    assert done.exit_code == 1 and "add the bot to it" in done.output
    assert desk.cloud.writes == ()


def test_an_intake_branch_that_is_not_there_is_told(desk: Desk) -> None:
    done = desk.connect(MAIN, "--intake", "develop", "--yes")
    assert done.exit_code == 1 and "no branch develop" in done.output


def test_an_address_that_nobody_reaches_is_a_warning(desk: Desk) -> None:
    said = fine(desk.connect(PUBLIC_URL="http://127.0.0.1:8420"))
    assert "warn  public address: http://127.0.0.1:8420" in said
    assert "is connected" in said


def test_where_bitbucket_refuses_that_address_the_rest_is_set_up_all_the_same(desk: Desk) -> None:
    desk.cloud.mischief.answer(400, "POST .*/hooks", times=2)
    said = fine(desk.connect(PUBLIC_URL="http://127.0.0.1:8420"))
    assert "no webhook, so that people wait" in said
    assert desk.hooks() == [] and len(desk.rules()) == 9
    assert desk.connect().exit_code == 1, "a public address that is refused is a fault"
    fine(desk.connect())
    assert len(desk.hooks()) == 1


def test_a_house_that_moves_takes_its_hook_along(desk: Desk) -> None:
    fine(desk.connect())
    [old] = desk.hooks()
    was = old.url
    fine(desk.connect(PUBLIC_URL="https://new.example.org"))
    [hook] = desk.hooks()
    assert hook.uuid == old.uuid
    assert hook.url == was.replace(HOUSE, "https://new.example.org")


def test_a_proof_that_fails_undoes_what_was_done(desk: Desk) -> None:
    weak = desk.cloud.token("intakebot", EVERY_SCOPE - {"write:repository:bitbucket"})
    done = desk.connect(BITBUCKET_LAND_TOKEN=weak)
    assert done.exit_code == 1
    assert "could not show that it can push" in done.output
    assert "write:repository:bitbucket" in done.output
    assert (desk.hooks(), desk.rules(), desk.rows()) == ([], {}, [])
    assert desk.branches() == {"refs/heads/main"}


def lose_during_the_proof(desk: Desk, calls: str, times: int) -> None:
    mischief = desk.cloud.mischief
    mischief.before("POST .*/branch-restrictions", lambda: mischief.cut(calls, times=times))


def test_a_proof_whose_question_is_lost_asks_again(desk: Desk) -> None:
    lose_during_the_proof(desk, "git .*/info/refs", times=2)
    said = fine(desk.connect())
    assert "the proof failed" not in said
    assert not any("probe" in branch for branch in desk.branches())


@pytest.mark.parametrize("lost", ["git .*/info/refs", "git .*/git-receive-pack"])
def test_a_proof_that_nobody_answers_undoes_it_and_does_not_blame_the_token(
    desk: Desk, lost: str
) -> None:
    lose_during_the_proof(desk, lost, times=1000)
    done = desk.connect()
    assert done.exit_code == 1
    assert "run this once more" in done.output and "BITBUCKET_LAND_TOKEN belongs" not in done.output
    assert (desk.hooks(), desk.rules(), desk.rows()) == ([], {}, [])
    desk.cloud.mischief.clear()
    assert "the proof failed" not in fine(desk.connect())


def test_a_later_proof_that_fails_leaves_the_gate_as_it_stood(desk: Desk) -> None:
    fine(desk.connect())
    before = {key: rule.id for key, rule in desk.rules().items()}
    other = desk.cloud.user("other-bot")
    desk.cloud.grant("other-bot", MAIN, "write")
    weak = desk.cloud.token("other-bot", EVERY_SCOPE - {"write:repository:bitbucket"})
    done = desk.connect(BITBUCKET_LAND_TOKEN=weak, BITBUCKET_LAND_EMAIL=other.email)
    assert done.exit_code == 1
    assert {key: rule.id for key, rule in desk.rules().items()} == before
    assert desk.rules()["push", "main"].users == [desk.bot.uuid]
    assert not any("probe" in pattern for _, pattern in desk.rules())
    assert "connected already" in fine(desk.connect(MAIN))


def test_a_refused_address_does_not_make_the_house_forget_a_hook_that_is_there(desk: Desk) -> None:
    fine(desk.connect())
    desk.cloud.mischief.answer(400, "PUT .*/hooks")
    fine(desk.connect(PUBLIC_URL="http://127.0.0.1:8420"))
    assert len(desk.hooks()) == 1
    fine(desk.disconnect())
    assert desk.hooks() == []


def test_what_somebody_changes_meanwhile_is_not_overwritten(desk: Desk) -> None:
    desk.cloud.restrict(MAIN, "push", "main", "carl")
    rule = desk.rules()["push", "main"]
    desk.cloud.user("dora")

    def meanwhile() -> None:
        with desk.cloud.site.lock:
            rule.users.append(desk.cloud.state.user("dora").uuid)

    desk.cloud.mischief.before("POST .*/hooks", meanwhile)
    done = desk.connect()
    assert done.exit_code == 1 and "somebody changed it meanwhile" in done.output
    assert len(desk.rules()["push", "main"].users) == 2
    said = fine(desk.connect())
    assert "Carl, Dora could until now" in said
    fine(desk.disconnect())
    assert len(desk.rules()["push", "main"].users) == 2


def test_the_administrators_token_of_the_bot_itself_is_a_warning(desk: Desk) -> None:
    its = {"BITBUCKET_ADMIN_TOKEN": desk.bot.token, "BITBUCKET_ADMIN_EMAIL": desk.bot.email}
    assert "belongs to the bot itself" in fine(desk.connect(MAIN, **its))
    other = desk.cloud.user("lander")
    desk.cloud.grant("lander", MAIN, "write")
    its |= {"BITBUCKET_LAND_TOKEN": other.token, "BITBUCKET_LAND_EMAIL": other.email}
    assert "belongs to the bot itself" in fine(desk.connect(MAIN, **its))


def test_how_many_seats_are_taken_is_told(desk: Desk) -> None:
    assert "seats: 1 have a place in the workspace" in fine(desk.connect(MAIN))


REPOSITORY = {"name", "id", "intake", "deploy", "checks", "steps", "changed", "fault"}


def test_what_scripts_read_keeps_its_shape(desk: Desk) -> None:
    for words in ((MAIN,), (MAIN, "--yes"), ("acme", "--all"), (MAIN, "--intake", "nope")):
        found = data(desk.connect(*words, "--json"))
        assert set(found) == {"checks", "yes", "follows", "left_out", "repositories"}
        assert {frozenset(one) for one in found["repositories"]} == {frozenset(REPOSITORY)}
        assert set(found["checks"][0]) == {"state", "about", "what", "cure"}
    for words in ((MAIN,), (MAIN, "--forget"), (MAIN, "--yes")):
        found = data(desk.disconnect(*words, "--json"))
        assert set(found) == {"name", "id", "steps", "changed", "faults", "stays"}
    assert set(data(desk.connect("--list", "--json"))) == {"connected", "followed"}


# --- killed ---------------------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 4, 6, 20])
def test_killed_and_repeated_there_is_one_hook_and_one_set_of_restrictions(
    desk: Desk, times: int
) -> None:
    desk.cloud.restrict(MAIN, "push", "main", "carl")
    assert desk.dies(times, "connect", "bitbucket-cloud", MAIN, "--yes"), "nobody came there"
    fine(desk.connect())
    assert len(desk.hooks()) == 1
    assert set(desk.rules()) == all_rules("main", "deploy")
    assert desk.branches() == {"refs/heads/main"}
    assert "connected already" in fine(desk.connect(MAIN))
    fine(desk.disconnect())
    [(place, rule)] = desk.rules().items()
    assert place == ("push", "main") and rule.users == [desk.carl.uuid]
    assert desk.hooks() == []


def test_killed_it_can_be_taken_back_whole(desk: Desk) -> None:
    assert desk.dies(9, "connect", "bitbucket-cloud", MAIN, "--yes")
    fine(desk.disconnect())
    assert (desk.hooks(), desk.rules(), desk.rows()) == ([], {}, [])
    assert desk.branches() == {"refs/heads/main"}


def test_a_disconnect_that_was_killed_is_ended_by_the_next(desk: Desk) -> None:
    fine(desk.connect())
    assert desk.dies(4, "disconnect", "bitbucket-cloud", MAIN, "--yes")
    assert desk.rows() != []
    fine(desk.disconnect())
    assert (desk.hooks(), desk.rules(), desk.rows()) == ([], {}, [])


@pytest.mark.parametrize("call", ["POST .*/hooks", "POST .*/branch-restrictions", "DELETE .*"])
@pytest.mark.parametrize("after", [True, False])
def test_an_answer_that_was_lost_makes_nothing_twice(desk: Desk, call: str, after: bool) -> None:
    desk.cloud.mischief.cut(call, after=after)
    done = desk.connect()
    assert done.exit_code == 1 and "does not answer" in done.output
    fine(desk.connect())
    assert len(desk.hooks()) == 1
    assert set(desk.rules()) == all_rules("main", "deploy")


# --- many -----------------------------------------------------------------------------


def test_one_that_fails_does_not_stop_the_others_and_is_named(desk: Desk) -> None:
    desk.add("acme/closed")
    desk.add("acme/zoo")
    with desk.cloud.site.lock:
        desk.cloud.at("acme/closed").fork_policy = "no_forks"
    done = desk.connect("acme", "--all", "--yes")
    assert done.exit_code == 1
    assert "1 of 3 could not be connected" in done.output
    assert "acme/closed: nobody can fork" in done.output
    assert {row.name for row in desk.rows()} == {MAIN, "acme/zoo"}


def test_a_new_repository_is_taken_in_by_the_next_run(desk: Desk) -> None:
    fine(desk.connect("acme", "--all", "--yes"))
    desk.add("acme/new")
    before = len(desk.cloud.writes)
    fine(desk.connect("acme", "--all", "--yes"))
    assert {row.name for row in desk.rows()} == {MAIN, "acme/new"}
    assert all("new" in one.path or desk.cloud.at("acme/new").uuid in one.path
               for one in desk.cloud.writes[before:])  # fmt: skip
    assert len(desk.cloud.writes) > before


def test_a_project_takes_in_its_own_alone(desk: Desk) -> None:
    key = next(iter(desk.cloud.site.state.workspace("acme").projects.values())).key
    fine(desk.connect("acme", "--project", key, "--yes"))
    assert [row.name for row in desk.rows()] == [MAIN]
    done = desk.connect("acme", "--project", "NOPE", "--yes")
    assert done.exit_code == 1 and "project NOPE of acme" in done.output


@pytest.mark.parametrize("words", [("acme",), (MAIN, "--all"), ("acme/a/b",)])
def test_a_place_that_is_not_one_is_a_question_of_usage(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.connect(*words).exit_code == 2
