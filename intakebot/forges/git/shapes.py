"""The Git forge's JSON, read into the house's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from intakebot.model import (
    Account,
    Build,
    Comment,
    Incident,
    Pull,
    PullState,
    Push,
    Repo,
    Retarget,
    Review,
    Source,
    Status,
)

Json = Mapping[str, Any]


def read_pull(found: Json, repo: Repo, url: str, bot: str) -> Pull:
    source = found["source"]
    replied = {str(one["reply_to"]) for one in found["comments"] if one["reply_to"] is not None}
    return Pull(
        repo=repo,
        number=found["number"],
        title=found["title"],
        description=found["description"],
        draft=found["draft"],
        state=PullState(found["state"]),
        author=read_account(found["author"]),
        source=Source(str(source["repo_id"]), source["clone_url"], source["branch"])
        if source
        else None,
        target=found["target"],
        head=found["head"],
        created_at=_time(found["created_at"]),
        url=url,
        fork_url=_signed(found["fork_url"], found["author"]["login"]),
        main_url=_signed(repo.clone_url, found["author"]["login"]),
        pushes=tuple(
            Push(push["head"], read_account(push["by"]), _time(push["at"]), push["seq"])
            for push in found["pushes"]
        ),
        targets=tuple(Retarget(move["target"], move["seq"]) for move in found["targets"]),
        comments=tuple(_comment(one, bot, replied) for one in found["comments"]),
        reviews=tuple(
            Review(
                read_account(one["by"]),
                one["head"],
                _review(one["state"]),
                _time(one["at"]),
                one["seq"],
            )
            for one in found["reviews"]
        ),
        status=Status(**found["status"]) if found["status"] else None,
    )


def _signed(url: str, login: str) -> str:
    """With the login in it, git asks a credential helper or the person for the token alone."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{login}@{rest}"


def _review(state: str) -> Literal["approved", "changes_requested"]:
    return "approved" if state == "approved" else "changes_requested"


def _comment(found: Json, bot: str, replied: set[str]) -> Comment:
    by = read_account(found["by"])
    return Comment(
        id=str(found["id"]),
        by=by,
        text=found["text"],
        at=_time(found["at"]),
        seq=found["seq"],
        edited=found["edited"],
        key=found["key"] if by.id == bot else None,
        seen_head=found["seen_head"],
        path=found["path"],
        line=found["line"],
        resolved=found["resolved"],
        replied=str(found["id"]) in replied,
    )


def read_build(found: Json) -> Build:
    name = found["name"]
    return Build(name, name, found["state"], found["text"], found["url"])


def read_incident(found: Json, repo_id: str) -> Incident:
    return Incident(
        id=str(found["id"]),
        kind=found["kind"],
        repo=repo_id,
        by=read_account(found["by"]),
        at=_time(found["at"]),
        ref=found["ref"],
        detail=found["detail"],
    )


def read_account(found: Json) -> Account:
    return Account(str(found["id"]), found["login"], found.get("name") or "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
