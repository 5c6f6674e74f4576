"""What each look saw and decided: facts by digest, verdicts, first verdicts, who acted when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from intakebot.core.checking import Told
from intakebot.model import OVER, Facts, Finding, Pull, Standing, State, Verdict
from intakebot.store.tables import facts as facts_table
from intakebot.store.tables import first_verdicts, happenings, landings, looks, pulls, repos
from intakebot.store.upsert import insert_new

ASKS = "asks"  # a comment with a question, or one on a line: somebody waits for an answer
# Nothing was judged in full: no check could run, or there was nothing left to judge.
INCOMPLETE = (
    *(State.NEEDS_OK_TO_TEST, State.BLOCKED_BY_US, State.DRAFT, State.CHECKING),
    *OVER,
)


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_look(
    connection: sa.Connection,
    pull_id: int,
    facts: Facts,
    rules_digest: str,
    standing: Standing,
    verdicts: Sequence[Verdict],
    findings: Sequence[Finding],
    checks: Sequence[Told],
    now: datetime,
) -> str:
    """Remember one look unless it is the same as the last; returns the facts' digest."""
    name = digest(asdict(facts))
    judged = [asdict(verdict) for verdict in verdicts]
    found = [asdict(finding) for finding in findings]
    told = [asdict(check) for check in checks]
    if _same_as_last(connection, pull_id, name, rules_digest, standing, judged, found, told):
        return name
    keep_facts(connection, facts)
    look_id = connection.scalar(
        sa.insert(looks)
        .values(
            pull_id=pull_id,
            at=now,
            head=facts.head,
            base=facts.base,
            facts_digest=name,
            rules_digest=rules_digest,
            state=standing.state.value,
            turn=standing.turn.value,
            why=standing.why,
            verdicts=judged,
            findings=found,
            checks=told,
        )
        .returning(looks.c.id)
    )
    if not facts.checks_pending and not facts.draft and standing.state not in INCOMPLETE:
        insert_new(
            connection,
            first_verdicts,
            {
                "pull_id": pull_id,
                "head": facts.head,
                "at": now,
                "state": standing.state.value,
                "look_id": look_id,
            },
        )
    return name


def _same_as_last(
    connection: sa.Connection,
    pull_id: int,
    facts_digest: str,
    rules_digest: str,
    standing: Standing,
    verdicts: list[dict[str, object]],
    findings: list[dict[str, object]],
    checks: list[dict[str, object]],
) -> bool:
    last = last_look(connection, pull_id)
    return last is not None and (
        last.facts_digest,
        last.rules_digest,
        last.state,
        last.why,
        digest(last.verdicts),
        digest(last.findings),
        digest(last.checks),
    ) == (
        facts_digest,
        rules_digest,
        standing.state.value,
        standing.why,
        digest(verdicts),
        digest(findings),
        digest(checks),
    )


def last_look(connection: sa.Connection, pull_id: int) -> sa.Row[tuple[object, ...]] | None:
    return connection.execute(
        sa.select(looks).where(looks.c.pull_id == pull_id).order_by(looks.c.id.desc()).limit(1)
    ).one_or_none()


def judged_against(connection: sa.Connection, repo_id: int) -> list[sa.Row[tuple[object, ...]]]:
    """Open pull requests (id, target, state) with the target's tip (base) of their last look."""
    newest = sa.select(sa.func.max(looks.c.id)).group_by(looks.c.pull_id)
    return list(
        connection.execute(
            sa.select(pulls.c.id, pulls.c.target, pulls.c.state, pulls.c.looked_at, looks.c.base)
            .join(looks, looks.c.pull_id == pulls.c.id)
            .where(pulls.c.repo_id == repo_id, pulls.c.open, looks.c.id.in_(newest))
            .order_by(pulls.c.id)
        )
    )


def keep_facts(connection: sa.Connection, facts: Facts) -> str:
    """Remember them by their digest, which is returned."""
    body = asdict(facts)
    name = digest(body)
    insert_new(connection, facts_table, {"digest": name, "body": body})
    return name


def facts_are_genuine(connection: sa.Connection, facts_digest: str) -> bool:
    """Whether they still are what their digest was made of."""
    body = connection.scalar(
        sa.select(facts_table.c.body).where(facts_table.c.digest == facts_digest)
    )
    return body is not None and digest(body) == facts_digest


