"""A protected path is protected under every name that a file system takes for it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.paths import folded, protected

PATTERNS = ("ops/", "caf\u00e9/", ".intakebot.toml", "*/.gitattributes", "deploy/key.pem")
THE_SAME = [
    *("ops/x", "ops", "OPS/x", "op\u017f/x", "ops./x", "ops /x", "o\u200dps/x", "ops\\x"),
    *("ops::$INDEX_ALLOCATION/x", "OPS~1/x", "ops~2", "OP12AB~1/x"),
    *("cafe\u0301/x", "CAF\u00c9/x", "CAFE\u0301"),
    *(".Intakebot.TOML", ".intakebot.toml.", ".intakebot.toml ", "INTAKE~1.TOM", "INTAK~12.TOM"),
    *("docs/.gitattributes", "a/b/.GITATTRIBUTES", "deploy/KEY.pem", "DEPLOY~1/key.pem"),
]
OTHERS = [
    *("opsx", "op", "ops-notes/x", "my/ops/x", "cafe/x", "intakebot.toml", ".intakebot.tom"),
    *("image~2.png", "o~1", "OPSX12~1", "deploy/other.pem", "deploy", "gitattributes", ""),
]


@pytest.mark.parametrize("path", THE_SAME, ids=ascii)
def test_another_name_for_a_protected_path_is_protected_too(path: str) -> None:
    assert protected([path], PATTERNS) == [path]


@pytest.mark.parametrize("path", OTHERS, ids=ascii)
def test_what_only_looks_alike_is_free(path: str) -> None:
    assert protected([path], PATTERNS) == []


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more_and_any_text_protects_itself(path: str) -> None:
    assert folded(folded(path)) == folded(path)
    if path and not set("*?[") & set(path) and not path.endswith(("/", "\\")):
        assert protected([path], [path]) == [path]


def test_a_pattern_that_ruins_backtracking_matchers_costs_little() -> None:
    paths = [f"{'a' * 4000}{number}" for number in range(200)]
    begun = time.process_time()
    assert protected(paths, ["*a*a*a*a*a*a*a*a*c", "**/**/**/x"]) == []
    assert time.process_time() - begun < 2
