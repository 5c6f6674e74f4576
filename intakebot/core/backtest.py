"""Rules tried on the past: which decisions would have been others. Pure.

A decision is the first complete verdict on one commit of a pull request. Both sets of rules judge
the facts that were stored then, so what differs is the rules' doing and nobody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from intakebot.core.escape import visible
from intakebot.core.ladder import stand
from intakebot.core.rules import Rule, judge
from intakebot.model import Facts, State, Verdict, VerdictState

OURS = "staff"  # whoever belongs to no agency
NOBODYS = "outsiders"


@dataclass(frozen=True, slots=True)
class Past:
    """One decision of the past: what was known, when, and by which rules it was judged."""

    at: datetime
    facts: Facts
    rules_digest: str

    @property
    def agency(self) -> str:
        if self.facts.author_agency:
            return self.facts.author_agency
        return OURS if self.facts.author_group == "staff" else NOBODYS


@dataclass(frozen=True, slots=True)
class Change:
    """What one rule says now and would say: "passes", "is broken", or its level where it is not
    met."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`changes` by rule; `before` and `after` are where the pull request stands and would."""

    past: Past
    changes: tuple[Change, ...]
    before: State
    after: State


@dataclass(slots=True)
class Outcome:
    """`judged` decisions, by agency too; `otherwise` of them were judged by other rules than those
    in force now."""

    judged: int = 0
    otherwise: int = 0
    agencies: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def moved(self, state: State) -> tuple[list[Difference], list[Difference]]:
        """Those that would have come to stand there, and those that would no longer."""
        come = [one for one in self.differences if one.after is state is not one.before]
        gone = [one for one in self.differences if one.before is state is not one.after]
        return come, gone

    def by_rule(self) -> Mapping[str, Counter[str]]:
        """Rule -> "before → after" -> how often."""
        found: dict[str, Counter[str]] = {}
        for one in self.differences:
            for change in one.changes:
                said = f"{change.before} → {change.after}"
                found.setdefault(change.rule, Counter())[said] += 1
        return dict(sorted(found.items()))

    def by_agency(self) -> Mapping[str, int]:
        return dict(sorted(Counter(one.past.agency for one in self.differences).items()))


def backtest(
    past: Iterable[Past], now: Sequence[Rule], then: Sequence[Rule], digest: str
) -> Outcome:
    """`now` are the rules in force, `digest` names them; `then` are those to be tried."""
    digests = {rule.digest for rule in then}
    same = {rule.id: rule for rule in now if rule.digest in digests}
    only_now = [rule for rule in now if rule.id not in same]
    only_then = [rule for rule in then if rule.id not in same]
    outcome = Outcome()
    for one in past:
        outcome.judged += 1
        outcome.otherwise += one.rules_digest != digest
        outcome.agencies[one.agency] += 1
        before, after = _verdicts(only_now, one.facts), _verdicts(only_then, one.facts)
        changes = tuple(_changes(before, after))
        if changes:
            shared = list(_verdicts(list(same.values()), one.facts).values())
            stands = [stand(one.facts, [*shared, *own.values()]).state for own in (before, after)]
            outcome.differences.append(Difference(one, changes, *stands))
    return outcome


def _verdicts(rules: Sequence[Rule], facts: Facts) -> dict[str, Verdict]:
    return {rule.id: judge(rule, facts) for rule in rules}


def _changes(before: Mapping[str, Verdict], after: Mapping[str, Verdict]) -> Iterator[Change]:
    for rule in sorted({*before, *after}):
        was, would = _word(before.get(rule)), _word(after.get(rule))
        if was != would:
            yield Change(rule, was, would)


def _word(verdict: Verdict | None) -> str:
    """A rule that is met, does not apply or is not there decides nothing: all the same."""
    if verdict is not None and verdict.state is VerdictState.UNSATISFIED:
        return verdict.level.value
    return "is broken" if verdict and verdict.state is VerdictState.BROKEN else "passes"


def summary(outcome: Outcome) -> str:
    """One sentence: how many, and who would have been rejected or no longer been."""
    of = f"of the {outcome.judged} decision{'s' * (outcome.judged != 1)}"
    if not outcome.differences:
        return f"None {of} would differ."
    said = [f"{len(outcome.differences)} {of} would differ."]
    come, gone = outcome.moved(State.REJECTED)
    if come:
        said.append(f"It would have rejected {len(come)} more, {_whose(come)}.")
    if gone:
        said.append(f"It would not have rejected {len(gone)}, {_whose(gone)}.")
    return " ".join(said)


def _whose(some: Sequence[Difference]) -> str:
    counted = Counter(one.past.agency for one in some)
    if len(counted) == 1:
        return f"all from {visible(next(iter(counted)), 40)}"
    return ", ".join(f"{count} from {visible(name, 40)}" for name, count in counted.most_common())
