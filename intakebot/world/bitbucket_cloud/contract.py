"""Compares requests and answers with the published contract, where that is at hand.

The contract itself is not part of this project: `../shared/specs` beside the checkout, or the
folder that INTAKEBOT_SPECS names. Which differences are tolerated stands in deviations.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers, MultiDict
from werkzeug.wrappers import Request, Response

from intakebot.world.bitbucket_cloud.deviations import for_answers, for_requests
from intakebot.world.bitbucket_cloud.refusal import Refusal

if TYPE_CHECKING:
    from openapi_core import OpenAPI

FILE = "bitbucket-cloud.openapi3.json"
_HOST = "https://api.bitbucket.org"


@dataclass(frozen=True, slots=True)
class _Rules:
    requests: OpenAPI
    answers: OpenAPI


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as openapi-core wants to see it."""

    host_url: str
    path: str
    method: str
    parameters: Any
    content_type: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Answered:
    status_code: int
    headers: Any
    content_type: str
    data: bytes


def specs_folder() -> Path | None:
    """The folder of contracts, None where there is none."""
    named = os.environ.get("INTAKEBOT_SPECS")
    beside = Path(__file__).resolve().parents[4] / "shared" / "specs"
    found = Path(named) if named else beside
    return found if (found / FILE).is_file() else None


@cache
def _rules(file: Path) -> _Rules:
    """Once for all fakes of a process; both readings take tens of milliseconds."""
    from openapi_core import Config, OpenAPI

    config = Config(spec_validator_cls=None)  # the file itself has faults: `[0-9a-f]{7,}?`
    text = file.read_text("utf-8")
    asked, answered = for_requests(json.loads(text)), for_answers(json.loads(text))
    return _Rules(
        OpenAPI.from_dict(asked, config=config), OpenAPI.from_dict(answered, config=config)
    )


class Contract:
    """`errors` remembers every violation; a request that violates is refused with 400."""

    def __init__(self, file: Path | None) -> None:
        self.errors: list[str] = []
        self._good: set[bytes] = set()  # digests
        self._lock = Lock()
        self._rules = _rules(file) if file else None

    @classmethod
    def found(cls, folder: Path | None = None) -> Contract:
        """Off without the file, and without openapi-core (extra `world`)."""
        folder = folder or specs_folder()
        there = folder is not None and find_spec("openapi_core") is not None
        return cls(folder / FILE if folder is not None and there else None)

    @property
    def validated(self) -> bool:
        return self._rules is not None

    def check_request(self, request: Request, path: str) -> None:
        """Raises Refusal 400 with the reason."""
        if self._rules is None:
            return
        name = f"request {request.method} {path}"
        seen = b"\n".join((request.query_string, request.mimetype.encode(), request.get_data()))
        check = self._rules.requests.validate_request
        if fault := self._judged(name, seen, check, _asked(request, path)):
            raise Refusal(400, f"{name}: {fault}")

    def check_answer(self, request: Request, path: str, response: Response) -> None:
        if self._rules is None:
            return
        name = f"answer {response.status_code} to {request.method} {path}"
        kind, body = response.mimetype or "", response.get_data()
        answered = _Answered(response.status_code, response.headers, kind, body)
        seen = repr(sorted(response.headers)).encode() + body
        check = self._rules.answers.validate_response
        self._judged(name, seen, check, _asked(request, path), answered)

    def _judged(self, name: str, seen: bytes, check: Callable[..., object], *parts: object) -> str:
        """The fault, "" for none. What kept the contract is not compared again: a sweep says the
        same all day."""
        digest = sha256(name.encode() + b"\0" + seen).digest()
        with self._lock:
            if digest in self._good:
                return ""
            fault = _fault(check, *parts)
            if fault:
                self.errors.append(f"{name}: {fault}")
            else:
                self._good.add(digest)
        return fault


def _asked(request: Request, path: str) -> _Asked:
    from openapi_core.datatypes import RequestParameters

    parameters = RequestParameters(
        query=MultiDict(request.args), header=Headers(request.headers), cookie=MultiDict()
    )
    kind = request.mimetype or "application/json"
    body = request.get_data() or None
    return _Asked(_HOST, f"/2.0{path}", request.method.lower(), parameters, kind, body)


def _fault(check: Callable[..., object], *parts: object) -> str:
    """What the contract has against it, "" when nothing."""
    from openapi_core.exceptions import OpenAPIError

    try:
        check(*parts)
    except OpenAPIError as error:
        inner = getattr(error.__cause__, "schema_errors", None) or ()
        told = "; ".join(f"{'.'.join(map(str, one.path))}: {one.message}" for one in inner)
        return told or f"{error} {error.__cause__ or ''}".strip()
    return ""
