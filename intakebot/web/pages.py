"""The pages: all pull requests, one pull request, and the box to say something on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from intakebot import log
from intakebot.core.roster import may_thaw
from intakebot.flow import guard
from intakebot.model import ContributorError, OperatorError, Pull, State, TryLater, Turn
from intakebot.store import incidents, listing, opinions
from intakebot.store import pages as store
from intakebot.store.listing import Filter, Order, PullLine
from intakebot.web.diff import Diff
from intakebot.web.fetches import has_commits
from intakebot.web.front import front
from intakebot.web.live import watch_house, watch_pull
from intakebot.web.question import SCORES, is_asked
from intakebot.web.shown import page, whose_turn
from intakebot.web.since import last_approval
from intakebot.web.view import Remembered, ask_forge, checks_of, diff_of, remember
from intakebot.web.visitor import (
    Visitor,
    asking_forge,
    in_session,
    refuse_forged_forms,
    signed_in,
)

PULL = "/pulls/<path:repo>/<int(max=2147483647):number>"
EACH = 100  # pull requests on one page of the list
MOST_COMMENTS = 200  # on one page, the newest
LONGEST_SEARCH = 200  # characters
COMMIT = re.compile(r"[0-9a-f]{40}")

Word = TypeVar("Word", bound=StrEnum)

pages = Blueprint("pages", __name__)


def visiting() -> Visitor:
    found = in_session()
    if found is None:
        abort(401)
    return found


# --- the list -------------------------------------------------------------------------


@pages.get("/")
@signed_in
def pulls() -> ResponseReturnValue:
    visitor = visiting()
    asked, number = asked_filter(), page_number()
    with front().house.database.read() as connection:
        found = listing.list_pulls(
            connection, visitor.scope, asked, limit=EACH + 1, offset=(number - 1) * EACH
        )
        return page(
            "pulls.html",
            pulls=found[:EACH],
            more=len(found) > EACH,
            number=number,
            asked=asked,
            place=_place(asked),
            counts=listing.count_states(connection, visitor.scope, asked),
            repos=listing.repo_names(connection, visitor.scope),
            orders=list(Order),
            turns=[turn for turn in Turn if turn is not Turn.NOBODY],
            incidents=incidents.past_us(connection, 10) if visitor.sees_all else [],
            outside=incidents.outside(connection) if visitor.sees_all else [],
            lanes=store.troubled_lanes(connection) if visitor.sees_all else [],
            troubled=listing.troubled_pulls(connection, 20) if visitor.sees_all else [],
            turn=whose_turn,
            freezes=incidents.freezes,
            may_acknowledge=may_thaw(visitor.person),
            git_url=front().settings.git_url,
            watch=watch_house(connection),
        )


@pages.post("/incidents/<int(max=2147483647):incident>/acknowledge")
@signed_in
def acknowledge(incident: int) -> ResponseReturnValue:
    refuse_forged_forms()
    visitor = visiting()
    if not may_thaw(visitor.person):
        abort(403, "Owners and maintainers acknowledge what went past the pull requests.")
    guard.acknowledge(front().house, incident, visitor.person.id)
    return redirect(url_for("pages.pulls", _anchor="incidents"))


def asked_filter() -> Filter:
    """From the address: `state`, `repo`, `q`, `turn` and `sort`. 400 for words that are none."""
    values = request.args
    turn = _word(Turn, "turn", values.get("turn", ""))
    return Filter(
        state=_word(State, "state", values.get("state", "")),
        repo=values.get("repo", ""),
        text=values.get("q", "").strip()[:LONGEST_SEARCH],
        turns=(turn,) if turn else (),
        order=_word(Order, "sort", values.get("sort", "")) or Order.NEWEST,
    )


def _word(words: type[Word], name: str, asked: str) -> Word | None:
    """As a word ("needs changes") or as one piece ("needs-changes"); None for nothing."""
    asked = asked.strip()
    for word in words:
        if asked in (word.value, word.value.replace(" ", "-")):
            return word
    if asked:
        abort(400, f"There is no such {name}. There are: {', '.join(words)}.")
    return None


def _place(asked: Filter) -> Mapping[str, str]:
    """The same as an address says it."""
    said = {
        "state": asked.state.slug if asked.state else "",
        "repo": asked.repo,
        "q": asked.text,
        "turn": asked.turns[0].value if asked.turns else "",
        "sort": asked.order.value if asked.order is not Order.NEWEST else "",
    }
    return {key: value for key, value in said.items() if value}


def page_number() -> int:
    asked = request.args.get("page", "1")
    return max(1, int(asked)) if re.fullmatch(r"[0-9]{1,6}", asked) else 1


# --- one pull request -----------------------------------------------------------------


@pages.get(PULL)
@signed_in
def pull(repo: str, number: int) -> ResponseReturnValue:
    return pull_page(_find(repo, number), posted="posted" in request.args)


@pages.post(f"{PULL}/comments")
@signed_in
def say(repo: str, number: int) -> ResponseReturnValue:
    refuse_forged_forms()
    known = _find(repo, number)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    seen_head = request.form.get("seen_head", "")
    if seen_head and not COMMIT.fullmatch(seen_head):
        abort(400)
    try:
        speak(visiting(), known.line, text, seen_head)
    except ContributorError as error:
        return pull_page(known, problem=str(error), text=text), 400
    except TryLater:
        problem = "The forge can't take your comment right now; it was not posted. Try again."
        return pull_page(known, problem=problem, text=text), 503
    return redirect(url_for("pages.pull", repo=repo, number=number, posted=1, _anchor="comments"))


def speak(visitor: Visitor, line: PullLine, text: str, seen_head: str) -> str:
    """Post a comment in this person's name; ContributorError says why not."""
    if not text or "\0" in text:
        raise ContributorError("Write something first." if not text else "Leave out the NUL.")
    forge = front().house.forges.get(line.repo.forge)
    if forge is None or visitor.forge != line.repo.forge:
        raise ContributorError("You are signed in at another forge than this pull request's.")
    with asking_forge():
        try:
            return forge.say(line.repo.id, line.number, visitor.person.id, text, seen_head)
        except OperatorError as error:
            log.warning("comment not posted", repo=line.repo.name, why=str(error))
            raise TryLater(str(error)) from error


