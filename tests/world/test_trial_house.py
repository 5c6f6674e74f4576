"""A house that is only there for a while, beside whatever else the machine is used for."""

from __future__ import annotations

from pathlib import Path

import pytest

from intakebot.model import OperatorError
from intakebot.world.house import RunningHouse


def test_a_trial_house_takes_nothing_that_the_environment_says_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{other}")
    monkeypatch.setenv("INTAKEBOT_STATE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("BITBUCKET_ADMIN_TOKEN", "ATATT-of-somebody-real")
    house = RunningHouse(tmp_path / "state", environ={"BITBUCKET_URL": "http://127.0.0.1:9/2.0"})

    house.run("people", "add", "olga", "--group", "staff")
    with pytest.raises(OperatorError) as unset:
        house.run("connect", "bitbucket-cloud", "acme/site")

    assert "olga" in house.run("people", "list")
    assert (tmp_path / "state" / "intakebot.db").exists() and not other.exists()
    assert "BITBUCKET_ADMIN_TOKEN is not set" in str(unset.value)
