"""What is installed from a wheel is whole: it needs nothing of the checkout it came from."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from intakebot.world.house import RunningHouse

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that has the wheel, and our own dependencies to use."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder}", CHECKOUT],
        check=True,
    )
    wheel = next(folder.glob("intakebot-*.whl"))
    target = folder / "elsewhere"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, *arguments: str, tag: str = "") -> subprocess.CompletedProcess[str]:
    """The wheel's own command line; with a `tag`, `up` does not execute itself once more."""
    return subprocess.run(
        [sys.executable, "-S", "-c", ENTER.format(paths=paths(installed)), *arguments],
        cwd=installed,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(installed),
            **({"INTAKEBOT_HOUSE": tag} if tag else {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -S keeps the editable install's path file out: only the wheel has `intakebot` here.
ENTER = """
import sys
sys.path[:0] = {paths!r}
from intakebot.cli.main import main
sys.argv[0] = "intakebot"
main()
"""


def paths(installed: Path) -> list[str]:
    return [str(installed), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]]


def test_a_wheel_carries_its_rules_and_dialects(installed: Path) -> None:
    assert "fork-only" in run(installed, "rules", "test").stdout
    recording = installed / "intakebot" / "webhooks" / "git" / "pull__opened.http"
    parsed = run(installed, "parse", "git", str(recording), "--secret", "test-secret")
    assert parsed.returncode == 0, parsed.stderr
    assert '"kind": "pull"' in parsed.stdout


def test_a_fake_bitbucket_cloud_runs_without_any_extra(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", FAKE.format(paths=paths(installed), folder=str(tmp_path))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "200 False\n"), done.stderr


# openapi-core is of the extra `world`: None keeps Python from finding it.
FAKE = """
import sys
sys.path[:0] = {paths!r}
sys.modules["openapi_core"] = None
from pathlib import Path
from intakebot.world.demo import SETTINGS
from intakebot.world.bitbucket_cloud import BitbucketCloud
assert "bitbucket-cloud" in SETTINGS
with BitbucketCloud(Path({folder!r})) as cloud:
    print(cloud.user("ada").api("GET", "/user").status_code, cloud.validated)
"""


def test_rules_that_merely_lie_beside_the_package_are_not_read(installed: Path) -> None:
    inside = installed / "intakebot" / "rules"
    beside = installed / "rules"
    inside.rename(beside)
    try:
        refused = run(installed, "rules", "test")
    finally:
        beside.rename(inside)
    assert refused.returncode == 1
    assert "rules/ is neither in the package" in refused.stderr


def test_a_malformed_rule_is_told_before_anything_starts(installed: Path, tmp_path: Path) -> None:
    rule = installed / "intakebot" / "rules" / "small-enough.toml"
    good = rule.read_text("utf-8")
    rule.write_text(good.replace("added_lines", "aded_lines"), "utf-8")
    try:
        refused = run(installed, "up", f"--state={tmp_path / 'state'}", tag="x")
    finally:
        rule.write_text(good, "utf-8")
    assert refused.returncode == 1
    assert "small-enough.toml" in refused.stderr
    assert "Did you mean 'added_lines'?" in refused.stderr
    assert not (tmp_path / "state").exists()


def test_a_whole_house_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    house = RunningHouse(
        tmp_path / "state", environ={"PYTHONPATH": os.pathsep.join(paths(installed)[:1])}
    )
    house.start()
    try:
        assert house.process is not None
        maps = Path(f"/proc/{house.process.pid}/environ").read_bytes()
        assert str(installed).encode() in maps
        assert house.page_url in house.announced
    finally:
        house.stop()
