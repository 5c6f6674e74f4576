"""Where the published contract and the real product differ, each with its reason.

Nothing but this table is tolerated; all else that differs from the contract is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "null", "extra", "any", "type-not-required", "errors-everywhere", "no-security", "slashes"
]
_RENDERED = "rendered text says its own type in every recording"
_ABSENT = "null in recordings where there is none"


@dataclass(frozen=True, slots=True)
class Deviation:
    """`at` is a schema and a property in it; `names` are what it may have besides.

    null: may also be null. extra: closed schema, yet has these too. any: has another type.
    """

    kind: Kind
    at: str
    why: str
    names: tuple[str, ...] = ()


TOLERATED: tuple[Deviation, ...] = (
    Deviation("type-not-required", "*", "bodies of requests need no `type` (forges.md 1.5)"),
    Deviation("no-security", "*", "who may call is the fake's own business, not the schema's"),
    Deviation("errors-everywhere", "*", "400, 403, 404, 429, 5xx are said on every path"),
    Deviation("slashes", "*", "branch names and diff specs have slashes, templates forbid them"),
    Deviation("any", "error.error.detail", "a missing scope is told as an object"),
    Deviation("extra", "comment.content", _RENDERED, ("type",)),
    Deviation("extra", "base_commit.summary", _RENDERED, ("type",)),
    Deviation("extra", "pullrequest.summary", _RENDERED, ("type",)),
    Deviation(
        "extra", "comment.inline", "activity's documented example", ("outdated", "context_lines")
    ),
    Deviation("null", "comment.inline.from", "activity's documented example"),
    Deviation("null", "comment.inline.to", "activity's documented example"),
    Deviation("null", "participant.participated_on", "nobody took part who was only asked to"),
    Deviation("null", "participant.state", "its enum has null, its type forgot it"),
    Deviation("null", "pullrequest.merge_commit", _ABSENT),
    Deviation("null", "pullrequest.closed_by", _ABSENT),
    Deviation("extra", "pullrequest_endpoint.commit", "in every recording", ("type", "links")),
    Deviation("null", "pullrequest_endpoint.repository", "a deleted fork (forges.md 1.3)"),
    Deviation(
        "extra",
        "pullrequest.links",
        "in recordings or the product",
        ("statuses", "request-changes"),
    ),
    Deviation("null", "repository.parent", "not a fork"),
    Deviation("null", "repository.mainbranch", "an empty repository"),
    Deviation("null", "commitstatus.refname", _ABSENT),
    Deviation("null", "branchrestriction.value", "kinds that take no number"),
)


def for_requests(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract as requests have to keep it; changes and returns its argument."""
    for schema in _objects(contract):
        required = schema.get("required")
        if isinstance(required, list) and "type" in required:
            schema["required"] = [name for name in required if name != "type"]
            if not schema["required"]:  # an empty list is not allowed here
                del schema["required"]
    return _common(contract)


def for_answers(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract as answers have to keep it; changes and returns its argument."""
    schemas = contract["components"]["schemas"]
    for one in TOLERATED:
        if one.kind in ("null", "extra", "any"):
            _loosen(schemas, one)
    error = {"schema": {"$ref": "#/components/schemas/error"}}
    told = {"description": "an error", "content": {"application/json": error}}
    for operation in _operations(contract):
        operation["responses"].update({"4XX": told, "5XX": told})
    return _common(contract)


def _common(contract: dict[str, Any]) -> dict[str, Any]:
    contract.pop("security", None)
    for operation in _operations(contract):
        operation.pop("security", None)
    return contract


def _operations(contract: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in contract["paths"].values():
        for method, operation in path.items():
            if method in ("get", "put", "post", "delete"):
                yield operation


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from _objects(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _objects(inner)


def _loosen(schemas: dict[str, Any], one: Deviation) -> None:
    name, *way, last = one.at.split(".")
    properties = _properties(schemas[name], one.at)
    for step in way:
        properties = _properties(properties[step], one.at)
    if one.kind == "null":
        properties[last] = {"anyOf": [properties[last], {"enum": [None], "nullable": True}]}
    elif one.kind == "any":
        properties[last] = {}
    else:
        _properties(properties[last], one.at).update({extra: {} for extra in one.names})


def _properties(schema: dict[str, Any], at: str) -> dict[str, Any]:
    """Its own, or those of the part of allOf that has any. KeyError: the contract has changed."""
    for part in (schema, *schema.get("allOf", ())):
        if "properties" in part:
            found: dict[str, Any] = part["properties"]
            return found
    raise KeyError(f"{at} is not in the contract any more; renew deviations.py")
