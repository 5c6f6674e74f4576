"""Packages for checks: fetched once by the lock file, through the proxy alone, without scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.checks.prepare import MOST_KEPT, Pantry
from intakebot.checks.proxy import Hosts
from intakebot.core import config
from intakebot.store.tables import runs
from tests.checks import registries
from tests.checks.registries import Registry, serving
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop


@pytest.fixture
def registry(shop: Workshop) -> Iterator[Registry]:
    with serving() as registry:
        hosts = Hosts.read([registry.url])
        shop.house = replace(shop.house, pantry=Pantry(shop.state / "prepared", hosts))
        yield registry


def logs(shop: Workshop) -> list[str]:
    return [row.log for row in shop.rows(sa.select(runs.c.log).order_by(runs.c.id))]


def uses(step: str, run: str, more: str = "") -> str:
    return f"[checks.tests]\nrun = '''{run}'''\nuses = ['{step}']\n{more}"


KINDS: Mapping[str, tuple[Callable[[Registry], Mapping[str, str]], str]] = {
    "npm": (registries.npm, "ls; node -p 'require(\"greeting\")'"),
    "pip": (registries.pip, "ls; python3 -c 'import greeting; print(greeting.WORDS)'"),
    "composer": (
        registries.composer,
        'ls; php -r \'require "vendor/autoload.php"; echo Acme\\Greeting::WORDS, "\\n";\'',
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_project_gets_its_packages_and_nothing_of_them_runs_meanwhile(
    shop: Workshop, registry: Registry, kind: str
) -> None:
    if kind != "pip" and shutil.which(kind) is None:
        pytest.skip(f"NOT TRIED: {kind} is not on this machine")
    project, run = KINDS[kind]
    shop.by_hand("main", {config.NAME: uses(kind, run), **project(registry)})
    author = ada(shop)
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs review", (shop.status_text(number), logs(shop))
    assert logs(shop)[-1].endswith("Good day\n") and "ran-a-script" not in logs(shop)[-1]
    asked = len(registry.asked)
    assert asked > 0

    shop.pushes(author, {"news.html": "<p>Other news</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert len(registry.asked) == asked  # what is there is not fetched again
    shop.land(grace(shop), number)


def test_a_changed_lock_file_waits_for_a_maintainer(shop: Workshop, registry: Registry) -> None:
    project = dict(registries.pip(registry))
    shop.by_hand("main", {config.NAME: uses("pip", "true"), **project})
    author, maintainer = ada(shop), grace(shop)
    number = shop.opens(author, {"requirements.txt": project["requirements.txt"] + "# more\n"})
    shop.settle()
    assert shop.standing(number) == "needs ok-to-test" and registry.asked == []
    assert "requirements.txt: it says what is installed" in shop.why(number)
    shop.says(maintainer, number, "/ok-to-test")
    shop.settle()
    assert shop.standing(number) == "needs review" and registry.asked


def test_a_host_that_is_not_on_the_list_is_refused_and_told(
    shop: Workshop, registry: Registry
) -> None:
    project = registries.pip(registry)
    shop.house = replace(shop.house, pantry=Pantry(shop.state / "none", Hosts(frozenset())))
    shop.by_hand("main", {config.NAME: uses("pip", "true", "retries = 0\n")})
    author, maintainer = ada(shop), grace(shop)
    number = shop.opens(author, project)
    shop.settle()
    shop.says(maintainer, number, "/ok-to-test")
    shop.settle()
    assert registry.asked == []
    assert "is not a registry that is let through" in shop.status_text(number)


def test_a_step_reaches_its_registry_and_nothing_else(shop: Workshop, registry: Registry) -> None:
    registry.pages["/"] = b"the registry\n"
    probe = (
        "import os, urllib.request as u\n"
        "print(u.urlopen(os.environ['WHERE']).read().decode())\n"
        "for place in ('http://127.0.0.1:%d/' % (int(os.environ['PORT']) + 1), 'https://10.0.0.1/'):\n"
        "    try: u.urlopen(place, timeout=5); print('reached', place)\n"
        "    except OSError as error: print('refused', place)\n"
        "open('out', 'w').write(str(sorted(os.environ)))\n"
    )
    run = f"WHERE={registry.url}/ PORT={registry.port} python3 probe.py > log; cat log >> out"
    step = f"[prepare.probe]\nrun = '{run}'\nfiles = ['probe.py']\ngives = ['out']\n"
    shop.by_hand("main", {config.NAME: uses("probe", "cat out") + step, "probe.py": probe})
    os.environ["A_SECRET_OF_THE_HOUSE"] = "yes"
    try:
        number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
        shop.settle()
    finally:
        del os.environ["A_SECRET_OF_THE_HOUSE"]
    [log] = logs(shop)
    assert shop.standing(number) == "needs review", log
    assert "the registry" in log and "reached" not in log and log.count("refused") == 2
    assert "A_SECRET" not in log and "HTTPS_PROXY" in log


def test_what_a_check_does_to_its_packages_the_next_one_does_not_see(
    shop: Workshop, registry: Registry
) -> None:
    run = "cat .python/greeting.py; echo spoilt > .python/greeting.py"
    shop.by_hand("main", {config.NAME: uses("pip", run), **registries.pip(registry)})
    author = ada(shop)
    shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    shop.pushes(author, {"news.html": "<p>More</p>\n"})
    shop.settle()
    assert logs(shop) == ["WORDS = 'Good day'\n"] * 2


def test_a_missing_lock_file_is_told(shop: Workshop, registry: Registry) -> None:
    shop.by_hand("main", {config.NAME: uses("npm", "true", "retries = 0\n")})
    number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"  # the target has none either
    [summary, _] = [row.summary for row in shop.rows(sa.select(runs.c.summary))]
    assert "`npm` needs package.json or package-lock.json" in summary


def test_where_packages_can_t_be_kept_it_is_ours_and_said(
    shop: Workshop, registry: Registry
) -> None:
    blocked = shop.state / "a-file"
    blocked.write_text("where a folder should be")
    pantry = replace(shop.house.pantry, folder=blocked / "prepared")
    shop.house = replace(shop.house, pantry=pantry)
    shop.by_hand("main", {config.NAME: uses("pip", "true"), **registries.pip(registry)})
    number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"
    assert "packages can't be kept" in shop.status_text(number).replace("\\", "")


def test_packages_that_nobody_has_asked_for_in_a_while_make_room(tmp_path: Path) -> None:
    pantry = Pantry(tmp_path, Hosts(frozenset()))
    for number in range(MOST_KEPT + 3):
        archive = tmp_path / f"{number}.tar"
        archive.write_bytes(b"x")
        os.utime(archive, (number, number))
    pantry.forget()
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == list(range(3, MOST_KEPT + 3))
