"""The house itself: folders and dicts agree, nothing mocks, nothing grows without being noticed."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot import commands, forges
from intakebot.checks import formats
from intakebot.checks.formats import NAMES
from intakebot.cli.main import VERBS
from intakebot.core import roster
from intakebot.core.ladder import LADDER
from intakebot.model import Role, State

CHECKOUT = Path(__file__).resolve().parent.parent
PRODUCT = CHECKOUT / "intakebot"


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (
            path for path in (CHECKOUT / folder).rglob("*.py") if "sample_site" not in path.parts
        )


def modules(package: object) -> set[str]:
    path = package.__path__  # type: ignore[attr-defined]
    return {module.name for module in pkgutil.iter_modules(path)}


def test_every_command_is_a_file_with_help_and_a_line_in_the_table() -> None:
    names = {name.replace("_", "-") for name in modules(commands)}
    assert names == set(commands.COMMANDS) == set(roster.RIGHTS)
    for name in commands.COMMANDS:
        usage = commands.summary(name)
        assert re.match(rf"{name}( [A-Z]+)?: [a-z]", usage), usage
        assert f"`/{usage.split(':')[0]}`" in commands.help_text()


def test_every_result_format_is_a_file_and_a_line() -> None:
    shared = {"reports", "xml"}
    assert modules(formats) - shared == set(NAMES) - {"rdjsonl"}  # two forms of one format


def test_every_forge_is_a_file_and_a_dialect() -> None:
    names = modules(forges) - {"api", "http"}
    dialects = {path.stem for path in (CHECKOUT / "webhooks").glob("*.toml")}
    assert {name.replace("_", "-") for name in names} == dialects


def test_every_verb_can_be_imported() -> None:
    for verb, found in VERBS.items():
        module, _, attribute = found.place.partition(":")
        assert getattr(importlib.import_module(module), attribute), verb


def test_every_state_has_a_rung_but_the_one_that_windows_will_bring() -> None:
    assert {state for state, _, _ in LADDER} == set(State) - {State.WAITING_FOR_WINDOW}


def test_no_test_mocks_or_replaces_what_it_tests() -> None:
    for path in sources("tests"):
        text = path.read_text("utf-8")
        if path != Path(__file__):
            assert not re.search(r"^\s*(from|import) (unittest\.)?mock", text, re.M), path
            assert "monkeypatch.setattr" not in text, path


def test_every_named_step_has_a_test_that_kills_there() -> None:
    """tests/flow/test_kills.py holds its own steps to account; these are the others."""
    named = {
        name
        for path in sources("intakebot")
        for name in re.findall(r'crashpoint\("([a-z_.]+)"\)', path.read_text("utf-8"))
        if "." in name
    }
    tests = "".join(path.read_text("utf-8") for path in sources("tests"))
    assert named and {name for name in named if name not in tests} == set()


def test_files_and_functions_stay_readable() -> None:
    for path in sources("intakebot"):
        text = path.read_text("utf-8")
        if "migrations" in path.parts:
            continue
        if path.name not in CATALOGUES:
            assert len(text.splitlines()) <= 350, f"{path}: two rooms in one?"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= 60, f"{path}:{node.lineno}: {node.name} has {lines} lines"


CATALOGUES = {"model.py", "tables.py"}  # lists of words and of tables, read by looking them up


def test_the_package_speaks_of_itself_alone() -> None:
    """No path of a machine, no registry's address, in anything that ships."""
    for pattern in ("*.py", "*.toml", "*.md", "*.html", "*.lock", "Makefile", "run"):
        for path in CHECKOUT.rglob(pattern):
            if any(part in IGNORED for part in path.parts):
                continue
            text = path.read_text("utf-8")
            for trace in ("/root/", "--index-url", "--find-links", "file:///opt"):
                if path.name != Path(__file__).name:
                    assert trace not in text, f"{path}: {trace}"


IGNORED = {".venv", ".git", ".intakebot", ".hypothesis", ".mypy_cache", "dist"}


@pytest.mark.parametrize("path", sorted((CHECKOUT / "docs" / "adr").glob("0*.md")))
def test_a_decision_fits_a_page(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 40
    assert path.name in (path.parent / "README.md").read_text("utf-8")


def test_the_documented_commands_are_those_of_the_table() -> None:
    rows = re.findall(
        r"^\| `/([a-z-]+)( [A-Z]+)?` \| (.+?) \| (.+?) \| (\w+) \|$",
        (CHECKOUT / "docs" / "commands.md").read_text("utf-8"),
        re.M,
    )
    documented = {name: (usage, meaning, who, access) for name, usage, meaning, who, access in rows}
    assert set(documented) == set(roster.RIGHTS)
    for name, (usage, meaning, who, access) in documented.items():
        right = roster.RIGHTS[name]
        roles = [role.value for role in Role if role in right.roles] or ["everybody"]
        assert who == ", ".join(roles + ["the author"] * right.author), name
        assert access == right.forge.value, name
        assert f"{name}{usage}: {meaning}." == commands.summary(name), name
