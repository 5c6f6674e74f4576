"""Where a process may be killed, which process that is, and how often before it happens.

Each test that kills takes its cases from here, so a step that is named here is one that is tried.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import intakebot

STEPS: Mapping[str, tuple[str, ...]] = {
    "worker": (  # tests/flow/test_kills.py; in the order in which one life comes there
        "sweep.mid",
        "look.after_lease",
        "look.after_forge_read",
        "fetch.after_ref_update",
        "look.before_commit",
        "look.after_commit",
        "effect.before_send",
        "effect.after_send",
        "look.before_done",
        "run.after_lease",
        "run.before_commit",
        "lane.after_lease",
        "merge.after_build",
        "merge.after_test_pass",
        "merge.before_push",
        "merge.after_push_before_record",
        "merge.after_record",
        "deploy.before_push",
        "deploy.after_push_before_record",
    ),
    "guard": ("guard.after_say",),  # tests/flow/test_bitbucket_cloud.py; each repository's once
    "elsewhere": (  # tests/flow/test_elsewhere.py
        "elsewhere.before_push",
        "elsewhere.after_push",
        "elsewhere.after_delete",
    ),
    "clock": ("clock.before_ring", "clock.after_ring"),  # tests/flow/test_kills.py
    "web": (  # tests/web/test_door.py
        "hook.after_verify",
        "hook.before_commit",
        "hook.after_commit",
        "hook.before_reply",
    ),
    "git server": (  # tests/gitforge/test_kills.py
        "forge.before_intend",
        "forge.after_intend",
        "forge.post_receive",
        "forge.after_settle",
    ),
    "sender": ("forge.before_post", "forge.after_post"),  # tests/gitforge/test_kills.py
    "post": ("letter.before_send", "letter.after_send"),  # tests/flow/test_letters.py
    "count": ("count.before_commit", "count.after_commit"),  # tests/flow/test_counted.py
    "backfill": ("backfill.after_one",),  # tests/flow/test_backfill.py
    "connect": ("connect.mid",),  # tests/cli/test_connect.py, at every pass there is
    "migrate": ("migrate.mid",),  # tests/store/test_schema.py; a process passes it once
}


def cases(process: str) -> list[tuple[str, int]]:
    """(step, n): killed there at the n-th pass, for n = 1 and 2."""
    return [(step, times) for step in STEPS[process] for times in (1, 2)]


def named_in_the_code() -> Iterator[str]:
    for path in Path(intakebot.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "crashpoint"
            ):
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: not a plain name"
                yield str(name.value)
