"""QA hooks: a signed call that has a change deployed somewhere, and the signed answer to it.

Where a hook leads and what signs are the operator's (`QA_<NAME>_URL`, `QA_<NAME>_SECRET`); a
repository only says a name. Call and answer name the run and the commit, which is made anew for
each try: an older answer, sent again, is none.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests

from intakebot.core.tried import signature
from intakebot.flow.house import House
from intakebot.model import Build, Repo
from intakebot.settings import QaHook
from intakebot.store import tried
from intakebot.store.runs import RunRow, Tried
from intakebot.store.tried import Wanting

SIGNATURE = "X-Intakebot-Signature"
TIMEOUT = (5, 30)  # seconds to connect, to answer


class NotStarted(Exception):
    """Why another machine can't be asked; one sentence without its address, which may be secret."""


def call(house: House, row: RunRow, repo: Repo, wanting: Wanting, at: Tried) -> None:
    """Raises NotStarted unless the hook takes it. It may be told twice of the same run."""
    name = row.definition.http
    hook = house.qa_hooks.get(name)
    if hook is None:
        upper = name.upper().replace("-", "_")
        raise NotStarted(
            f"there is no QA hook {name} here; set QA_{upper}_URL and QA_{upper}_SECRET"
        )
    body = json.dumps(_told(house, row, repo, wanting, at)).encode()
    status = _posted(hook, name, body)
    if not 200 <= status < 300:
        raise NotStarted(f"the QA hook {name} answered {status}")


def _told(house: House, row: RunRow, repo: Repo, wanting: Wanting, at: Tried) -> Mapping[str, Any]:
    deadline = house.now() + timedelta(seconds=row.definition.timeout)
    return {
        "run": row.id,
        "check": row.definition.name,
        "repository": {"forge": repo.forge, "id": repo.id, "name": repo.name},
        "pull": wanting.number,
        "head": wanting.head,
        "clone_url": repo.clone_url,
        "branch": at.branch,
        "commit": at.commit,
        "answer_url": f"{house.public_url}/answers/{row.definition.http}",
        "deadline": deadline.isoformat(),
    }


def _posted(hook: QaHook, name: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json", SIGNATURE: signature(hook.secret, body)}
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                hook.url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            kind = type(error).__name__
            raise NotStarted(f"the QA hook {name} does not answer ({kind})") from None
    return answer.status_code


def is_signed(hook: QaHook, body: bytes, given: str) -> bool:
    wanted = signature(hook.secret, body).encode()
    return hmac.compare_digest(wanted, given.encode("utf-8", "surrogatepass"))


def answer(house: House, row: RunRow) -> Build | None:
    with house.database.read() as connection:
        found = tried.answer_to(connection, row.id)
    if found is None:
        return None
    name = row.definition.http
    state: Any = found["state"]
    return Build(name, name, state, found["text"], found["url"])
