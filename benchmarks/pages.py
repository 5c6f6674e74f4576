"""Lists over 100,000 pull requests and two million things that happened, as a browser asks.

A real web process answers over HTTP, one request at a time, to an owner who is signed in. Making
the past is not counted.
"""

from __future__ import annotations

import re
import time

import requests
import sqlalchemy as sa

from benchmarks.common.parts import parts
from benchmarks.common.past import Past
from benchmarks.common.report import Report, all_of, at_most, command, percentile
from intakebot.settings import Settings
from intakebot.store import people
from intakebot.store.database import Database
from intakebot.store.tables import happenings, looks, pulls, receipts
from intakebot.up.links import one_time_link

PULLS, ROUNDS = 100_000, 40
LISTS = {
    "all": "/",
    "today": "/today",
    "landed, far back": "/?state=landed&page=700",
    "needs review": "/?state=needs-review",
    "a word": "/?q=banner",
    "a word that is nowhere": "/?q=zeppelin",
    "by author": "/?sort=author",
    "of one repository": "/?repo=shop&sort=oldest",
    "lanes": "/lanes",
    "incidents": "/incidents",
    "audit": "/audit",
}


def measure(quick: bool) -> Report:
    count, rounds = (300, 1) if quick else (PULLS, ROUNDS)
    with parts() as made:
        database = Database(made.settings.database_url)
        Past(count, receipts_each=16).live(database)
        events = _events(database)
        made.start("forge", "web")
        session = _signed_in(made.settings, database)
        times: dict[str, list[float]] = {name: [] for name in LISTS}
        statuses = []
        for _ in range(rounds):
            for name, path in LISTS.items():
                seconds, status = _asked(session, made.house.page_url + path)
                times[name].append(1000 * seconds)
                statuses.append(status)
        database.close()
    figures: dict[str, float] = {"pull_requests": count, "events": events}
    worst = max(percentile(of, 95) for of in times.values())
    figures |= {f"{name}_p95_ms": percentile(of, 95) for name, of in times.items()}
    return Report(
        figures,
        [
            at_most("p95 of the slowest list in ms", worst, 300),
            all_of("answers that were 200", sum(one == 200 for one in statuses), len(statuses)),
        ],
    )


def _events(database: Database) -> int:
    """Everything that happened to pull requests: looks, pushes, comments, receipts."""
    with database.read() as connection:
        counts = (
            connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (pulls, looks, happenings, receipts)
        )
        return sum(counts)


def _signed_in(settings: Settings, database: Database) -> requests.Session:
    session = requests.Session()
    with database.read() as connection:
        members = people.everybody(connection)
    account = next(
        account for one in members for _, account, login in one.accounts if login == "olga"
    )
    link = one_time_link(settings, database, "git", account)
    form = re.search(r'name="csrf" value="([^"]+)"', session.get(link, timeout=30).text)
    if form is None:
        raise RuntimeError("the sign-in page has no form")
    session.post(link, data={"csrf": form[1]}, timeout=30).raise_for_status()
    return session


def _asked(session: requests.Session, url: str) -> tuple[float, int]:
    started = time.perf_counter()
    answer = session.get(url, timeout=60)
    return time.perf_counter() - started, answer.status_code


if __name__ == "__main__":
    command("pages", __doc__, measure)()
