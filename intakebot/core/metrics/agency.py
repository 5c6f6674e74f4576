"""The numbers of one agency, or of one person, and the advice that follows from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intakebot.core.metrics import numbers
from intakebot.core.metrics.cohort import DEVIATIONS_95, DEVIATIONS_998, Cohort
from intakebot.core.metrics.kept import Kept, Trespasses, kept_of
from intakebot.core.metrics.learning import Learning, learning_of
from intakebot.core.metrics.numbers import Interval
from intakebot.core.metrics.table import LARGE, Submission
from intakebot.core.metrics.targets import Targets

LAST = 10  # submissions that "ready" looks back on
FEW, ENOUGH = 5, 10  # submissions: no verdict below the first, every verdict from the second on
LIKELY = 0.80
LEAK = "no-secrets"  # the kind that must not come back after having been told of


@dataclass(frozen=True, slots=True)
class Relapse:
    """How often somebody who was told of a kind showed it again, of how many chances."""

    again: int
    chances: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of one agency's submissions, in the order of their sequence. Shares are None where nothing
    was counted. `lint` is findings on a thousand changed lines."""

    n: int
    passes: int
    merged: int
    declined: int
    reverted: int
    forks: int
    forks_of_last: tuple[int, int]
    changed_lines: int
    large: int
    test_failures: int
    lint_findings: int
    lint_clustered: Interval | None
    kinds: Mapping[str, int]
    relapse: Relapse
    relapse_by_kind: Mapping[str, Relapse]
    rounds_median: float | None
    rounds_p90: float | None
    fix_median: float | None
    fixes: int
    fixes_censored: int
    early: tuple[int, int]
    late: tuple[int, int]
    improving: float
    learning: Learning | None  # None below so many submissions that it could be told
    expected: float
    adjusted: float | None  # the share with its mix of repositories and sizes taken out
    funnel_95: Interval
    funnel_998: Interval
    mean: float
    interval: Interval
    p_ready: float
    p_risk: float
    verdict: str
    without_kind: Mapping[str, int]  # how many points the share would gain without a kind
    young: int  # merged ones that may still be taken back: no part of `reverted` and what it is of
    trespasses: Trespasses
    kept: Kept | None  # None where a table was given

    @property
    def ways(self) -> int:
        """In how many ways something came: as a submission, or round the pull requests."""
        return self.n + self.trespasses.total


NONE = Trespasses()


def numbers_of(
    rows: Sequence[Submission], cohort: Cohort, targets: Targets, trespasses: Trespasses = NONE
) -> Numbers:
    """`rows` are not empty and in order (`table.in_order`)."""
    n, passes = len(rows), sum(one.first_pass for one in rows)
    mean, interval, p_ready, p_risk = shrunk(passes, n, cohort, targets)
    merged = [one for one in rows if one.state == "merged"]
    half = n // 2
    early = (sum(one.first_pass for one in rows[:half]), half)
    late = (sum(one.first_pass for one in rows[half:]), n - half)
    rounds = [one.rounds for one in merged]
    fixes = [(one.first_fix_h, one.fix_censored) for one in rows if one.first_fix_h is not None]
    last = rows[-LAST:]
    forks = (sum(one.from_fork for one in last), len(last))
    old = [one for one in merged if one.seen is None or not one.seen.young]
    reverted = sum(one.reverted for one in old)
    by_kind, expected = relapses(rows), cohort.expected(rows)
    return Numbers(
        n=n,
        passes=passes,
        merged=len(merged),
        declined=sum(one.state == "declined" for one in rows),
        reverted=reverted,
        forks=sum(one.from_fork for one in rows),
        forks_of_last=forks,
        changed_lines=sum(one.changed_lines for one in rows),
        large=sum(one.changed_lines > LARGE for one in rows),
        test_failures=sum(one.new_test_failures for one in rows),
        lint_findings=sum(one.lint_findings for one in rows),
        lint_clustered=_lint(rows),
        kinds=dict(sorted(Counter(kind for one in rows for kind in one.violations).items())),
        relapse=_together(by_kind.values()),
        relapse_by_kind=by_kind,
        rounds_median=numbers.percentile(rounds, 50),
        rounds_p90=numbers.percentile(rounds, 90),
        fix_median=numbers.survival_median(fixes),
        fixes=len(fixes),
        fixes_censored=sum(censored for _, censored in fixes),
        early=early,
        late=late,
        improving=numbers.improving(*early, *late),
        learning=learning_of(rows),
        expected=expected,
        adjusted=min(1.0, passes / expected * cohort.mean) if expected else None,
        funnel_95=cohort.funnel(n, DEVIATIONS_95),
        funnel_998=cohort.funnel(n, DEVIATIONS_998),
        mean=mean,
        interval=interval,
        p_ready=p_ready,
        p_risk=p_risk,
        verdict=verdict(
            *(n, p_ready, p_risk, forks, (reverted, len(old)), cohort, trespasses),
            leaked=LEAK in by_kind and by_kind[LEAK].again > 0,
        ),
        without_kind=_gains(rows),
        young=len(merged) - len(old),
        trespasses=trespasses,
        kept=kept_of(rows),
    )


