"""Every sentence that the bot says on a pull request. Pure text: facts in, Markdown out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from intakebot.core import escape
from intakebot.core.asks import Asks, Void, listed
from intakebot.core.ladder import unsatisfied
from intakebot.model import (
    OVER,
    Command,
    Facts,
    Finding,
    InlineNote,
    Level,
    Push,
    Report,
    ReviewState,
    Standing,
    State,
    Status,
    Turn,
    Verdict,
    VerdictState,
)

OWN = "intakebot"  # the tool of what the detectors find, which their rules tell of
MOST_INLINE = 30
MOST_APART = 3  # comments for one rule in one file
MOST_ANSWERS = 20  # to one person on one pull request within an hour
HOUR = timedelta(hours=1)
MOST_LISTED = 10

# Whose turn it is, and the one next action. {author} is filled in.
ACTIONS: Mapping[State, str] = {
    State.LANDED: "This has landed. Thank you, {author}.",
    State.MERGED: "This is merged. Nobody needs to do anything.",
    State.CLOSED: "This is closed. Nobody needs to do anything.",
    State.REJECTED: "{author}, please send this again the way described below.",
    State.ON_HOLD: "On hold. A maintainer says `/unhold` when it may go on.",
    State.DRAFT: "{author}, mark it as ready when you want it looked at.",
    State.BLOCKED_BY_US: "This waits for us, not for you: something on our side is wrong.",
    State.NEEDS_OK_TO_TEST: "A maintainer looks first, and says `/ok-to-test`.",
    State.NEEDS_CHANGES: "{author}, please mend what is below and push; I look again by myself.",
    State.CHECKING: "The checks are running. Nobody needs to do anything.",
    State.NEEDS_REVIEW: "A reviewer's turn: read the change, then say `/approve`.",
    State.READY: "A maintainer's turn: say `/merge` to land it.",
    State.WAITING_FOR_WINDOW: "It lands when the maintenance window opens.",
    State.QUEUED: "It is being landed. Nobody needs to do anything.",
}

LET_US_IN = "{author}, please let me read your fork; I can't look at what I can't see."

STATUS_OF: Mapping[Turn, str] = {
    Turn.NOBODY: "nobody's turn",
    Turn.AUTHOR: "the author's turn",
    Turn.MAINTAINER: "a maintainer's turn",
    Turn.OPERATOR: "the operator's turn",
    Turn.REVIEWER: "a reviewer's turn",
    Turn.BOT: "the bot's turn",
    Turn.CLOCK: "waiting for the time",
}


def status_comment(
    facts: Facts,
    standing: Standing,
    verdicts: Sequence[Verdict],
    findings: Sequence[Finding],
    asks: Asks,
    failed: Mapping[str, str],
    closing_at: str = "",
    *,
    by_review: bool = False,
) -> str:
    """The one comment that is edited in place; its first line is whose turn it is.

    `failed` maps a check that failed or could not run to its one-sentence summary; `by_review`
    where the forge takes no mark on the commit, and the bot's own review says how it stands.
    """
    author = escape.text(facts.author_login)
    action = LET_US_IN if standing.turn is Turn.AUTHOR and facts.unreadable else None
    parts = [f"**{(action or ACTIONS[standing.state]).format(author=author)}**"]
    parts.append(escape.text(standing.why))
    if standing.state is State.LANDED:
        parts.append(_after_landing(facts))
    if standing.state is State.REJECTED and closing_at:
        parts.append(
            f"This is your first change here, so it stays open until {closing_at}; "
            "then I close it. Your commits stay yours."
        )
    if standing.state not in OVER:
        parts += [_rule(verdict) for verdict in unsatisfied(verdicts)]
        parts += _checks(failed)
        parts += _findings([one for one in findings if one.tool != OWN])
    if standing.state is State.NEEDS_REVIEW and asks.approvals:
        parts.append(f"Approved so far by {_people(asks.approvals.values())}.")
    if facts.first_pull and standing.state not in OVER:
        parts.append(_welcome(facts, author))
    if by_review:
        parts.append(
            "I can't mark this commit in your fork, so my own approval or request for changes "
            "says how it stands."
        )
    parts.append(_footer(facts, verdicts))
    return "\n\n".join(part for part in parts if part)


def _welcome(facts: Facts, author: str) -> str:
    """Once, to whoever is new here: the few rules of this repository, and how to go on."""
    if facts.author_group == "staff":
        return ""
    push = (
        f"git push {escape.shell(facts.fork_url)} "
        f"{escape.shell(f'HEAD:refs/heads/{facts.source_branch}')}"
    )
    reviews = f"{facts.approvals_needed} approval{'' if facts.approvals_needed == 1 else 's'}"
    more = f"\n\n```sh\n{push}\n```" if facts.from_fork and facts.fork_url else ""
    return (
        f"Welcome, {author}: this is your first pull request here. Changes come from a fork, say "
        f"in their title what they do, and have at most {facts.max_lines} lines in "
        f"{facts.max_files} files where they can; they land with {reviews} once all checks pass. "
        "Whatever you push to the same branch of your fork belongs to this pull request, and "
        f"`/help` in a comment lists what you can say.{more}"
    )


RULE_MARKS: Mapping[Level, str] = {Level.WARNING: "Worth a look: ", Level.NOTE: "Note: "}


def _rule(verdict: Verdict) -> str:
    title = f"{RULE_MARKS.get(verdict.level, '')}**{verdict.summary}**"
    return "\n\n".join(part for part in (title, verdict.text, verdict.fix) if part)


def _checks(failed: Mapping[str, str]) -> list[str]:
    lines = [f"- {escape.code(name)}: {escape.text(said)}" for name, said in failed.items()]
    return ["What the checks say:\n\n" + "\n".join(lines)] if lines else []


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    lines = [
        f"- {escape.code(finding.place)} {escape.text(finding.message)}"
        for finding in findings[:MOST_LISTED]
    ]
    if len(findings) > MOST_LISTED:
        lines.append(f"- and {len(findings) - MOST_LISTED} more, on the page")
    return ["On the lines you changed:\n\n" + "\n".join(lines)]


def _after_landing(facts: Facts) -> str:
    if not facts.from_fork:
        return ""
    commands = "\n".join(
        (
            f"git fetch {escape.shell(facts.main_url)} {escape.shell(facts.target_branch)}",
            f"git push {escape.shell(facts.fork_url)} "
            f"{escape.shell(f'FETCH_HEAD:refs/heads/{facts.target_branch}')}",
        )
    )
    return f"These two commands bring your fork up to date:\n\n```sh\n{commands}\n```"


def _footer(facts: Facts, verdicts: Sequence[Verdict]) -> str:
    held = sum(verdict.state is VerdictState.SATISFIED for verdict in verdicts)
    rules = f"{held} {'rule holds' if held == 1 else 'rules hold'}"
    return f"_Commit {facts.head[:12]} · {rules} · every detail: <{facts.page_url}>_"


def status_line(standing: Standing, url: str) -> Status:
    """The mark beside the commit, at most 140 characters."""
    match standing.state:
        case State.READY | State.QUEUED | State.LANDED | State.MERGED:
            state = "success"
        case State.REJECTED | State.NEEDS_CHANGES | State.CLOSED:
            state = "failure"
        case _:
            state = "pending"
    text = f"{standing.state.value}: {STATUS_OF[standing.turn]}"
    return Status(state, text[:140], url)  # type: ignore[arg-type]


def review_of(standing: Standing) -> ReviewState | None:
    """The bot's own review, where it has to stand for the mark beside the commit."""
    match standing.state:
        case State.READY | State.QUEUED | State.WAITING_FOR_WINDOW:
            return "approved"
        case State.REJECTED | State.NEEDS_CHANGES:
            return "changes_requested"
        case _:
            return None


