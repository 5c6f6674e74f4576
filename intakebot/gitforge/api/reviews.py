"""Reviews by people, statuses by the bot, builds by other machines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from intakebot.gitforge import pushes, remarks
from intakebot.gitforge.api.body import ApiError, fields, needed, not_found, oid
from intakebot.gitforge.api.door import visit
from intakebot.gitforge.api.shapes import review_shape, status_shape

Answer = tuple[dict[str, Any], int]


def add_to(api: Blueprint) -> None:
    reviews = "/repos/<repo_id>/pulls/<number>/reviews"
    api.add_url_rule(reviews, view_func=give_review, methods=["POST"])
    api.add_url_rule(reviews, view_func=withdraw_review, methods=["DELETE"])
    api.add_url_rule("/repos/<repo_id>/statuses/<sha>", view_func=put_status, methods=["PUT"])
    builds = "/repos/<repo_id>/builds/<sha>"
    api.add_url_rule(builds, view_func=list_builds, methods=["GET"])
    api.add_url_rule(builds, view_func=put_build, methods=["PUT"])


def give_review(repo_id: str, number: str) -> Answer:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    said = fields(request).only("head", "state")
    head = needed(said.oid("head"), "head")
    state = needed(said.choice("state", "approved", "changes_requested"), "state")
    pushes.settle(here.db, here.layout, main.id)
    with here.writing():
        pull = here.pull(main, number)
        if pull.head != head:
            raise ApiError(409, "The pull request has another head now.", head=pull.head)
        remarks.review(here.db, main, pull, here.caller.account, head, state)
    row = remarks.review_by(here.db, pull, here.caller.account)
    if row is None:  # withdrawn in the same moment
        raise not_found()
    return review_shape(here.db, row), 201


def withdraw_review(repo_id: str, number: str) -> tuple[str, int]:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    with here.writing():
        pull = here.pull(main, number)
        remarks.withdraw_review(here.db, main, pull, here.caller.account)
    return "", 204


def put_status(repo_id: str, sha: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    if not here.is_bot:
        raise ApiError(403, "Statuses are set by a token of scope bot.")
    said = fields(request).only("state", "text", "url")
    values = {
        "state": needed(said.choice("state", "pending", "success", "failure"), "state"),
        "text": said.text("text", 1000) or "",
        "url": said.line("url") or "",
    }
    with here.writing():
        if status_shape(remarks.status(here.db, main, oid(sha))) != values:
            remarks.set_status(here.db, main, here.caller.account, sha, values)
    return values


def list_builds(repo_id: str, sha: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    return {"builds": [dict(row) for row in remarks.builds(here.db, main, oid(sha))]}


def put_build(repo_id: str, sha: str) -> dict[str, Any]:
    """Whoever may write to the repository may say what a build gave, as on any forge."""
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    if here.is_bot or here.level(main) != "write":
        raise ApiError(403, "Builds are told by the token of a person who may write here.")
    said = fields(request).only("name", "state", "text", "url")
    name = needed(said.line("name"), "name")
    values = {
        "name": name,
        "state": needed(said.choice("state", "pending", "success", "failure"), "state"),
        "text": said.text("text", 1000) or "",
        "url": said.line("url") or "",
    }
    with here.writing():
        remarks.set_build(here.db, main, oid(sha), values)
    return values