def shrunk(
    passes: int, n: int, cohort: Cohort, targets: Targets
) -> tuple[float, Interval, float, float]:
    """The share that passes at first, drawn to the cohort's: the fewer submissions, the more."""
    a = cohort.prior * cohort.worth + passes
    b = (1 - cohort.prior) * cohort.worth + n - passes
    return numbers.posterior(a, b, targets.ready, targets.risk)


def verdict(
    n: int,
    p_ready: float,
    p_risk: float,
    forks_of_last: tuple[int, int],
    reverted: tuple[int, int],
    cohort: Cohort,
    trespasses: Trespasses = NONE,
    *,
    leaked: bool = False,
) -> str:
    """Advice, for somebody to decide on. `leaked`: a secret again, after having been told."""
    if trespasses.risky or leaked:
        return "at risk"
    if n < FEW:
        return "not enough evidence"
    if p_risk >= LIKELY:
        return "at risk"
    all_forks = forks_of_last[0] == forks_of_last[1] and not trespasses.in_last
    few_reverts = numbers.wilson(*reverted)[0] <= cohort.reverted
    if n >= ENOUGH and p_ready >= LIKELY and all_forks and few_reverts:
        return "ready"
    return "coaching"


def relapses(rows: Iterable[Submission]) -> dict[str, Relapse]:
    """Kind -> how often a person showed it again after having been told of it."""
    told: dict[str, set[str]] = defaultdict(set)
    again: Counter[str] = Counter()
    chances: Counter[str] = Counter()
    for one in rows:
        for kind in told[one.person]:
            chances[kind] += 1
            again[kind] += kind in one.violations
        told[one.person].update(one.violations)
    return {kind: Relapse(again[kind], chances[kind]) for kind in sorted(chances)}


def _together(found: Iterable[Relapse]) -> Relapse:
    counts = [(one.again, one.chances) for one in found]
    return Relapse(sum(again for again, _ in counts), sum(chances for _, chances in counts))


def _lint(rows: Sequence[Submission]) -> Interval | None:
    found = numbers.clustered(
        [one.lint_findings for one in rows], [one.changed_lines for one in rows]
    )
    return None if found is None else (1000 * found[0], 1000 * found[1])


def _gains(rows: Sequence[Submission]) -> dict[str, int]:
    """Kind -> points that the share of first passes would gain if nobody showed it."""
    only = Counter(
        one.violations[0] for one in rows if not one.first_pass and len(one.violations) == 1
    )
    return {kind: round(100 * count / len(rows)) for kind, count in sorted(only.items())}