def _find(repo: str, number: int) -> Remembered:
    with front().house.database.read() as connection:
        line = listing.find_pull(connection, visiting().scope, repo, number)
        if line is None:
            abort(404)
        return remember(connection, line)


def pull_page(known: Remembered, *, posted: bool = False, problem: str = "", text: str = "") -> str:
    house, line = front().house, known.line
    live, forge_problem = ask_forge(house, line)
    approval = last_approval(known.commands, live, line.head)
    then = approval.head if approval and request.args.get("since") == approval.head else ""
    return page(
        "pull.html",
        known=known,
        line=line,
        live=live,
        forge_problem=forge_problem,
        most_comments=MOST_COMMENTS,
        moved=live is not None and live.head != line.head,
        bot=front().own.id_at(line.repo.forge),
        may_speak=visiting().forge == line.repo.forge,
        checks=checks_of(house, known.evidence),
        diff=_diff(known, live, then),
        watch=watch_pull(line, known.version),
        opinion=_opinion(line),
        approval=approval,
        then=then,
        posted=posted,
        problem=problem,
        text=text,
        turn=whose_turn,
    )


def _opinion(line: PullLine) -> tuple[int | None, Mapping[str, str]] | None:
    """What this visitor said of the next one, and what can be said; None who is not asked."""
    house = front().house
    with house.database.read() as connection:
        if not is_asked(connection, visiting(), line, house.now()):
            return None
        return opinions.own(connection, line.id, visiting().person.id), SCORES


def _diff(known: Remembered, live: Pull | None, then: str) -> Diff | str:
    house, line, seen = front().house, known.line, known.evidence
    if not visiting().sees_code:
        return "Managers read how things stand; maintainers and contributors see what changes."
    if seen is not None and seen.base and live is not None:
        git = house.mirror(line.repo).git
        if not has_commits(git, seen.base, seen.head):
            front().fetches.start(replace(line, repo=live.repo), seen, live)
            return "The commits are being fetched to this machine; reload in a moment."
        if then and not has_commits(git, then):
            return "The commit that was approved is no longer on this machine."
    return diff_of(house, seen, line, then)
