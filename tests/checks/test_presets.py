"""The shipped presets with the real tools, as `intakebot tools install` brings them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from intakebot.checks import tools
from intakebot.checks.runner import missing_tools, run_check
from intakebot.checks.sandbox import Sandbox
from intakebot.checks.toolbox import build_toolbox, find_tools
from intakebot.core.checkfile import Toolset, definitions, read_presets
from intakebot.model import CheckDefinition, CheckResult, Outcome
from intakebot.settings import lock_files, preset_files
from tests.checks.conftest import tree_of

PRESETS = read_presets(preset_files())
CHECKS = {check.name: check for some in PRESETS.values() for check in definitions(some, "")}
# Check -> a file with a fault, the line it is on, and the same without it.
FAULTS: Mapping[str, tuple[str, str, int, str]] = {
    "ruff": ("tool/a.py", "import os\n", 1, "import os\n\nprint(os.sep)\n"),
    "shellcheck": ("a b.sh", "#!/bin/sh\ncd /tmp\nls\n", 2, "#!/bin/sh\nls /tmp\n"),
    "hadolint": ("x/Dockerfile", "FROM debian\nRUN cd /tmp\n", 2, "FROM debian:12\nUSER 1000\n"),
    "oxlint": ("a.js", "const a = 1;\ndebugger;\nuse(a);\n", 2, "export const a = 1;\n"),
    "djlint": ("a.html", "<p>\n<img src='a.png'>\n</p>\n", 2, "<p>Good day</p>\n"),
    "yamllint": ("a.yml", "a: 1\na: 2\n", 2, "a: 1\nb: 2\n"),
    "php": ("a.php", "<?php\necho 'x'\necho 'y';\n", 3, "<?php\necho 'x';\n"),
    "phpcs": ("a.php", "<?php\n\n\n$a=1;\n", 2, ""),
    "biome": ("a.js", "const a = 1;\ndebugger;\n", 2, "export const a = 1;\n"),
    "stylelint": ("a.css", "", 0, "a {}\n"),
    "htmlhint": ("a.html", "<!DOCTYPE html>\n<P>x</p>\n", 2, ""),
}


@pytest.fixture(scope="module")
def kit() -> Iterator[Path]:
    """Everything that there is a lock for, installed as an operator does it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        locks = tools.locks(lock_files())
        heard: list[str] = []
        for lock in locks.values():
            tools.install(folder, lock, heard.append)
        assert any(package.startswith("yamllint==") for package in heard)
        yield build_toolbox(folder, find_tools(folder, locks))


def run(
    check: CheckDefinition, sandbox: Sandbox, kit: Path, files: Mapping[str, str]
) -> CheckResult:
    if lacking := missing_tools(check.tools, kit):
        pytest.skip(f"{lacking[0]} is not on this machine")
    result = run_check(check, tree_of(files), sandbox, toolbox=kit)
    assert result is not None
    return result


def test_every_check_of_a_preset_is_tried_here() -> None:
    assert set(FAULTS) == set(CHECKS)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_preset_finds_a_fault_on_its_line(name: str, sandbox: Sandbox, kit: Path) -> None:
    path, text, line, _ = FAULTS[name]
    if not text:
        pytest.skip(f"{name} says nothing without settings of the repository")
    result = run(CHECKS[name], sandbox, kit, {path: text})
    assert (path, line) in [(one.path, one.line) for one in result.findings], (result, result.log)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_preset_has_nothing_to_say_of_what_is_good(
    name: str, sandbox: Sandbox, kit: Path
) -> None:
    path, _, _, text = FAULTS[name]
    if not text:
        pytest.skip(f"{name} has a say on style in almost any file")
    result = run(CHECKS[name], sandbox, kit, {path: text})
    assert (result.outcome, result.findings) == (Outcome.PASSED, ()), result.log


def test_a_lock_that_names_another_hash_installs_nothing(tmp_path: Path) -> None:
    lock = tools.Lock("docs", f"pathspec==1.1.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(tools.NotInstalled, match="HASH"):
        tools.install(tmp_path, lock, lambda _: None)
    assert not lock.folder(tmp_path).exists()


def test_what_is_installed_is_called_by_its_name_and_decides_results(kit: Path) -> None:
    locks = tools.locks(lock_files())
    with_all, without = find_tools(kit.parent, locks), find_tools(kit.parent / "nothing", locks)
    assert {"yamllint", "oxlint", "shellcheck"} <= with_all.names - without.names
    assert with_all.digest != without.digest
    assert Toolset(with_all.digest, with_all.names, PRESETS).names == with_all.names
