"""Comments on a pull request."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Blueprint, request

from intakebot.gitforge import remarks
from intakebot.gitforge.api.body import ApiError, Fields, fields, identifier, needed, not_found
from intakebot.gitforge.api.door import Visit, visit
from intakebot.gitforge.api.shapes import comment_shape
from intakebot.gitforge.pulls import Pull
from intakebot.gitforge.remarks import Remark
from intakebot.gitforge.repositories import Repo

Answer = tuple[dict[str, Any], int]


def add_to(api: Blueprint) -> None:
    many = "/repos/<repo_id>/pulls/<number>/comments"
    api.add_url_rule(many, view_func=post_comment, methods=["POST"])
    api.add_url_rule(f"{many}/<comment_id>", view_func=change_comment, methods=["PATCH"])
    api.add_url_rule(f"{many}/<comment_id>", view_func=delete_comment, methods=["DELETE"])


def post_comment(repo_id: str, number: str) -> Answer:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    pull = here.pull(main, number)
    remark = _remark(here, pull)
    with here.writing():
        known = remarks.comment_with_key(here.db, pull, remark.key) if remark.key else None
        if known:
            return comment_shape(here.db, known), 200
        made = remarks.post(here.db, main, pull, here.caller.account, remark)
    return comment_shape(here.db, _existing(here, pull, made)), 201


def _remark(here: Visit, pull: Pull) -> Remark:
    said = fields(request).only("text", "key", "seen_head", "path", "line", "reply_to")
    key = said.line("key")
    if key is not None and not here.is_bot:
        raise ApiError(403, "'key' is for a token of scope bot.")
    reply_to = said.identifier("reply_to")
    if reply_to is not None and remarks.comment(here.db, pull, reply_to) is None:
        raise ApiError(400, "'reply_to' is no comment of this pull request.")
    path, line = said.line("path"), said.number("line")
    if line is not None and not path:
        raise ApiError(400, "'line' needs a 'path'.")
    return Remark(
        text=needed(said.text("text"), "text"),
        key=key or None,
        seen_head=said.oid("seen_head"),
        path=path or None,
        line=line,
        reply_to=reply_to,
    )


def change_comment(repo_id: str, number: str, comment_id: str) -> dict[str, Any]:
    here, main, pull, row = _found(repo_id, number, comment_id)
    said = fields(request).only("text", "resolved")
    values = _changes(here, main, pull, row, said)
    with here.writing():
        if values:
            remarks.amend(here.db, main, pull, here.caller.account, row, **values)
    return comment_shape(here.db, _existing(here, pull, row["id"]))


def _changes(here: Visit, main: Repo, pull: Pull, row: sqlite3.Row, said: Fields) -> dict[str, Any]:
    """Only what differs from now, so that a repeat changes and announces nothing."""
    me = here.caller.account.id
    values: dict[str, Any] = {}
    text, resolved = said.text("text"), said.flag("resolved")
    if text is not None:
        if row["account_id"] != me:
            raise ApiError(403, "Only its author changes a comment's text.")
        if needed(text, "text") != row["text"]:
            values.update(text=text, edited=True)
    if resolved is not None:
        if me not in (row["account_id"], pull.author_id) and here.level(main) != "write":
            raise ApiError(403, "Only its author, the pull request's author or write resolve it.")
        if resolved != bool(row["resolved"]):
            values["resolved"] = resolved
    return values


def delete_comment(repo_id: str, number: str, comment_id: str) -> tuple[str, int]:
    here, main, pull, row = _found(repo_id, number, comment_id)
    if row["account_id"] != here.caller.account.id and here.level(main) != "write":
        raise ApiError(403, "Only its author and people with write permission delete it.")
    with here.writing():
        remarks.amend(here.db, main, pull, here.caller.account, row, deleted=True)
    return "", 204


def _found(repo_id: str, number: str, comment_id: str) -> tuple[Visit, Repo, Pull, sqlite3.Row]:
    here = visit()
    here.may_speak()
    main = here.main(repo_id)
    pull = here.pull(main, number)
    return here, main, pull, _existing(here, pull, identifier(comment_id))


def _existing(here: Visit, pull: Pull, comment_id: int) -> sqlite3.Row:
    row = remarks.comment(here.db, pull, comment_id)
    if row is None:
        raise not_found()
    return row