def report_of(facts: Facts, findings: Sequence[Finding]) -> Report:
    """What the checks found, for forges that show it beside the diff."""
    failed = facts.checks_failed
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'} on changed lines."
    return Report(
        "failed" if failed else "passed",
        "intakebot",
        f"Failed: {', '.join(failed)}. {count}" if failed else count,
        facts.page_url,
        tuple(findings),
    )


def answers(commands: Iterable[Command]) -> dict[str, str]:
    """One reply for each comment that gave commands; what an edit added gets a reply of its own.

    Within reason: MOST_ANSWERS to one person within an hour.
    """
    grouped: dict[str, list[Command]] = {}
    for command in commands:
        edit = command.index // 100
        suffix = f":{edit}" if edit else ""
        grouped.setdefault(f"answer:{command.comment}{suffix}", []).append(command)
    return {
        key: "\n\n".join([*(_answer(command) for command in grouped[key]), *last])
        for key, last in _within_reason(grouped)
    }


def _within_reason(grouped: Mapping[str, Sequence[Command]]) -> Iterator[tuple[str, list[str]]]:
    """The answers that are given, and what the last one adds: two bots that answer each other
    would go on for ever. Commands that get no answer count all the same."""
    lately: dict[str, deque[datetime]] = {}
    for key, said in sorted(grouped.items(), key=lambda one: (one[1][0].at, one[1][0].seq)):
        by, at = said[0].by.id, said[0].at
        given = lately.setdefault(by, deque())
        while given and given[0] <= at - HOUR:
            given.popleft()
        if len(given) < MOST_ANSWERS:
            given.append(at)
            yield key, [ENOUGH] if len(given) == MOST_ANSWERS else []