def shape(of: Numbers) -> dict[str, Any]:
    """For `report.json`, under the names that the golden table has, to four places."""
    kilo = of.changed_lines / 1000
    closed = of.merged + of.declined
    low, high = numbers.garwood(of.lint_findings, kilo)
    ratio = of.passes / of.expected if of.expected else None
    return {
        "submissions": of.n,
        "first_pass": of.passes,
        "first_pass_rate": _4(of.passes / of.n),
        "wilson95": _pair(numbers.wilson(of.passes, of.n)),
        "jeffreys95": _pair(numbers.jeffreys(of.passes, of.n)),
        "eb_mean": _4(of.mean),
        "eb95": _pair(of.interval),
        "p_ge_ready": _4(of.p_ready),
        "p_lt_risk": _4(of.p_risk),
        "verdict": of.verdict,
        "acceptance_closed": _4(of.merged / closed) if closed else None,
        "acceptance_wilson95": _pair(numbers.wilson(of.merged, closed)),
        "rounds_median": _4(of.rounds_median),
        "rounds_p90": _4(of.rounds_p90),
        "time_to_first_fix_h_km_median": _4(of.fix_median),
        "fixes_censored": of.fixes_censored,
        "violations": sum(of.kinds.values()),
        "relapse": [of.relapse.again, of.relapse.chances],
        "relapse_wilson95": _pair(numbers.wilson(of.relapse.again, of.relapse.chances)),
        "repeat_rate": _4(_share(of.relapse.again, sum(of.kinds.values()))),
        "lint_per_kloc": round(of.lint_findings / kilo, 3) if kilo else None,
        "lint_per_kloc_95": [round(low, 3), round(high, 3)] if kilo else None,
        "lint_per_kloc_cluster95": _pair(of.lint_clustered, 3),
        "changed_lines": of.changed_lines,
        "size_over_300": _4(of.large / of.n),
        "new_test_failure_rate": _4(of.test_failures / of.n),
        "reverted": of.reverted,
        "revert_rate_wilson95": _pair(numbers.wilson(of.reverted, of.merged - of.young)),
        "fork_compliance": _4(of.forks / of.ways),
        "fork_wilson95": _pair(numbers.wilson(of.forks, of.ways)),
        "early_half": list(of.early),
        "late_half": list(of.late),
        "p_improving": round(of.improving, 2),  # by halves: more places would pretend
        "expected_first_pass_for_mix": _4(of.expected),
        "mix_ratio_O_over_E": _4(ratio),
        "mix_adjusted_rate": _4(of.adjusted),
        "funnel95": _pair(of.funnel_95),
        "funnel998": _pair(of.funnel_998),
        "outside_funnel998": not of.funnel_998[0] <= of.passes / of.n <= of.funnel_998[1],
        **(_learning(of.learning) if of.learning else {}),
        **(_kept(of, of.kept) if of.kept else {}),
    }


def _kept(of: Numbers, kept: Kept) -> dict[str, Any]:
    """What only the house's own record can tell."""
    waits = {
        "answer": kept.answers, "our_first_verdict": kept.verdicts, "our_first_review": kept.reviews
    }  # fmt: skip
    return {
        **{f"{name}_h_km_median": _4(wait.median) for name, wait in waits.items()},
        **{f"{name}s": wait.n for name, wait in waits.items()},
        **{f"{name}s_censored": wait.censored for name, wait in waits.items()},
        "answered_in_a_day": list(kept.quick),
        "answered_in_a_day_wilson95": _pair(numbers.wilson(*kept.quick)),
        "tests_with_code": list(kept.tests),
        "tests_with_code_wilson95": _pair(numbers.wilson(*kept.tests)),
        "described": list(kept.described),
        "described_wilson95": _pair(numbers.wilson(*kept.described)),
        "switched_checks_off": list(kept.silenced),
        "switched_checks_off_wilson95": _pair(numbers.wilson(*kept.silenced)),
        "went_stale": list(kept.stale),
        "went_stale_wilson95": _pair(numbers.wilson(*kept.stale)),
        "reviewers_opinion_median": _4(kept.opinion),
        "reviewers_opinions": kept.opinions,
        "days_with_many_for_one_ticket": kept.split,
        "talk_per_100_lines": _4(kept.talk),
        "talk_per_100_lines_cluster95": _pair(kept.talk_clustered),
        "hours_theirs": _4(kept.theirs),
        "hours_ours": _4(kept.ours),
        "merged_lately": of.young,
        "incidents": of.trespasses.total,
        "incidents_after_notice": of.trespasses.after_notice,
        "incidents_by_kind": dict(of.trespasses.kinds or {}),
        "incidents_per_submission_95": _pair(of.trespasses.rate),
        "findings_by_month": {month: dict(kinds) for month, kinds in kept.months.items()},
        "submissions_by_month": dict(kept.sent),
    }


def _learning(found: Learning) -> dict[str, Any]:
    """Odds run over orders of magnitude, so they get two places."""
    low, high = found.interval
    return {
        "learning_odds_per_doubling": round(found.odds, 2),
        "learning_odds95": [round(low, 2), round(high, 2)],
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _4(value: float | None) -> float | None:
    return None if value is None else round(value, 4) + 0.0


def _pair(interval: Interval | None, places: int = 4) -> list[float] | None:
    return None if interval is None else [round(end, places) + 0.0 for end in interval]
