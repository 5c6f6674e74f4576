"""How one forge speaks: its webhook requests, told by a TOML file, as Events.

`webhooks/<forge>.toml` says where the signature, the delivery id and the event name are in the
headers, and where the repository, the pull request and the actor are in the body. So a new
forge is a new file and no code.
"""

from __future__ import annotations

import hmac
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from intakebot.core import payload, strict_json
from intakebot.core.payload import ID_LENGTH, Unreadable
from intakebot.model import CommentRef, Event, Ignored, Kind, OperatorError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# Scheme -> what the signature header must hold, after the prefix, for a secret and a body.
SCHEMES: dict[str, Callable[[bytes, bytes], str]] = {
    "hmac-sha256": lambda secret, body: hmac.digest(secret, body, "sha256").hex(),
}

_ABOUT_ONE_PULL = frozenset({Kind.PULL, Kind.COMMENT, Kind.REVIEW})
_NONCE = re.compile(r"[0-9a-f]{32}")
_REQUEST_LINE = re.compile(rb"[A-Z]+ (\S+) HTTP/1\.[01]\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class BadDialect(OperatorError):
    """A line for each fault: file, key, fault."""


# --- the shape of a dialect file ------------------------------------------------------


def _known_scheme(name: str) -> str:
    if name not in SCHEMES:
        raise ValueError(f"{name!r} is not known; known: {', '.join(sorted(SCHEMES))}")
    return name


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
Path = Annotated[str, StringConstraints(pattern=r"^[^.]+(\.[^.]+)*$")]
Paths = tuple[Path, ...]
Some = Annotated[Paths, Field(min_length=1)]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Signature:
    __pydantic_config__ = _STRICT
    scheme: Annotated[str, AfterValidator(_known_scheme)]
    header: HeaderName
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryHeaders:
    __pydantic_config__ = _STRICT
    id: HeaderName
    event: HeaderName


@dataclass(frozen=True, slots=True)
class EventPaths:
    """Dotted paths into the body; a number is a list index. The first that resolves wins."""

    __pydantic_config__ = _STRICT
    repo: Some
    number: Paths = ()
    sha: Paths = ()
    actor: Paths = ()
    comment_id: Paths = ()
    comment_text: Paths = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A recorded request and what it is read as: the Event's fields, or why it is ignored."""

    __pydantic_config__ = _STRICT
    request: str
    event: Mapping[str, str | int | Mapping[str, str]] | None = None
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    __pydantic_config__ = _STRICT
    forge: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
    signature: Signature
    delivery: DeliveryHeaders
    event: EventPaths
    kinds: Annotated[Mapping[str, Kind], Field(min_length=1)]
    examples: Annotated[tuple[Example, ...], Field(alias="example")] = ()


_SHAPE = TypeAdapter(Dialect)


def read_dialect(name: str, text: str) -> Dialect:
    """The dialect in `text`; BadDialect names every fault. `name` is for its messages."""
    try:
        dialect = _SHAPE.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadDialect(f"{name}: is not TOML: {error}") from None
    except ValidationError as error:
        raise BadDialect("\n".join(_fault(name, fault) for fault in error.errors())) from None
    if name != f"{dialect.forge}.toml":
        raise BadDialect(f"{name}: forge: {dialect.forge!r} belongs in {dialect.forge}.toml")
    for index, example in enumerate(dialect.examples):
        if (example.event is None) == (example.ignored is None):
            raise BadDialect(f"{name}: example.{index}: say either event or ignored")
    return dialect


def _fault(name: str, fault: ErrorDetails) -> str:
    place = ".".join(map(str, fault["loc"]))
    return f"{name}: {place}: {fault['msg'].removeprefix('Value error, ')}"


# --- headers --------------------------------------------------------------------------


def _header(headers: Mapping[str, str], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def verify(
    dialect: Dialect, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]
) -> bool:
    """Whether the raw body was signed with any of the secrets, in constant time.

    Several secrets are for rotation: the new one and the one before. None at all, or an empty
    one, is an OperatorError, since then anybody could sign.
    """
    if not secrets or not all(secret.strip() for secret in secrets):
        raise OperatorError(
            f"{dialect.forge}: the webhook secret is not set or empty; "
            "set the same text here and in the forge's webhook"
        )
    given = _header(headers, dialect.signature.header) or ""
    prefix, scheme = dialect.signature.prefix, SCHEMES[dialect.signature.scheme]
    matches = [
        hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"),
            # A secret that is not UTF-8 comes out of the environment as escaped surrogates.
            (prefix + scheme(secret.encode("utf-8", "surrogateescape"), body)).encode(),
        )
        for secret in secrets
    ]
    return any(matches)


