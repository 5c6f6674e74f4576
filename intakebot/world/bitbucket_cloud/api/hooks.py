"""Webhooks of a repository or workspace. The secret goes in and never comes out."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud import shapes
from intakebot.world.bitbucket_cloud.api.call import (
    DELETE_HOOK,
    READ_HOOK,
    REPO,
    WRITE_HOOK,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import Hook, Repository, Workspace

LONGEST_SECRET = 128
_PLACE = "/workspaces/<workspace>"


def _subject(call: Call) -> Repository | Workspace:
    """Both need an administrator."""
    if "repo_slug" in call.args:
        return call.repo("admin")
    place = call.state.workspace(call.args["workspace"])
    if place.members.get(call.user) != "owner":
        raise Refusal(403, "Access denied. You must be an owner of this workspace.")
    return place


def _shape(call: Call, subject: Repository | Workspace, hook: Hook) -> Json:
    if isinstance(subject, Repository):
        path = f"/repositories/{call.state.full_name(subject)}"
        shown = shapes.short_repository(call.view, subject)
        kind = "repository"
    else:
        path = f"/workspaces/{subject.slug}"
        shown, kind = shapes.workspace(call.view, subject), "workspace"
    return {
        "type": "webhook_subscription",
        "uuid": hook.uuid,
        "url": hook.url,
        "description": hook.description,
        "active": hook.active,
        "events": hook.events,
        "secret_set": bool(hook.secret),
        "created_at": written(hook.created_at),
        "subject_type": kind,
        "subject": shown,
        "read_only": False,
        "skip_cert_verification": False,
        "links": {"self": call.view.link(f"{path}/hooks/{hook.uuid}")},
    }


def listing(call: Call) -> Answer:
    subject = _subject(call)
    return call.page([_shape(call, subject, call.state.hooks[one]) for one in subject.hooks])


def create(call: Call) -> Answer:
    subject, body = _subject(call), call.object
    if not body.get("url") or not body.get("events"):
        raise Refusal(400, "url and events are required")
    hook = Hook(call.site.state.new_uuid(), "", "", [], call.site.moments.next())
    hook.subject = subject.uuid
    _fill(hook, body)
    call.state.hooks[hook.uuid] = hook
    subject.hooks.append(hook.uuid)
    return Answer(201, _shape(call, subject, hook))


def _fill(hook: Hook, body: dict[str, Any]) -> None:
    """What is not named stays; a secret of null or "" is taken away."""
    secret = body.get("secret", hook.secret) or ""
    if len(secret) > LONGEST_SECRET:
        raise Refusal(400, f"secret: at most {LONGEST_SECRET} characters")
    hook.secret = secret
    hook.url = str(body.get("url", hook.url))
    hook.description = str(body.get("description", hook.description) or "")
    hook.active = bool(body.get("active", hook.active))
    hook.events = list(body.get("events", hook.events))


def _one(call: Call, subject: Repository | Workspace) -> Hook:
    uid = "{" + call.args["uid"].strip("{}") + "}"
    if uid not in subject.hooks:
        raise Refusal(404, "Webhook not found")
    return call.state.hooks[uid]


def show(call: Call) -> Answer:
    subject = _subject(call)
    return Answer(200, _shape(call, subject, _one(call, subject)))


def change(call: Call) -> Answer:
    subject = _subject(call)
    hook = _one(call, subject)
    _fill(hook, call.object)
    return Answer(200, _shape(call, subject, hook))


def delete(call: Call) -> Answer:
    subject = _subject(call)
    hook = _one(call, subject)
    subject.hooks.remove(hook.uuid)
    del call.state.hooks[hook.uuid]
    return Answer(204)


ROUTES = tuple(
    route
    for base in (REPO, _PLACE)
    for route in (
        Route("GET", f"{base}/hooks", listing, READ_HOOK),
        Route("POST", f"{base}/hooks", create, WRITE_HOOK),
        Route("GET", f"{base}/hooks/<uid>", show, READ_HOOK),
        Route("PUT", f"{base}/hooks/<uid>", change, WRITE_HOOK),
        Route("DELETE", f"{base}/hooks/<uid>", delete, DELETE_HOOK),
    )
)