def facts_of(connection: sa.Connection, facts_digest: str) -> Facts | None:
    body = connection.scalar(
        sa.select(facts_table.c.body).where(facts_table.c.digest == facts_digest)
    )
    return Facts(**body) if body else None


def keep_happenings(connection: sa.Connection, pull_id: int, pull: Pull, bot: str) -> None:
    """Who pushed, commented and reviewed, and when. Comment texts are kept only as digests."""
    rows = [
        ("push", f"{push.seq}", push.by.id, push.at, push.seq, push.head, "", "")
        for push in pull.pushes
    ]
    rows += [
        (
            *("review", f"{review.seq}", review.by.id, review.at, review.seq, review.head, ""),
            review.state,
        )
        for review in pull.reviews
    ]
    rows += [
        (
            "comment",
            comment.id,
            comment.by.id,
            comment.at,
            comment.seq,
            "",
            text_digest(comment.text),
            ASKS if "?" in comment.text or comment.path else "",
        )
        for comment in pull.comments
        if comment.by.id != bot
    ]
    known = seen_comments(connection, pull_id)
    have = _known_keys(connection, pull_id)
    for kind, key, account, at, seq, head, text, state in rows:
        if (kind, key) not in have:
            values = {"account_id": account, "at": at, "seq": seq, "head": head}
            values |= {"digest": text, "state": state}
            insert_new(
                connection, happenings, {"pull_id": pull_id, "kind": kind, "key": key, **values}
            )
        elif kind == "comment" and known.get(key) != text:
            connection.execute(
                sa.update(happenings)
                .where(happenings.c.pull_id == pull_id, happenings.c.kind == kind)
                .where(happenings.c.key == key)
                .values(digest=text)
            )


def _known_keys(connection: sa.Connection, pull_id: int) -> set[tuple[str, str]]:
    rows = connection.execute(
        sa.select(happenings.c.kind, happenings.c.key).where(happenings.c.pull_id == pull_id)
    )
    return {(row.kind, row.key) for row in rows}


def seen_comments(connection: sa.Connection, pull_id: int) -> dict[str, str]:
    """Comment id -> digest of the text it had when last read."""
    rows = connection.execute(
        sa.select(happenings.c.key, happenings.c.digest).where(
            happenings.c.pull_id == pull_id, happenings.c.kind == "comment"
        )
    )
    return {row.key: row.digest for row in rows}


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def has_landed_before(connection: sa.Connection, forge: str, account_id: str, pull_id: int) -> bool:
    """Whether anything by this author has landed here yet, this pull request aside."""
    return (
        connection.scalar(
            sa.select(landings.c.id)
            .join(repos, repos.c.id == landings.c.repo_id)
            .where(repos.c.forge == forge, landings.c.author_id == account_id)
            .where(landings.c.landed_at.is_not(None), landings.c.pull_id != pull_id)
            .limit(1)
        )
        is not None
    )


def is_first_pull(connection: sa.Connection, forge: str, account_id: str, pull_id: int) -> bool:
    """Whether none of this author's was looked at when this one first was; it stays so, also when
    one that came earlier is looked at later."""
    told = connection.scalar(
        sa.select(facts_table.c.body)
        .join(looks, looks.c.facts_digest == facts_table.c.digest)
        .where(looks.c.pull_id == pull_id)
        .order_by(looks.c.id)
        .limit(1)
    )
    if told is not None:
        return bool(told.get("first_pull", False))
    others = (
        sa.select(pulls.c.id)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(pulls.c.author_id == account_id, repos.c.forge == forge, pulls.c.id != pull_id)
    )
    return connection.scalar(others.limit(1)) is None


def keep_standing(
    connection: sa.Connection, pull_id: int, pull: Pull, standing: Standing, now: datetime
) -> None:
    """What lists and pages show without asking the forge."""
    connection.execute(
        sa.update(pulls)
        .where(pulls.c.id == pull_id)
        .values(
            looked_at=now,
            failures=0,
            problem="",
            state=standing.state.value,
            turn=standing.turn.value,
            why=standing.why,
            title=pull.title,
            author_id=pull.author.id,
            author_login=pull.author.login,
            head=pull.head,
            target=pull.target,
            url=pull.url,
            open=pull.state.value == "open",
        )
    )
