"""How the checks of one change stand: which it needs, what became of them, what is next. Pure.

A check that fails here and on the target too is not this change's doing. Where its report names
what is wrong and the target has all of it, nothing got worse and it counts as passed. Where nothing
names it, nobody can tell: then the target has to be mended first, and that is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from intakebot.core.paths import matching
from intakebot.model import ChangedFile, CheckDefinition, CheckResult, Finding, Outcome

GOOD = (Outcome.PASSED, Outcome.FLAKY, Outcome.ALREADY_BROKEN)
# Of a target that has no file for the check to look at.
NOTHING_THERE = CheckResult(Outcome.PASSED, "nothing to check")


@dataclass(frozen=True, slots=True)
class Task:
    """One check, and the tree that it gets: the whole one, or what is cut out of it."""

    check: CheckDefinition
    tree: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """`here` and `before` map a check's digest to its task, on what the change gives and on what
    the target has. `checks` are those that have one here: what each needs comes before it."""

    checks: tuple[CheckDefinition, ...] = ()
    here: Mapping[str, Task] = field(default_factory=dict)
    before: Mapping[str, Task] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """`results` are those that count, by the check's digest; one without has no say yet.

    `asked` are to be asked for now, some of them on the target's tree. `unclear` fail on the target
    too, and nothing tells whether they are worse here. `before` is what is known of the target.
    """

    results: Mapping[str, CheckResult] = field(default_factory=dict)
    before: Mapping[str, CheckResult] = field(default_factory=dict)
    asked: tuple[Task, ...] = ()
    unclear: tuple[CheckDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a page tells of one check. `outcome` is "" while it has no say yet."""

    name: str
    digest: str
    tree: str
    outcome: str
    summary: str


def needed(
    checks: Sequence[CheckDefinition], files: Iterable[ChangedFile]
) -> tuple[CheckDefinition, ...]:
    """Those that have something to say about a change of these files."""
    paths = [file.path for file in files]
    return tuple(check for check in checks if not check.when or matching(paths, check.when))


def without_optional(checks: Sequence[CheckDefinition]) -> tuple[CheckDefinition, ...]:
    """The required ones and what they need, in the order given."""
    by_name = {check.name: check for check in checks}
    waiting = [check.name for check in checks if check.required]
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in kept:
            kept.add(name)
            waiting += by_name[name].needs
    return tuple(check for check in checks if check.name in kept)


def check_all(
    tasks: Tasks, here: Mapping[str, CheckResult], before: Mapping[str, CheckResult]
) -> Checked:
    """`here` and `before` map digests to the results that there are.

    What the target gives is asked for where a check fails here, and not before.
    """
    results: dict[str, CheckResult] = {}
    asked: list[Task] = []
    names = {check.name: check for check in tasks.checks}
    for check in tasks.checks:
        needs = [names[name] for name in check.needs if name in names]
        if any(need.digest not in results for need in needs):
            continue
        bad = [need for need in needs if results[need.digest].outcome not in GOOD]
        found = here.get(check.digest)
        if bad:
            results[check.digest] = _not_started(bad[0], results[bad[0].digest])
        elif found is None:
            asked.append(tasks.here[check.digest])
        elif found.outcome is not Outcome.FAILED:
            results[check.digest] = found
        elif check.digest not in tasks.before:
            results[check.digest] = against(found, NOTHING_THERE)
        elif check.digest not in before:
            asked.append(tasks.before[check.digest])
        else:
            results[check.digest] = against(found, before[check.digest])
    unclear = [
        check
        for check in tasks.checks
        if check.digest in results and is_unclear(results[check.digest])
    ]
    return Checked(results, before, tuple(asked), tuple(unclear))


def told(tasks: Tasks, checked: Checked) -> tuple[Told, ...]:
    return tuple(
        Told(
            check.name,
            check.digest,
            tasks.here[check.digest].tree,
            checked.results[check.digest].outcome.value if check.digest in checked.results else "",
            checked.results[check.digest].summary if check.digest in checked.results else "",
        )
        for check in tasks.checks
    )


def is_unclear(result: CheckResult) -> bool:
    return result.outcome is Outcome.ALREADY_BROKEN and not result.findings


def against(here: CheckResult, before: CheckResult) -> CheckResult:
    """The result as the change has to answer for it, where the target gives `before`."""
    if here.outcome is not Outcome.FAILED or before.outcome is not Outcome.FAILED:
        return here
    if not here.findings:
        why = f"{here.summary}; it fails on the target too"
        return replace(here, outcome=Outcome.ALREADY_BROKEN, summary=why)
    new = worse(here.findings, before.findings)
    if not new:
        why = f"{here.summary}; the target has all of it already"
        return replace(here, outcome=Outcome.ALREADY_BROKEN, summary=why)
    old = len(here.findings) - new
    known = f"; {old} of {len(here.findings)} are on the target already" if old else ""
    return replace(here, summary=f"{here.summary}{known}")


def worse(here: Sequence[Finding], before: Sequence[Finding]) -> int:
    """How many findings there are more than before, counted by file and rule.

    Lines move and messages quote what changes from run to run; the name of a test or a rule stays.
    """
    more = Counter((one.path, one.rule) for one in here)
    more.subtract(Counter((one.path, one.rule) for one in before))
    return sum(count for count in more.values() if count > 0)


def _not_started(need: CheckDefinition, result: CheckResult) -> CheckResult:
    """Whose fault it is, is that of the one that it needs."""
    outcome = Outcome.BROKEN if result.outcome is Outcome.BROKEN else Outcome.FAILED
    return CheckResult(outcome, f"did not start, since {need.name} did not pass")
