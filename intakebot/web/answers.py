"""The door for QA hooks' answers: signed, for one run and one commit."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intakebot.core import strict_json
from intakebot.core.strict_json import BadBody
from intakebot.flow import qa
from intakebot.store import tried
from intakebot.web.body import read_json_bytes
from intakebot.web.front import front

answers = Blueprint("answers", __name__)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    run: int = Field(ge=1)
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    state: str = Field(pattern=r"^(pending|success|failure)$")
    text: str = Field(default="", max_length=1000)
    url: str = Field(default="", max_length=1000)


@answers.post("/answers/<name>")
def take(name: str) -> tuple[Response, int]:
    house = front().house
    hook = house.qa_hooks.get(name)
    if hook is None:
        abort(404)
    body = read_json_bytes(request)
    if not qa.is_signed(hook, body, request.headers.get(qa.SIGNATURE, "")):
        abort(401, "The signature is missing or wrong.")
    said = _read(body)
    kept = said.model_dump(include={"state", "text", "url"})
    with house.database.write() as connection:
        if not tried.answer(connection, said.run, said.commit, name, kept):
            abort(404, "No run of this hook waits for that commit.")
    house.bell.ring([f"run:{said.run}"])
    return jsonify(status="accepted"), 202


def _read(body: bytes) -> _Answer:
    try:
        return _Answer.model_validate(strict_json.loads(body))
    except BadBody as error:
        abort(400, str(error))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        abort(400, f"{place}: {first['msg']}.")
