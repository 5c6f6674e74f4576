"""Pull requests: list, read, open, change."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from intakebot.gitforge import pulls, pushes, repositories
from intakebot.gitforge.api.body import ApiError, Fields, after, fields, needed
from intakebot.gitforge.api.door import Visit, visit
from intakebot.gitforge.api.shapes import pull_line, pull_shape
from intakebot.gitforge.pulls import Opening, Pull
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.wishes import plain

Answer = tuple[dict[str, Any], int]


def add_to(api: Blueprint) -> None:
    api.add_url_rule("/repos/<repo_id>/pulls", view_func=list_pulls)
    api.add_url_rule("/repos/<repo_id>/pulls", view_func=open_pull, methods=["POST"])
    api.add_url_rule("/repos/<repo_id>/pulls/<number>", view_func=get_pull)
    api.add_url_rule("/repos/<repo_id>/pulls/<number>", view_func=change_pull, methods=["PATCH"])


def list_pulls(repo_id: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    state = request.args.get("state", "open")
    if state not in ("open", "merged", "closed", "all"):
        raise ApiError(400, "'state' must be one of open, merged, closed, all.")
    start = after(request)
    pushes.settle(here.db, here.layout, main.id)
    found = pulls.changed_after(here.db, main, state, start)
    lines = [pull_line(here.db, pull) for pull in found]
    return {"pulls": lines, "seq": found[-1].seq if found else start}


def get_pull(repo_id: str, number: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    pushes.settle(here.db, here.layout, main.id)
    return pull_shape(here.db, here.layout, main, here.pull(main, number))


def open_pull(repo_id: str) -> Answer:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    wish = fields(request).only(
        "source_repo_id", "source_branch", "target", "title", "description", "draft"
    )
    opening = _opening(here, main, wish)
    with here.writing():
        known = pulls.open_from(here.db, opening.source, opening.branch)
        if known:
            raise ApiError(
                409, f"Pull request #{known.number} is open from there.", number=known.number
            )
        number = pulls.start(here.db, main, here.caller.account, opening)
    return pull_shape(here.db, here.layout, main, here.pull(main, str(number))), 201


def _opening(here: Visit, main: Repo, wish: Fields) -> Opening:
    source = repositories.by_id(
        here.db, needed(wish.identifier("source_repo_id"), "source_repo_id")
    )
    if source is None or source.main_id != main.id:
        raise ApiError(400, "'source_repo_id' is neither this repository nor a fork of it.")
    _may_open_from(here, main, source)
    branch = needed(wish.text("source_branch"), "source_branch")
    target = wish.text("target") or main.intake
    head = source.git(here.layout).tip(branch) if repositories.valid_branch(branch) else None
    if head is None:
        raise ApiError(400, "There is no such 'source_branch'.")
    tip = _target_without(here, main, source, target, head)
    title = wish.line("title") or plain(source.git(here.layout).first_subject(tip, head))
    return Opening(
        source=source,
        branch=branch,
        target=target,
        head=head,
        title=title or branch,
        description=wish.text("description") or "",
        draft=wish.flag("draft") or False,
    )


def _may_open_from(here: Visit, main: Repo, source: Repo) -> None:
    if source.is_main and here.level(main) != "write":
        raise ApiError(403, "Opening from the main repository needs write permission.")
    if source.owner and source.owner.id != here.caller.account.id:
        raise ApiError(403, "Only its owner opens pull requests from a fork.")


def _target_without(here: Visit, main: Repo, source: Repo, target: str, head: str) -> str:
    """The target's tip; refused when the target is missing or has the head already."""
    tip = main.git(here.layout).tip(target) if repositories.valid_branch(target) else None
    if tip is None:
        raise ApiError(400, "There is no such 'target' branch.")
    if source.git(here.layout).contains(tip, head):
        raise ApiError(409, "The target already contains these commits.")
    return tip


def change_pull(repo_id: str, number: str) -> dict[str, Any]:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    pushes.settle(here.db, here.layout, main.id)
    pull = here.pull(main, number)
    author = pull.author_id == here.caller.account.id
    if not (author or here.is_bot or here.level(main) == "write"):
        raise ApiError(403, "Only its author and people with write permission change it.")
    wish = fields(request).only("title", "description", "target", "draft", "state")
    values = _changes(here, main, pull, wish)
    reopening = values.get("state") == "open"
    head = _head_to_reopen(here, main, pull, values.get("target", pull.target)) if reopening else ""
    with here.writing():
        fresh = here.pull(main, number)
        if fresh.state != pull.state:
            raise ApiError(409, f"The pull request is {fresh.state} now.")
        if reopening:
            _none_open_from(here, fresh)
        if values:
            pulls.change(here.db, main, fresh, here.caller.account, values)
        if head and head != fresh.head:
            pulls.move(here.db, main, fresh, head, here.caller.account)
    return pull_shape(here.db, here.layout, main, here.pull(main, number))


def _changes(here: Visit, main: Repo, pull: Pull, wish: Fields) -> dict[str, Any]:
    """Only what differs from now, so that a repeat changes and announces nothing."""
    title, state = wish.line("title"), wish.choice("state", "open", "closed")
    if title is not None and not title.strip():
        raise ApiError(400, "'title' is empty.")
    if pull.state == "merged" and state:
        raise ApiError(409, "The pull request is merged.")
    target = wish.text("target")
    if target is not None and target != pull.target:
        source = repositories.known(here.db, pull.source_id)
        _target_without(here, main, source, target, pull.head)
    said = {
        "title": title,
        "description": wish.text("description"),
        "target": target,
        "draft": wish.flag("draft"),
        "state": state,
    }
    return {
        name: value
        for name, value in said.items()
        if value is not None and value != getattr(pull, name)
    }


def _head_to_reopen(here: Visit, main: Repo, pull: Pull, target: str) -> str:
    source = repositories.known(here.db, pull.source_id)
    gone = not source.path(here.layout).is_dir()
    head = None if gone else source.git(here.layout).tip(pull.branch)
    if head is None:
        raise ApiError(409, "Its branch is gone; push it again and a new one opens.")
    _target_without(here, main, source, target, head)
    return head


def _none_open_from(here: Visit, pull: Pull) -> None:
    source = repositories.known(here.db, pull.source_id)
    other = pulls.open_from(here.db, source, pull.branch)
    if other:
        raise ApiError(
            409, f"Pull request #{other.number} is open from there.", number=other.number
        )
