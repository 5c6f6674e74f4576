"""What was recorded of Bitbucket Cloud itself, told from what its deliveries are read as.

The recordings lie beside the checkout, or beside the folder that INTAKEBOT_SPECS names. They are
bare bodies of three kinds: seen in 2018 (go-scm/webhooks), samples of Atlassian's documentation
(go-playground), and answers of the API, which are no deliveries.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from intakebot import settings
from intakebot.cli.parse import parse
from intakebot.core.dialect import Dialect, read_dialect, read_event
from intakebot.core.strict_json import BadBody
from intakebot.model import Event, Ignored

FORGE = "bitbucket-cloud"
BESIDE = Path(os.environ.get("INTAKEBOT_SPECS") or Path(__file__).parents[2] / "shared" / "specs")
FOLDER = BESIDE.parent / "recordings" / FORGE

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"NOTHING RECORDED IS READ: {FOLDER} is missing; say where with INTAKEBOT_SPECS",
)

SEEN = {
    "repo": "{bc771cbf-829e-4c4b-b71f-a0eb3ac2b860}",
    "actor": "{87bb15eb-47c1-49b3-9f16-ca824a2979a4}",
}
SAMPLE = {
    "repo": "{673a6070-3421-46c9-9d48-90745f7bfe8e}",
    "actor": "{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}",
}
SAID = {"number": 1, "comment": {"id": "17", "text": "Comment text"}}
PUSHED = "141977fedf5cf35aa290ac87d4b5177ac4cd9de1"
NOTHING: dict[str, Any] = {}

# File -> X-Event-Key, kind, and the event's other fields; no kind is an event that is ignored.
DELIVERIES: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "go-scm/webhooks/pr_created": ("pullrequest:created", "pull", SEEN | {"number": 1}),
    "go-scm/webhooks/pr_created_slashbranch": ("pullrequest:created", "pull", SEEN | {"number": 1}),
    "go-scm/webhooks/pr_declined": ("pullrequest:rejected", "pull", SEEN | {"number": 2}),
    "go-scm/webhooks/pr_fulfilled": ("pullrequest:fulfilled", "pull", SEEN | {"number": 1}),
    "go-scm/webhooks/pr_updated": ("pullrequest:updated", "pull", SEEN | {"number": 1}),
    "go-scm/webhooks/push": ("repo:push", "push", SEEN | {"sha": PUSHED}),
    "go-scm/webhooks/push_branch_create": ("repo:push", "push", SEEN | {"sha": PUSHED}),
    "go-scm/webhooks/push_branch_delete": ("repo:push", "push", SEEN),
    "go-scm/webhooks/push_tag_create": ("repo:push", "push", SEEN | {"sha": PUSHED}),
    "go-scm/webhooks/push_tag_delete": ("repo:push", "push", SEEN),
    "go-playground/commit-comment-created": ("repo:commit_comment_created", None, NOTHING),
    "go-playground/issue-comment-created": ("issue:comment_created", None, NOTHING),
    "go-playground/issue-created": ("issue:created", None, NOTHING),
    "go-playground/issue-updated": ("issue:updated", None, NOTHING),
    "go-playground/pull-request-approval-removed": (
        "pullrequest:unapproved",
        "review",
        SAMPLE | {"number": 1},
    ),
    "go-playground/pull-request-approved": (
        "pullrequest:approved",
        "review",
        SAMPLE | {"number": 1},
    ),
    "go-playground/pull-request-comment-created": (
        "pullrequest:comment_created",
        "comment",
        SAMPLE | SAID,
    ),
    "go-playground/pull-request-comment-deleted": (
        "pullrequest:comment_deleted",
        "comment",
        SAMPLE | SAID,
    ),
    "go-playground/pull-request-comment-updated": (
        "pullrequest:comment_updated",
        "comment",
        SAMPLE | SAID,
    ),
    "go-playground/pull-request-created": ("pullrequest:created", "pull", SAMPLE | {"number": 1}),
    "go-playground/pull-request-declined": ("pullrequest:rejected", "pull", SAMPLE | {"number": 1}),
    "go-playground/pull-request-merged": ("pullrequest:fulfilled", "pull", SAMPLE | {"number": 1}),
    "go-playground/pull-request-updated": ("pullrequest:updated", "pull", SAMPLE | {"number": 1}),
    "go-playground/repo-commit-status-created": ("repo:commit_status_created", "status", SAMPLE),
    "go-playground/repo-commit-status-updated": ("repo:commit_status_updated", "status", SAMPLE),
    "go-playground/repo-fork": ("repo:fork", None, NOTHING),
    "go-playground/repo-push": (
        "repo:push",
        "push",
        SAMPLE | {"sha": "709d658dc5b6d6afcd46049c2f332ee3f515a67d"},
    ),
    "go-playground/repo-updated": ("repo:updated", None, NOTHING),
}
# Answers of the API, by name without .json.
ANSWERS = (
    *("branch", "branches", "commit", "commits", "diffstat", "error", "hook", "hooks", "perms"),
    *("pr_create", "pr_diffstat", "pulls", "ref", "repo", "repo-permision", "repos", "repos-2"),
    *("status", "status_input", "statuses", "tag", "tags", "user", "workspace", "workspaces"),
)


def recorded() -> set[str]:
    """Every file but what go-scm's own tests expect (.golden)."""
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    return {name for name in files if not name.endswith(".golden")}


def dialect() -> Dialect:
    name = f"{FORGE}.toml"
    return read_dialect(name, settings.dialect_files()[name])


def test_every_recording_is_known_as_a_delivery_or_as_none() -> None:
    deliveries = {f"{name}.json" for name in DELIVERIES}
    others = {f"go-scm/{name}.json" for name in ANSWERS} | {"README.md", "go-scm/content.txt"}
    assert recorded() == deliveries | others


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_delivery_is_parsed_to_its_event_or_ignored_by_name(name: str) -> None:
    key, kind, fields = DELIVERIES[name]
    arguments = [FORGE, str(FOLDER / f"{name}.json"), "-H", f"X-Event-Key: {key}"]
    environ = {"INTAKEBOT_SECRET_BITBUCKET_CLOUD": None}  # bare bodies have no signature
    result = CliRunner().invoke(parse, arguments, env=environ)
    assert result.exit_code == 0, result.output
    ignored = {"ignored": f"nothing is done on the event {key!r}"}
    told = ignored if kind is None else {"forge": FORGE, "kind": kind, **fields}
    assert json.loads(result.stdout) == told


def test_whatever_was_recorded_is_an_event_ignored_or_refused_under_any_name() -> None:
    known = dialect()
    for name in sorted(recorded()):
        body = (FOLDER / name).read_bytes()
        for key in [*known.kinds, "repo:fork", ""]:
            try:
                found = read_event(known, {"X-Event-Key": key}, body)
            except BadBody:
                assert not name.endswith(".json"), name
                continue
            assert isinstance(found, Event) or (isinstance(found, Ignored) and found.why)
