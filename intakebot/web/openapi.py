"""The API's description in OpenAPI 3.1, kept by hand; a test holds it against the routes."""

from __future__ import annotations

from typing import Any

from intakebot.model import Level, Outcome, Said, State, Turn, VerdictState
from intakebot.store.listing import Order

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
COMMIT: Json = {"type": "string", "description": "A full commit or tree id; empty when unknown."}
TIME: Json = {"type": "string", "format": "date-time"}
TIME_OR_NOT: Json = {"type": ["string", "null"], "format": "date-time"}


def _words(words: Any) -> Json:
    return {"type": "string", "enum": [word.value for word in words]}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


def _named(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(item: Json) -> Json:
    return {"anyOf": [item, {"type": "null"}]}


_LINE: dict[str, Json] = {
    "repo": TEXT,
    "number": NUMBER,
    "title": TEXT,
    "author": _named("Account"),
    "standing": _or_null(_named("Standing")),
    "head": COMMIT,
    "target": TEXT,
    "open": FLAG,
    "first_seen_at": TIME,
    "looked_at": TIME_OR_NOT,
    "problem": TEXT,
}

SCHEMAS: dict[str, Json] = {
    "Error": _object(error=TEXT, request=TEXT),
    "Account": _object(id=TEXT, login=TEXT),
    "Standing": _object(state=_words(State), turn=_words(Turn), why=TEXT),
    "PullLine": _object(**_LINE),
    "Pull": _object(
        **_LINE,
        base=COMMIT,
        judged=_or_null(_object(head=COMMIT, at=TIME, rules_digest=TEXT)),
        verdicts=_list(_named("Verdict")),
        findings=_list(_named("Finding")),
        checks=_or_null(_list(_named("Check"))),
        commands=_list(_named("Command")),
        receipts=_list(_named("Receipt")),
        timeline=_list(_named("Moment")),
        queued=_or_null(_named("Entry")),
        landing=_or_null(_named("Landing")),
        first_verdict=_or_null(_object(head=COMMIT, at=TIME, state=_words(State))),
    ),
    "Verdict": _object(
        rule=TEXT,
        digest=TEXT,
        level=_words(Level),
        state=_words(VerdictState),
        summary=TEXT,
        offenders=_list(TEXT),
        text=TEXT,
        fix=TEXT,
    ),
    "Finding": _object(
        path=TEXT,
        line=NUMBER,
        level=_words(Level),
        rule=TEXT,
        message=TEXT,
        tool=TEXT,
        column=NUMBER,
        end_line=NUMBER,
    ),
    "Check": _object(
        name=TEXT,
        state={"type": "string", "enum": ["waiting", "queued", "running", "done"]},
        outcome=_or_null(_words(Outcome)),
        summary=TEXT,
        seconds={"type": "number"},
        asked_at=TIME_OR_NOT,
        ended_at=TIME_OR_NOT,
    ),
    "Command": _object(
        comment=TEXT,
        name=TEXT,
        args=TEXT,
        by=_named("Account"),
        head=COMMIT,
        at=TIME,
        said=_words(Said),
        answer=TEXT,
        live=FLAG,
    ),
    "Receipt": _object(kind=TEXT, state=TEXT, head=COMMIT, at=TIME, done_at=TIME_OR_NOT),
    "Moment": _object(at=TIME, by=TEXT, what=TEXT, head=COMMIT, end=TEXT),
    "Entry": _object(
        position=NUMBER,
        number=NUMBER,
        head=COMMIT,
        state=TEXT,
        why=TEXT,
        asked_by=_named("Account"),
        asked_at=TIME,
    ),
    "Landing": _object(
        number=NUMBER,
        branch=TEXT,
        head=COMMIT,
        base=COMMIT,
        commit=COMMIT,
        tree=COMMIT,
        checks=_list(NUMBER),
        rules_digest=TEXT,
        asked_by=_named("Account"),
        landed_at=TIME_OR_NOT,
        deploy_branch=TEXT,
        deployed_at=TIME_OR_NOT,
    ),
    "Incident": _object(
        id=TEXT, kind=TEXT, repo=TEXT, by=_named("Account"), at=TIME, ref=TEXT, detail=TEXT
    ),
    "Agency": _object(
        name=TEXT,
        advice=TEXT,
        submissions=NUMBER,
        first_pass=NUMBER,
        incidents=NUMBER,
        decision=_or_null(_object(verdict=TEXT, reason=TEXT, by=TEXT, at=TIME)),
    ),
    "NewComment": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1},
            "seen_head": {"type": ["string", "null"], "pattern": "^[0-9a-f]{40}$"},
        },
        "required": ["text"],
        "additionalProperties": False,
    },
}


