"""A stricter set of rules tried on 20,000 past decisions, the database read included.

All shipped rules judge each of them; making the past is not counted.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.common.report import Report, all_of, at_least, command
from intakebot.core.backtest import backtest
from intakebot.core.draft import with_settings
from intakebot.core.rules import neutral_facts, read_rules, rules_digest
from intakebot.model import Facts
from intakebot.settings import rule_files
from intakebot.store import history, schema
from intakebot.store.database import Database
from intakebot.store.memory import digest
from intakebot.store.tables import facts, first_verdicts, looks, pulls, repos

DECISIONS, PIECE = 20_000, 2_000
START = datetime(2024, 1, 1, tzinfo=UTC)


def measure(quick: bool) -> Report:
    count, rounds = (200, 1) if quick else (DECISIONS, 3)
    now = read_rules(rule_files())
    tried = with_settings(rule_files(), ["small-enough.level=reject"])
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{Path(name, 'past.db')}")
        schema.upgrade(database, now=START)
        large = _past(database, count)
        seconds, found = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            with database.read() as connection:
                past = history.decisions(connection)
                outcome = backtest(past, now, tried, rules_digest(now))
            seconds.append(time.perf_counter() - started)
            found.append(len(outcome.differences))
        database.close()
    rate = count / statistics.median(seconds)
    return Report(
        {"decisions": count, "rules": len(now), "per_second": rate, "differ": found[0]},
        [
            at_least("decisions a second", rate, 1000),
            all_of("of the large ones found", min(found), large),
        ],
    )


def _past(database: Database, count: int) -> int:
    """Made up, the same each time; returns how many are too large."""
    chance, large = random.Random(7), 0  # noqa: S311 - the same each time
    with database.write() as connection:
        connection.execute(repos.insert(), {"forge": "git", "forge_id": "1", "name": "site"})
        for start in range(0, count, PIECE):
            rows: dict[str, list[dict[str, Any]]] = {"pulls": [], "facts": [], "looks": []}
            for number in range(start + 1, min(start + PIECE, count) + 1):
                one = _facts(chance, number)
                large += one.added_lines > one.max_lines
                _add(rows, one, START + timedelta(minutes=number))
            connection.execute(pulls.insert(), rows["pulls"])
            connection.execute(facts.insert(), rows["facts"])
            connection.execute(looks.insert(), rows["looks"])
            verdicts = [
                {
                    "pull_id": look["pull_id"],
                    "head": look["head"],
                    "at": look["at"],
                    "state": "ready",
                    "look_id": look["id"],
                }
                for look in rows["looks"]
            ]
            connection.execute(first_verdicts.insert(), verdicts)
    return large


def _facts(chance: random.Random, number: int) -> Facts:
    files = chance.randint(1, 30)
    return neutral_facts(
        number=number,
        author_agency=chance.choice(["Alder", "Birch", "Cedar"]),
        head=f"{number:040x}",
        added_lines=chance.randint(1, 600),
        removed_lines=0,
        files_changed=files,
        paths=[f"pages/{chance.randint(1, 999)}/index-{place}.html" for place in range(files)],
    )


def _add(rows: dict[str, list[dict[str, Any]]], one: Facts, at: datetime) -> None:
    body = asdict(one)
    name = digest(body)
    rows["pulls"].append(
        {"id": one.number, "repo_id": 1, "number": one.number, "first_seen_at": at}
    )
    rows["facts"].append({"digest": name, "body": body})
    rows["looks"].append(
        {
            **{
                "id": one.number,
                "pull_id": one.number,
                "at": at,
                "head": one.head,
                "base": one.base,
            },
            **{"facts_digest": name, "rules_digest": "", "state": "ready", "turn": "nobody"},
            **{"why": "", "verdicts": [], "findings": []},
        }
    )


if __name__ == "__main__":
    command("backtest", __doc__, measure)()
