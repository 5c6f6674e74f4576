"""A look brings one pull request to where it should be, and then leaves it alone."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from intakebot.checks.sandbox import NoSandbox, Sandbox
from intakebot.model import Group, PullState, Role
from intakebot.store.tables import facts, first_verdicts, happenings, landings, looks, pulls
from tests.flow.conftest import CHECKS, PAGE, ada, grace
from tests.flow.workshop import Workshop


def test_a_settled_pull_request_looked_at_again_writes_nothing(shop: Workshop) -> None:
    number = shop.opens(ada(shop), {"index.html": "<p>New</p>\n"})
    shop.settle()
    shop.settle()
    before = shop.forge_seq(), shop.receipts(), shop.rows(sa.select(looks))
    looked = shop.rows(sa.select(pulls.c.looked_at))

    shop.look_again(number)

    assert (shop.forge_seq(), shop.receipts(), shop.rows(sa.select(looks))) == before
    assert shop.rows(sa.select(pulls.c.looked_at)) > looked
    assert {receipt.state for receipt in shop.receipts()} == {"done"}
    assert shop.standing(number) == "needs review"


def test_there_is_one_status_comment_and_it_is_edited_in_place(shop: Workshop) -> None:
    author, reviewer = ada(shop), grace(shop)
    number = shop.opens(author, {"index.html": "<p>New</p>\n"}, title="fix")
    shop.settle()
    (first,) = shop.marks(number)
    assert "please mend what is below" in first.text.splitlines()[0]

    shop.change(author, number, title="Say less on the page")
    shop.settle()
    shop.says(reviewer, number, "/approve")

    status = [mark for mark in shop.marks(number) if mark.key == "status"]
    assert [mark.id for mark in status] == [first.id]
    assert "say `/merge`" in status[0].text.splitlines()[0]


# --- where changes come from ----------------------------------------------------------


def main_branch(shop: Workshop, login: str, group: Group) -> int:
    """Somebody with write access asks to merge a branch of the main repository itself."""
    person = shop.person(login, group, access="write")
    clone = shop.clone(person)
    person.must("switch", "--quiet", "-c", "banner", within=clone)
    person.commit(clone, {"index.html": "<p>Banner</p>\n"}, "Put a banner on the page")
    said = person.must("push", "-o", "pull", "origin", "HEAD:refs/heads/banner", within=clone)
    found = re.search(r"#([0-9]+)", said)
    assert found, said
    return int(found[1])


def test_staff_may_use_a_branch_of_the_main_repository(shop: Workshop) -> None:
    number = main_branch(shop, "sam", Group.STAFF)
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_a_first_rejected_pull_request_stays_open_until_its_grace_ends(shop: Workshop) -> None:
    number = main_branch(shop, "carl", Group.CONTRACTOR)
    shop.settle()
    assert shop.standing(number) == "rejected"
    assert shop.pull(number).state is PullState.OPEN
    assert "git push fork" in shop.status_text(number)
    assert "it stays open until" in shop.status_text(number)

    shop.passes(timedelta(hours=23, minutes=58))
    shop.sweep()
    assert shop.pull(number).state is PullState.OPEN

    shop.passes(timedelta(minutes=4))
    shop.sweep()
    assert shop.pull(number).state is PullState.CLOSED
    assert shop.standing(number) == "rejected"
    shop.settle()
    assert shop.standing(number) == "rejected"


def test_somebody_who_has_landed_before_is_closed_at_once(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    shop.land(maintainer, shop.opens(author, {"index.html": "<p>New</p>\n"}))
    shop.grants("ada", "write")
    clone = shop.clone(author)
    author.must("switch", "--quiet", "-C", "second", "origin/main", within=clone)
    author.commit(clone, {"README": "More.\n"}, "Say more in the README")
    author.must("push", "-o", "pull", "origin", "HEAD:refs/heads/second", within=clone)

    shop.settle()
    shop.settle()

    assert shop.pull(2).state is PullState.CLOSED
    assert shop.standing(2) == "rejected"
    assert "git push fork" in shop.status_text(2)


def test_a_fork_that_has_vanished_is_an_unknown_origin(shop: Workshop) -> None:
    number = shop.opens(ada(shop), {"index.html": "<p>New</p>\n"})
    shop.settle()
    shutil.rmtree(shop.state / "git" / "ada" / "site.git")
    shop.look_again(number)
    assert shop.pull(number).source is None
    assert shop.standing(number) == "rejected"
    assert "no longer exists" in shop.status_text(number)


# --- what git says --------------------------------------------------------------------


def test_a_conflict_names_its_files_and_the_printed_commands_resolve_it(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = shop.opens(author, {"index.html": PAGE.replace("Line 3", "Three")}, branch="three")
    other = shop.opens(author, {"index.html": PAGE.replace("Line 3", "III")}, branch="other")
    shop.settle()
    assert shop.standing(number) == "needs review"

    shop.land(maintainer, other)
    shop.settle()
    assert shop.standing(number) == "needs changes"
    text = shop.status_text(number)
    assert "`index.html` was also changed on the branch `main`" in text

    bring_in, finish = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[:2]
    clone = shop.clone(author)
    author.must("switch", "--quiet", "three", within=clone)
    assert not author.paste(bring_in, clone).ok  # git stops at the conflict
    (clone / "index.html").write_text(PAGE.replace("Line 3", "Both"))
    finished = author.paste(finish, clone)
    assert finished.ok, finished.text
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)


def test_leftover_conflict_markers_are_placed(shop: Workshop) -> None:
    torn = PAGE.replace("<p>Line 5</p>\n", "<<<<<<< HEAD\n<p>5</p>\n>>>>>>> theirs\n")
    number = shop.opens(ada(shop), {"index.html": torn})
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert "`index.html:5`" in shop.status_text(number)
    assert "`index.html:7`" in shop.status_text(number)


# --- the trusted configuration --------------------------------------------------------


def test_an_agency_s_change_of_the_configuration_is_protected_and_judged_by_the_old_one(
    checked_shop: Workshop,
) -> None:
    shop = checked_shop
    number = shop.opens(
        ada(shop), {".intakebot.toml": "[review]\napprovals = 0\n", "index.html": "BROKEN\n"}
    )
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert "`.intakebot.toml` is protected" in shop.status_text(number)
    assert "The check `words` does not pass" in shop.status_text(number)


def test_a_broken_configuration_on_the_target_blocks_by_us_and_heals(shop: Workshop) -> None:
    number = shop.opens(ada(shop), {"index.html": "<p>New</p>\n"})
    shop.settle()
    shop.by_hand("main", {".intakebot.toml": "[review]\napprovals = 'two'\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"
    assert "waits for us, not for you" in shop.status_text(number)
    assert ".intakebot.toml: review.approvals" in shop.why(number)

    shop.by_hand("main", {".intakebot.toml": "[review]\napprovals = 2\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert "0 of 2 approvals" in shop.why(number)


def test_without_a_sandbox_no_check_runs_and_it_is_blocked_by_us_until_there_is_one(
    checked_shop: Workshop,
) -> None:
    def no_sandbox() -> Sandbox:
        raise NoSandbox("this machine has none")

    shop, working = checked_shop, checked_shop.house
    shop.house = replace(working, sandbox=no_sandbox)
    number = shop.opens(ada(shop), {"index.html": "<p>New</p>\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"
    assert "this machine has none" in shop.why(number)
    assert shop.runs() == []

    shop.house = working
    shop.settle()
    assert shop.standing(number) == "needs review"


# --- what is remembered ---------------------------------------------------------------


def test_facts_verdicts_and_who_did_what_when_are_kept(checked_shop: Workshop) -> None:
    shop = checked_shop
    number = shop.opens(ada(shop), {"index.html": "BROKEN\n"})
    shop.settle()
    shop.say(grace(shop), number, "Please mend it.")
    shop.settle()

    head = shop.pull(number).head
    (first,) = shop.rows(sa.select(first_verdicts))
    assert (first.head, first.state) == (head, "needs changes")
    seen = shop.rows(sa.select(looks).order_by(looks.c.id))
    assert [look.state for look in seen] == ["checking", "needs changes"]
    assert any(one["rule"] == "checks-pass" for one in seen[-1].verdicts)
    bodies = {row.digest: row.body for row in shop.rows(sa.select(facts))}
    assert bodies[seen[-1].facts_digest]["checks_failed"] == ["words"]
    kept = [(row.kind, row.head) for row in shop.rows(sa.select(happenings))]
    assert sorted(kept) == [("comment", ""), ("push", head)]
    assert shop.rows(sa.select(landings)) == []


def test_a_change_of_the_configuration_by_a_maintainer_is_allowed(shop: Workshop) -> None:
    owner = shop.person("olga", Group.STAFF, roles=(Role.OWNER,))
    number = shop.opens(owner, {".intakebot.toml": CHECKS}, title="Check the words of the site")
    shop.settle()
    assert shop.standing(number) == "needs review"
