"""From one reading to a standing: commands folded, facts gathered, rules asked, ladder climbed.

The look and the lane both judge here, so that nothing lands on another opinion than is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from intakebot.core import comment, facts, roster
from intakebot.core.addresses import pull_page
from intakebot.core.asks import Asks, course, fold
from intakebot.core.checking import Checked, Task, Tasks
from intakebot.core.ladder import stand
from intakebot.core.rules import judge
from intakebot.flow.house import House
from intakebot.flow.listen import Heard, Listener
from intakebot.flow.placed import on_changed_lines
from intakebot.flow.read import Reading, read
from intakebot.flow.tasks import results_of, tasks_of
from intakebot.forges.api import Forge
from intakebot.model import (
    CheckDefinition,
    Command,
    Facts,
    Finding,
    Permission,
    Person,
    Pull,
    PullState,
    Review,
    Said,
    Standing,
    TryLater,
    Verdict,
)
from intakebot.repo.change import merge_tree, tree_of
from intakebot.store import lanes, memory, people, receipts, words, work


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that one look knows and decided.

    `tasks` are the checks that the change needs and `checked` what became of them; `may_run`
    whether those that have not run yet may.
    """

    pull: Pull
    reading: Reading
    heard: Heard
    asks: Asks
    facts: Facts
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    tasks: Tasks
    checked: Checked
    may_run: bool
    standing: Standing

    @property
    def to_run(self) -> tuple[Task, ...]:
        return self.checked.asked if self.may_run else ()

    @property
    def waits(self) -> bool:
        """Whether a check that may run has no say yet."""
        return self.may_run and len(self.checked.results) < len(self.tasks.checks)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the database knows before the judgement."""

    commands: list[Command]
    comments: dict[str, str]
    author: Person
    first_time: bool
    first_pull: bool
    landed: str
    landed_anew: bool
    landing: bool
    declined: bool
    failed: lanes.EntryRow | None
    stuck: tuple[str, ...]


def judgement(house: House, row: work.PullRow, pull: Pull, *, landing: bool = False) -> Judgement:
    """`landing` is for the lane itself, which has to try although it was stuck before."""
    forge = house.forges[row.repo.forge]
    _in_step(pull)
    reading = read(house, pull)
    tasks = _tasks(reading)
    with house.database.read() as connection:
        known = _remember(connection, house, row, pull)
        permission = cache(lambda account: forge.permission(pull.repo.id, account))
        listener = _listener(connection, house, forge, pull, reading, known, permission)
        heard = listener.listen(known.commands, known.comments)
        counting = [one for one in heard.all if _entitled(listener, one)]
        trusted = [one for one in pull.reviews if _requests_changes(listener, one, pull)]
        checked = results_of(connection, tasks)
    findings = _findings(reading, tasks.checks, checked)
    whole = course(pull, cache(lambda old: _same_result(reading, old)))
    asks = fold(counting, pull.head, whole)
    if asks.merge is not None:  # on its way to landing: what the forge lets people do counts too
        counting = _permitted(permission, counting)
        asks = fold(counting, pull.head, whole)
    gathered = facts.Gathered(
        pull=pull,
        author=known.author,
        config=reading.config,
        asks=asks,
        change=reading.change,
        first_time=known.first_time,
        first_pull=known.first_pull,
        landed=known.landed,
        landed_anew=known.landed_anew,
        landing_failed=_landing_failed(known.failed, asks),
        declined=known.declined,
        checks=tasks.checks,
        checked=checked,
        detected=reading.detected,
        markers=reading.markers,
        finding_count=len(findings),
        changes_requested=trusted,
        unreadable=reading.unreadable,
        page_url=pull_page(house.public_url, pull.repo.name, pull.number),
        uncompared=reading.uncompared,
        blocked=(*reading.blocked, *(known.stuck if asks.merge and not landing else ())),
    )
    known_facts = _not_read_back(facts.gather(gathered), known, pull)
    verdicts = tuple(judge(rule, known_facts) for rule in house.rules)
    standing = stand(known_facts, verdicts)
    return Judgement(
        pull=pull,
        reading=reading,
        heard=_answered(heard, standing),
        asks=asks,
        facts=known_facts,
        verdicts=verdicts,
        findings=findings,
        tasks=tasks,
        checked=checked,
        may_run=facts.may_run(gathered),
        standing=standing,
    )


def _not_read_back(known_facts: Facts, known: _Memory, pull: Pull) -> Facts:
    """What we have merged is open until that is read back."""
    if known.landing and pull.state is PullState.MERGED:
        return replace(known_facts, state="open")
    return known_facts


def _in_step(pull: Pull) -> None:
    """What a word was for is told by the history, so a history that lags can't be judged by."""
    newest = max(pull.pushes, key=lambda push: push.seq, default=None)
    last = max(pull.targets, key=lambda move: move.seq, default=None)
    if newest is not None and newest.head != pull.head:
        raise TryLater(f"the forge's history does not show the push of {pull.head[:12]} yet")
    if last is not None and last.target != pull.target:
        raise TryLater(f"the forge's history does not show the change to {pull.target} yet")