ENOUGH = (
    f"That makes {MOST_ANSWERS} answers to you within an hour, so I say no more for a while. "
    "What you tell me counts all the same; the page shows what became of it."
)


def _answer(command: Command) -> str:
    to = escape.text(command.by.display)
    return f"{to}: {command.answer}"


def standing_sentence(standing: Standing) -> str:
    """For answers that say where things stand: state, turn, why."""
    return (
        f"It stands at *{standing.state.value}*, {STATUS_OF[standing.turn]}. "
        f"{escape.text(standing.why)}"
    )


def voided(asks: Asks) -> dict[str, str]:
    """Said once for each push, or change of target, that took approvals and merge requests away."""
    grouped: dict[int, list[Void]] = {}
    for void in asks.void:
        grouped.setdefault(void.by.seq, []).append(void)
    return {f"void:{seq}": _void(voids) for seq, voids in grouped.items()}


def _void(voids: Sequence[Void]) -> str:
    commands, by = [void.command for void in voids], voids[0].by
    approvals = [command for command in commands if command.name == "approve"]
    merges = [command for command in commands if command.name == "merge"]
    said = []
    if approvals:
        people = _people(approvals)
        said.append(f"approval{'s' if len(approvals) > 1 else ''} by {people}")
    if merges:
        said.append(f"`/merge` by {_people(merges)}")
    one = len(commands) == 1
    sentence = f"The {listed(said, 'and the')} {'was' if one else 'were'} for"
    heads = listed(dict.fromkeys(f"`{command.head[:12]}`" for command in commands), "and")
    if isinstance(by, Push):
        newer = f", `{by.head[:12]}`" if by.head else ""  # one that nobody saw has no id here
        reason = f"{sentence} {heads}; a newer commit was pushed{newer}"
    else:
        targets = listed(dict.fromkeys(escape.code(one.target) for one in commands), "and")
        reason = f"{sentence} merging into {targets}; it was turned to {escape.code(by.target)}"
    counts = "it no longer counts" if one else "they no longer count"
    return f"{reason}. So {counts}, and going back does not change that. Please look at it again."


def inline_notes(findings: Sequence[Finding]) -> dict[str, InlineNote]:
    """Findings as comments on their lines, the most important first, capped.

    Where one rule has much to say about one file, one comment says it for all of its lines.
    """
    notes: dict[str, InlineNote] = {}
    for first, *others in _grouped([one for one in findings if one.line and one.in_diff]):
        if len(notes) == MOST_INLINE:
            break
        key = f"finding:{first.fingerprint}"
        notes[key] = InlineNote(key, first.path, first.line, _note(first, others))
    return notes


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one rule in one file together where there are many, else each by itself."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        alike.setdefault((one.path, one.tool, one.rule or one.message), []).append(one)
    groups: list[list[Finding]] = []
    for one in findings:
        those = alike[one.path, one.tool, one.rule or one.message]
        if len(those) <= MOST_APART:
            groups.append([one])
        elif one is those[0]:
            groups.append(those)
    return groups


def _note(finding: Finding, others: Sequence[Finding]) -> str:
    rule = f" ({escape.code(finding.rule)})" if finding.rule else ""
    parts = [f"{escape.text(finding.message)}{rule}"]
    if others:
        lines = [str(one.line) for one in others[:MOST_LISTED]]
        more = len(others) - len(lines)
        told = f"{', '.join(lines)} and {more} more" if more else listed(lines, "and")
        parts.append(f"The same in this file on line{'' if len(others) == 1 else 's'} {told}.")
    if finding.patch:
        mend = escape.fence(finding.patch, "diff")
        parts.append(f"This mends it; `git apply` takes it:\n\n{mend}")
    return "\n\n".join(parts)


def _people(commands: Iterable[Command]) -> str:
    return listed((escape.text(command.by.display) for command in commands), "and")
