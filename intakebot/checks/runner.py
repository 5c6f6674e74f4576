"""Run one check of the trusted configuration and say what came of it.

The exit status decides; a report only explains. What is the contributor's to mend is FAILED,
what is ours or the configuration's is BROKEN.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intakebot.checks import formats
from intakebot.checks.box import FLOOD, Tree
from intakebot.checks.formats.reports import BadReport, plain
from intakebot.checks.limits import (
    MIB,
    REPORT_BYTES,
    ROOMY_DISK,
    ROOMY_INODES,
    HeadAndTail,
    Limits,
    Ran,
)
from intakebot.checks.sandbox import Sandbox, always
from intakebot.checks.tools import SEARCHED
from intakebot.model import CheckDefinition, CheckResult, Finding, OperatorError, Outcome

LOG_BYTES = 64 << 10
# What the launcher ends with when it could not start the command (as shells do).
NOT_STARTED = {126: "cannot be run", 127: "was not found"}
CPU_TIME_OVER = 128 + 24  # SIGXCPU
NO_TOOL = (
    "the tool {tool!r} is not installed here; `intakebot tools install` brings those of the "
    "presets, others come with the machine"
)


def run_check(
    definition: CheckDefinition,
    tree: Tree,
    sandbox: Sandbox,
    *,
    toolbox: Path | None,
    keep_alive: Callable[[], bool] = always,
) -> CheckResult | None:
    """Run it, and when it fails as often again as it says: one that passes then is flaky.

    None when it was cancelled. What `tree` raises is passed on.
    """
    if lacking := missing_tools(definition.tools, toolbox):
        return CheckResult(Outcome.BROKEN, NO_TOOL.format(tool=lacking[0]))
    tries: list[_Try] = []
    while len(tries) <= definition.retries:
        tried = _run(definition, tree, sandbox, toolbox, keep_alive)
        if tried is None:
            return None
        tries.append(tried)
        if tried.result.outcome is not Outcome.FAILED or tried.stopped:
            break
    return _together([tried.result for tried in tries])


@dataclass(frozen=True, slots=True)
class _Try:
    """`stopped` where a limit ended it: once more would take as long and tell nothing."""

    result: CheckResult
    stopped: bool


def _together(results: Sequence[CheckResult]) -> CheckResult:
    """All but the last have failed; what the first one printed is what somebody has to see."""
    first, last = results[0], results[-1]
    seconds = sum(result.seconds for result in results)
    if len(results) > 1 and last.outcome is Outcome.PASSED:
        why = f"failed, then passed on the same files ({first.summary})"
        return CheckResult(Outcome.FLAKY, why, last.findings, first.log, seconds)
    return replace(first, seconds=seconds)


def _run(
    definition: CheckDefinition,
    tree: Tree,
    sandbox: Sandbox,
    toolbox: Path | None,
    keep_alive: Callable[[], bool],
) -> _Try | None:
    limits = limits_of(definition)
    wanted = () if definition.parse == "none" else (definition.report,)
    try:
        ran = sandbox.run(
            definition.run,
            tree=tree,
            reports=wanted,
            limits=limits,
            tools=toolbox,
            env=dict(definition.env),
            keep_alive=keep_alive,
        )
    except OperatorError as error:
        return _Try(CheckResult(Outcome.BROKEN, str(error)), stopped=True)
    if ran.stopped == "cancelled":
        return None
    outcome, summary, findings = judge(definition, ran, limits)
    result = CheckResult(outcome, summary, findings, log_of(ran), ran.seconds)
    return _Try(result, stopped=ran.status is None)


def missing_tools(names: Sequence[str], toolbox: Path | None) -> list[str]:
    """Those that are neither in the toolbox nor on the machine."""
    folders = [*([toolbox / "bin"] if toolbox else []), *SEARCHED]
    return [name for name in names if not any((folder / name).is_file() for folder in folders)]


def limits_of(definition: CheckDefinition) -> Limits:
    """Threads may use every core for as long as the check may take. What was prepared for it lies
    in the box beside its tree."""
    limits = Limits(
        wall=definition.timeout,
        memory=definition.memory,
        cpu=definition.timeout * (os.cpu_count() or 1),
        tree=definition.disk,
    )
    if not definition.prepare:
        return limits
    return replace(limits, disk=ROOMY_DISK, inodes=ROOMY_INODES)


def judge(
    definition: CheckDefinition, ran: Ran, limits: Limits
) -> tuple[Outcome, str, tuple[Finding, ...]]:
    if ran.status is None:
        return Outcome.FAILED, why_stopped(ran, limits), ()
    if ran.status in NOT_STARTED:
        command = definition.run[0]
        return Outcome.BROKEN, f"the command {command!r} {NOT_STARTED[ran.status]}", ()
    if definition.parse == "none":
        return plainly(ran.status, limits)
    report = ran.reports.get(definition.report)
    if report is None:
        return without_report(definition, ran.status)
    try:
        if len(report) > REPORT_BYTES:
            raise BadReport(f"larger than {REPORT_BYTES // MIB} MiB", report)
        findings = formats.parser(definition.parse, definition.pattern)(report)
    except BadReport as error:
        return Outcome.BROKEN, f"the report {definition.report!r} is unreadable: {error}", ()
    if ran.status == 0:
        noted = f" with {len(findings)} findings noted" if findings else ""
        return Outcome.PASSED, f"passed{noted}", findings
    if not findings:
        return plainly(ran.status, limits)
    return Outcome.FAILED, formats.summarise(definition.parse, report, findings), findings


def why_stopped(ran: Ran, limits: Limits) -> str:
    return {
        "time": f"stopped after {limits.wall:g} s",
        "memory": f"stopped: it used more than {limits.memory // MIB} MiB of memory",
        "output": f"stopped: it printed more than {FLOOD * limits.output // MIB} MiB",
    }[ran.stopped]


def plainly(status: int, limits: Limits) -> tuple[Outcome, str, tuple[Finding, ...]]:
    if status == 0:
        return Outcome.PASSED, "passed", ()
    if status == CPU_TIME_OVER:
        return Outcome.FAILED, f"stopped after {limits.cpu} s of processor time", ()
    return Outcome.FAILED, f"failed with exit status {status}", ()


def without_report(
    definition: CheckDefinition, status: int
) -> tuple[Outcome, str, tuple[Finding, ...]]:
    if status == 0:
        why = f"passed, but its report {definition.report!r} was not written, so it proves nothing"
        return Outcome.BROKEN, why, ()
    return Outcome.FAILED, f"failed with exit status {status}; its report was not written", ()


def log_of(ran: Ran) -> str:
    kept = HeadAndTail(LOG_BYTES)
    kept.add(plain(ran.output.decode(errors="replace")).encode())
    return kept.value().decode(errors="replace")