def is_nonce(text: str) -> bool:
    """Whether it can stand at the end of a hook's address: 32 lower-case hexadecimal digits."""
    return _NONCE.fullmatch(text) is not None


def hook_secret(master: str, nonce: str) -> str:
    """The secret of the hook at `/hooks/<forge>/<nonce>`, kept nowhere: 64 hexadecimal digits.

    HMAC-SHA256(master, "hook:" + nonce), so that one that leaks signs for its own address alone.
    It is no signature of any delivery, since "hook:..." is no JSON. A blank master is an
    OperatorError, since then anybody could derive; a malformed nonce is a ValueError.
    """
    if not is_nonce(nonce):
        raise ValueError(f"not a nonce: {nonce[:40]!a}")
    if not master.strip():
        raise OperatorError("the webhook secret that hooks derive theirs from is empty; set it")
    key = master.encode("utf-8", "surrogateescape")
    return hmac.digest(key, b"hook:" + nonce.encode("ascii"), "sha256").hex()


def secrets_at(nonce: str | None, masters: Sequence[str]) -> Sequence[str]:
    """What signs deliveries to `/hooks/<forge>/<nonce>`; without a nonce, the masters do."""
    return masters if nonce is None else [hook_secret(master, nonce) for master in masters]


def delivery_id(dialect: Dialect, headers: Mapping[str, str]) -> str | None:
    """None when it is missing, or nothing to keep in a database and print in a log."""
    given = _header(headers, dialect.delivery.id)
    return given if given and payload.is_plain(given) else None


# --- the body -------------------------------------------------------------------------


def read_event(dialect: Dialect, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
    """Which pull request the delivery speaks of; BadBody only for what is not strict JSON."""
    document = strict_json.loads(body)
    name = _header(headers, dialect.delivery.event)
    if not name:
        return Ignored(f"the header {dialect.delivery.event} is missing")
    kind = dialect.kinds.get(name)
    if kind is None:
        return Ignored(f"nothing is done on the event {name[:ID_LENGTH]!a}")
    try:
        return _event(dialect, kind, document)
    except Unreadable as unreadable:
        return Ignored(str(unreadable))


def _event(dialect: Dialect, kind: Kind, document: object) -> Event:
    paths = dialect.event
    repo = payload.find_id(document, paths.repo)
    if repo is None:
        raise Unreadable(f"no repository at {' or '.join(paths.repo)}")
    number = payload.find_number(document, paths.number)
    if number is None and kind in _ABOUT_ONE_PULL:
        raise Unreadable(f"a {kind} event that names no pull request")
    return Event(
        forge=dialect.forge,
        kind=kind,
        repo=repo,
        number=number,
        sha=payload.find_commit(document, paths.sha),
        actor=payload.find_id(document, paths.actor),
        comment=_comment(document, paths),
    )


def _comment(document: object, paths: EventPaths) -> CommentRef | None:
    comment = payload.find_id(document, paths.comment_id)
    text = payload.find_text(document, paths.comment_text)
    return None if comment is None or text is None else CommentRef(comment, text)


# --- recorded requests ----------------------------------------------------------------


def is_request(data: bytes) -> bool:
    """Whether it starts like a recorded request; else it is taken for a bare body."""
    return _REQUEST_LINE.match(data) is not None


def recorded_nonce(data: bytes) -> str | None:
    """The nonce in the address of a recorded request; None for an address without one."""
    line = _REQUEST_LINE.match(data)
    last = line[1].decode("latin-1").rpartition("/")[2] if line else ""
    return last if is_nonce(last) else None


def read_request(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and exact body of a recorded HTTP request. Lines of the head may end in LF alone.

    Content-Length, where it is said, must be the body's: editors like to add a last newline,
    and the signature would no longer match for a reason that nobody sees.
    """
    end = _HEAD_END.search(data)
    if not is_request(data) or end is None:
        raise OperatorError("not a recorded request: request line, headers, empty line, body")
    body = data[end.end() :]
    headers: dict[str, str] = {}
    for line in re.split("\r?\n", data[: end.start()].decode("latin-1"))[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or _header(headers, name) is not None:
            raise OperatorError(f"not a header, or given twice: {line[:80]!a}")
        headers[name] = value.strip()
    length = _header(headers, "Content-Length")
    if length is not None and length != str(len(body)):
        raise OperatorError(f"Content-Length says {length}, but the body has {len(body)} bytes")
    return headers, body
