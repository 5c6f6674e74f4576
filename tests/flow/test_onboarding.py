"""An agency's first day: the starter page's own commands, and the rules before the push."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.flow.survey import discover
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop

pytestmark = pytest.mark.long

KEY = "AKIA" + "IOSFODNN7EXAMPLA"  # in two parts, so that this file holds none


def invited(shop: Workshop, *words: str) -> Result:
    environ = {
        "INTAKEBOT_STATE": str(shop.state),
        "DATABASE_URL": shop.settings.database_url,
        "GIT_URL": shop.settings.git_url,
        "PUBLIC_URL": shop.settings.public_url,
    }
    return CliRunner().invoke(main, ["invite", "--agency", "Alder", *words], env=environ)


def blocks(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


class Desk:
    """Ada's machine: a shell with git, her credentials, and intakebot on the PATH."""

    def __init__(self, shop: Workshop, folder: Path) -> None:
        self.ada = ada(shop)
        self.folder = folder
        folder.mkdir()
        tools = Path(sys.executable).parent
        self.environ = {
            **{
                key: value for key, value in os.environ.items() if key.startswith("INTAKEBOT_SPECS")
            },
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }
        scheme, _, rest = shop.settings.git_url.partition("://")
        (folder / ".git-credentials").write_text(
            f"{scheme}://ada:{self.ada.token}@{rest.partition('/')[0]}\n"
        )
        self.must("git config --global credential.helper store")
        self.must("git config --global user.name Ada && git config --global user.email a@b.example")

    def sh(self, script: str, within: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.folder / within,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def must(self, script: str, within: str = "") -> str:
        done = self.sh(script, within)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def at_work(shop: Workshop, folder: Path) -> tuple[Desk, str]:
    """The page's commands, typed as they are; returns the hook that it proposes."""
    shop.opens(grace(shop), {"news.html": "<p>News</p>\n"}, title="Put up some news")
    shop.settle()  # the house knows the repository by now
    desk = Desk(shop, folder)
    page = invited(shop, "--login", "ada")
    assert page.exit_code == 0, page.output
    once, change, hook = blocks(page.output)
    desk.must(
        once.replace("cd site\n", "")
        .replace("git remote", "git -C site remote")
        .replace("git fetch", "git -C site fetch")
    )
    (desk.folder / "site" / "index.html").write_text("<p>Spring</p>\n")
    said = desk.must(change.replace("Say what changes", "Put up the spring banner"), "site")
    assert "Pull request #2" in said
    return desk, hook


def test_the_starter_pages_commands_end_in_a_pull_request(shop: Workshop, tmp_path: Path) -> None:
    at_work(shop, tmp_path / "home")
    shop.settle()
    assert shop.standing(2) == "needs review"


def test_the_hook_says_before_the_push_what_would_be_said_after_it(
    shop: Workshop, tmp_path: Path
) -> None:
    desk, hook = at_work(shop, tmp_path / "home")
    place = desk.folder / "site" / ".git" / "hooks" / "pre-push"
    place.write_text(hook)
    place.chmod(0o755)
    (desk.folder / "site" / "deploy.env").write_text(f"KEY={KEY}\n")
    desk.must('git add -A && git commit --quiet -m "Deploy by ourselves from now on"', "site")
    refused = desk.sh("git push origin HEAD", "site")
    assert refused.returncode != 0
    assert "No password, key or token" in refused.stdout + refused.stderr
    assert KEY not in refused.stdout + refused.stderr
    shop.settle()
    assert shop.pull(2).head != desk.must("git rev-parse HEAD", "site").strip()
    desk.must(
        "git reset --quiet --hard HEAD~1 && git commit --quiet --allow-empty -m 'Say it'", "site"
    )
    desk.must("git push origin HEAD", "site")
    told = json.loads(desk.must("intakebot check --local --json", "site"))
    assert told["may_push"] and told["target"] == "main"


def test_without_a_branch_to_compare_with_it_says_how_to_get_one(
    shop: Workshop, tmp_path: Path
) -> None:
    desk = Desk(shop, tmp_path / "home")
    desk.must("git init --quiet alone && cd alone && git commit --quiet --allow-empty -m Start")
    done = desk.sh("intakebot check --local", "alone")
    assert done.returncode == 3 and "`git fetch` brings it" in done.stderr
    assert desk.sh("intakebot check --local site#1", "alone").returncode == 2


def test_an_invitation_names_rules_and_whom_to_ask(shop: Workshop) -> None:
    empty = invited(shop)
    assert empty.exit_code == 1 and "there is no repository yet" in empty.output
    shop.opens(grace(shop), {"news.html": "<p>News</p>\n"}, title="Put up some news")
    shop.settle()
    page = invited(shop).output
    assert "/git/LOGIN/site.git" in page and "Ask: Grace." in page
    assert "- Changes come as a pull request from a fork" in page
    unknown = invited(shop, "--repo", "shop")
    assert unknown.exit_code == 1 and "there are site" in unknown.output


def test_who_was_welcomed_stays_so_when_an_earlier_one_of_theirs_is_looked_at_later(
    shop: Workshop,
) -> None:
    ann = ada(shop)
    late = shop.opens(ann, {"one.html": "<p>1</p>\n"}, branch="one", title="Add the page one")
    early = shop.opens(ann, {"two.html": "<p>2</p>\n"}, branch="two", title="Add the page two")
    discover(shop.house)
    for bell in [one for one in shop.bell.waiting if one.startswith("survey:")]:
        shop.do(bell)
    shop.look_once(early)
    shop.settle()
    assert "Welcome" in shop.status_text(early) and "Welcome" not in shop.status_text(late)
    verified = shop.cli("verify", "--quiet")
    assert verified.exit_code == 0, verified.output
    shop.look_again(early)
    assert "Welcome" in shop.status_text(early)


def test_whoever_is_new_is_welcomed_once_with_the_rules_and_their_own_command(
    shop: Workshop,
) -> None:
    boss, ann = grace(shop), ada(shop)
    first = shop.opens(ann, {"one.html": "<p>1</p>\n"}, branch="one", title="Add the page one")
    shop.settle()
    said = shop.status_text(first)
    assert "Welcome, ada: this is your first pull request here." in said
    assert "at most 400 lines in 30 files" in said and "1 approval once" in said
    assert f"{ann.url(ann.login)}" in said and "HEAD:refs/heads/one" in said
    second = shop.opens(ann, {"two.html": "<p>2</p>\n"}, branch="two", title="Add the page two")
    own = shop.opens(boss, {"own.html": "<p>3</p>\n"}, branch="own", title="Add a page of ours")
    shop.land(boss, first)
    assert "Welcome" not in shop.status_text(second) + shop.status_text(own)
    assert "Welcome" not in shop.status_text(first), "it has landed; there is nothing to go on with"