def _remember(connection: sa.Connection, house: House, row: work.PullRow, pull: Pull) -> _Memory:
    landing = lanes.landing_of_pull(connection, row.id)
    entry = lanes.entry_of(connection, row.id)
    return _Memory(
        commands=words.of_pull(connection, row.id),
        comments=memory.seen_comments(connection, row.id),
        author=people.who(connection, row.repo.forge, pull.author, house.now()),
        first_time=not memory.has_landed_before(connection, row.repo.forge, pull.author.id, row.id),
        first_pull=memory.is_first_pull(connection, row.repo.forge, pull.author.id, row.id),
        landed=_landed(landing, pull),
        landed_anew=landing is not None and _made_anew(landing, pull),
        landing=entry is not None and entry.state == "landing",
        declined=any(receipt.kind == "Decline" for receipt in receipts.of_pull(connection, row.id)),
        failed=None if entry else lanes.failed(connection, row.id, pull.head),
        stuck=_stuck(connection, row, pull),
    )


def _landed(landing: sa.Row[Any] | None, pull: Pull) -> str:
    """The commit it landed as, or "": one that slipped in at the last moment has not landed, and
    the pull request that it keeps open is judged like any other."""
    if landing is None or (pull.state is PullState.OPEN and pull.head != landing.head):
        return ""
    return str(landing.commit)


def _made_anew(landing: sa.Row[Any], pull: Pull) -> bool:
    """Whether the pull request's own commits are not what landed, so that no forge can tell."""
    made_anew = landing.method != "merge" and landing.commit != landing.head
    return bool(made_anew and _landed(landing, pull))


def _stuck(connection: sa.Connection, row: work.PullRow, pull: Pull) -> tuple[str, ...]:
    """Of these only the lane knows; they matter to what waits to land."""
    stuck = lanes.stuck(connection, row.repo.id, pull.target)
    frozen = lanes.frozen(connection, row.repo.id, pull.target, pull.repo.deploy)
    told = (f"nothing can land at the moment: {stuck}",) if stuck else ()
    return (
        *told,
        *((f"{frozen}; somebody of the team has to acknowledge it first",) if frozen else ()),
    )


def _landing_failed(failed: lanes.EntryRow | None, asks: Asks) -> str:
    """Why the merge request for this head was given up; one that counts and is newer retries."""
    if failed is None or (asks.merge is not None and asks.merge.at > failed.asked_at):
        return ""
    return failed.why


def _listener(
    connection: sa.Connection,
    house: House,
    forge: Forge,
    pull: Pull,
    reading: Reading,
    known: _Memory,
    permission: Callable[[str], Permission],
) -> Listener:
    now = house.now()
    return Listener(
        pull=pull,
        bot=forge.me().id,
        config=reading.config,
        landed=known.landed,
        who=lambda account: people.who(connection, forge.name, account, now),
        team=lambda command: people.with_roles(
            connection, forge.name, roster.RIGHTS[command].roles, now
        ),
        permission=permission,
    )


def _entitled(listener: Listener, command: Command) -> bool:
    """Approvals and merge requests count only while their author still has the role for them."""
    if command.name not in ("approve", "merge"):
        return True
    is_author = command.by.id == listener.pull.author.id
    return roster.granted(command.name, listener.who(command.by), is_author=is_author)


def _permitted(permission: Callable[[str], Permission], commands: list[Command]) -> list[Command]:
    """Without the approvals and merge requests of people whom the forge no longer lets.

    One that can't be looked up raises TryLater, so that nothing lands on it.
    """
    asked = {
        command.by.id: permission(command.by.id)
        for command in commands
        if command.name in ("approve", "merge") and command.said is Said.DONE and command.live
    }
    return [
        command
        for command in commands
        if command.name not in ("approve", "merge")
        or command.by.id not in asked
        or roster.allowed(command.name, asked[command.by.id])
    ]


def _requests_changes(listener: Listener, review: Review, pull: Pull) -> bool:
    """A standing request by somebody who may approve, for the head of now."""
    if review.state != "changes_requested" or review.head != pull.head:
        return False
    return roster.granted("approve", listener.who(review.by), is_author=False)


def _tasks(reading: Reading) -> Tasks:
    """On the head's own tree, against that of the merge base."""
    change = reading.change
    if change is None or not reading.config.checks:
        return Tasks()
    before = tree_of(reading.git, change.merge_base) if change.merge_base else None
    checks = reading.config.checks
    return tasks_of(reading.git, checks, change.files, change.head_tree, before)


def _findings(
    reading: Reading, checks: Sequence[CheckDefinition], checked: Checked
) -> tuple[Finding, ...]:
    """What detectors found, and the checks that have their say, on changed lines and new."""
    own = [finding for those in reading.detected.values() for finding in those]
    found = {
        check.digest: checked.results[check.digest].findings
        for check in checks
        if check.digest in checked.results
    }
    if not any(found.values()) or reading.change is None:
        return tuple(own)
    before = [finding for result in checked.before.values() for finding in result.findings]
    lines = {check.digest: check.lines for check in checks}
    placed = on_changed_lines(reading.git, reading.change, found, lines, before)
    return (*own, *placed)


def _same_result(reading: Reading, old: str) -> bool:
    """Whether merging the older head would give the very tree that merging this one gives."""
    change = reading.change
    if change is None or change.result_tree is None:
        return False
    known = reading.git.status("cat-file", "-e", f"{old}^{{commit}}", ok=(0, 1, 128))[0] == 0
    return known and merge_tree(reading.git, change.base, old)[0] == change.result_tree


def _answered(heard: Heard, standing: Standing) -> Heard:
    """Answers that say where things stand get that sentence now that it is known."""
    sentence = comment.standing_sentence(standing)

    def complete(command: Command) -> Command:
        if (command.comment, command.index) not in heard.with_standing:
            return command
        return replace(command, answer=f"{command.answer} {sentence}".strip())

    return replace(
        heard,
        all=tuple(map(complete, heard.all)),
        decided=tuple(map(complete, heard.decided)),
    )
