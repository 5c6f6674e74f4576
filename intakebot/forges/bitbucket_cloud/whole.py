"""Puts the parts of one pull request together, as the house knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intakebot.forges.bitbucket_cloud import activity as order
from intakebot.forges.bitbucket_cloud.places import addresses, let_me_in
from intakebot.forges.bitbucket_cloud.shapes import (
    EPOCH,
    Json,
    Place,
    account,
    link,
    micros,
    moment,
    part,
    text,
)
from intakebot.model import (
    Account,
    Comment,
    Pull,
    PullState,
    Repo,
    ReviewState,
    Source,
    Status,
)

STATES = {"OPEN": PullState.OPEN, "MERGED": PullState.MERGED}  # DECLINED, SUPERSEDED: closed


@dataclass(frozen=True, slots=True)
class Parts:
    """`found` is the pull request itself, `origin` the repository it comes from (None when it is
    gone), `fork` the author's, where it is known; `readable` whether git lets the bot read
    `origin`; `seen` the full ids of heads, by the activity that brought them."""

    found: Json
    repo: Repo
    main: Place
    origin: Place | None
    fork: Place | None
    readable: bool
    head: str
    activity: order.Activity
    seen: Mapping[int, str]
    comments: tuple[Comment, ...]
    status: Status | None
    bot: Account


def whole(parts: Parts, git_url: str) -> Pull:
    found, origin = parts.found, parts.origin
    branch = text(found, "source", "branch", "name")
    given = opinions(found)
    people = [one for one in given if one.by.id != parts.bot.id]
    now = _now(parts, given)
    shown = addresses(parts.main, parts.fork, branch, now.target, git_url)
    state = state_of(found)
    closed_off = origin is not None and not parts.readable and state is PullState.OPEN
    return Pull(
        repo=parts.repo,
        number=found["id"],
        title=text(found, "title"),
        description=text(found, "description") or text(found, "summary", "raw"),
        draft=part(found, "draft") is True,
        state=state,
        author=now.author,
        source=Source(origin.id, origin.clone_url(git_url), branch) if origin else None,
        target=now.target,
        head=parts.head,
        created_at=moment(found, "created_on") or EPOCH,
        url=link(found) or f"{parts.main.page}/pull-requests/{found['id']}",
        fork_url=shown.fork_url,
        pushes=order.pushes(parts.activity, parts.seen, now),
        targets=order.targets(parts.activity, now),
        comments=parts.comments,
        reviews=order.reviews(parts.activity, people, parts.seen, now),
        status=parts.status,
        review=next((one.state for one in given if one.by.id == parts.bot.id), None),
        main_url=parts.main.clone_url(git_url),
        fork_page=shown.fork_page,
        open_page=shown.open_page,
        unreadable=let_me_in(origin, parts.bot) if origin and closed_off else "",
    )


def state_of(found: Json) -> PullState:
    return STATES.get(text(found, "state"), PullState.CLOSED)


def opinions(found: Json) -> list[order.Standing]:
    """Participants who approve or request changes now."""
    standing = []
    for one in part(found, "participants") or ():
        state = _opinion(one)
        if state is not None:
            by = account(part(one, "user"))
            standing.append(order.Standing(by, state, moment(one, "participated_on")))
    return standing


def _opinion(participant: object) -> ReviewState | None:
    """`state` is missing in old answers."""
    match text(participant, "state"):
        case "approved":
            return "approved"
        case "changes_requested":
            return "changes_requested"
    return "approved" if part(participant, "approved") is True else None


def _now(parts: Parts, given: list[order.Standing]) -> order.Now:
    at = moment(parts.found, "updated_on") or EPOCH
    happened = [
        micros(at),
        *(update.seq for update in parts.activity.updates),
        *(micros(one.at) for one in parts.activity.given),
        *(micros(one.at) for one in given if one.at is not None),
        *(comment.seq for comment in parts.comments),
    ]
    return order.Now(
        head=parts.head,
        target=text(parts.found, "destination", "branch", "name"),
        author=account(part(parts.found, "author")),
        at=at,
        end=max(happened) + 1,
    )