def _json(shape: Json) -> Json:
    return {"application/json": {"schema": shape}}


def _call(summary: str, answer: Json, *refusals: int, status: int = 200, **more: Any) -> Json:
    responses: Json = {str(status): {"description": "Done.", "content": _json(answer)}}
    for refusal in (401, 429, 503, *refusals):
        responses[str(refusal)] = {"$ref": "#/components/responses/Refused"}
    return {"summary": summary, "responses": dict(sorted(responses.items())), **more}


def _path(name: str, shape: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": shape}


def _choice(words: Any) -> Json:
    """As `asked_filter` takes them: as words or as one piece, and "" for none."""
    said = [word.value for word in words]
    pieces = [one.replace(" ", "-") for one in said if " " in one]
    return {"type": "string", "enum": [*said, *pieces, ""]}


def _query(name: str, shape: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": shape}


_PULL = [_path("repo", TEXT), _path("number", NUMBER)]

PATHS: dict[str, Json] = {
    "/api/pulls": {
        "get": _call(
            "Pull requests, open ones first, newest first; 500 at most",
            _object(pulls=_list(_named("PullLine"))),
            400,
            parameters=[
                _query("state", _choice(State)),
                _query("turn", _choice(Turn)),
                _query("sort", _choice(Order)),
                *(_query(name, TEXT) for name in ("repo", "q")),
            ],
        )
    },
    "/api/pulls/{repo}/{number}": {
        "get": _call("One pull request, whole", _named("Pull"), 404, parameters=_PULL)
    },
    "/api/pulls/{repo}/{number}/comments": {
        "post": _call(
            "Say something on a pull request, commands too",
            _object(id=TEXT),
            *(400, 404, 413, 415),
            status=201,
            parameters=_PULL,
            requestBody={"required": True, "content": _json(_named("NewComment"))},
            security=[{"basic": []}],
        )
    },
    "/api/lanes/{repo}/{branch}": {
        "get": _call(
            "What waits to land on a branch, and what landed there",
            _object(
                repo=TEXT,
                branch=TEXT,
                problem=TEXT,
                waiting=_list(_named("Entry")),
                landings=_list(_named("Landing")),
            ),
            404,
            parameters=[_path("repo", TEXT), _path("branch", TEXT)],
        )
    },
    "/api/incidents": {
        "get": _call(
            "Pushes that went round the front door",
            _object(incidents=_list(_named("Incident"))),
            404,
        )
    },
    "/api/agencies": {
        "get": _call(
            "How well each agency's work comes in, in short; an agency sees itself alone",
            _object(agencies=_list(_named("Agency"))),
            404,
        )
    },
    "/api/agencies/{name}": {
        "get": _call(
            "Every number of one agency, as `intakebot report --json` has them",
            {"type": "object", "required": ["schema", "definitions", "cohort", "agencies"]},
            404,
            parameters=[_path("name", TEXT)],
        )
    },
    "/api/openapi.json": {"get": _call("This description", {"type": "object"})},
}

DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {"title": "intakebot", "version": "1"},
    "paths": PATHS,
    "security": [{"basic": []}, {"session": []}],
    "components": {
        "schemas": SCHEMAS,
        "responses": {
            "Refused": {
                "description": "Not done; one sentence says why.",
                "content": _json(_named("Error")),
            }
        },
        "securitySchemes": {
            "basic": {"type": "http", "scheme": "basic"},
            "session": {"type": "apiKey", "in": "cookie", "name": "intakebot"},
        },
    },
}
