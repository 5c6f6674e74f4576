"""Findings beside the diff: a Code Insights report and its annotations, within its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from intakebot.core.escape import visible
from intakebot.forges.api import Refused
from intakebot.forges.bitbucket_cloud.heads import UNKNOWN
from intakebot.forges.bitbucket_cloud.http import Api, reason
from intakebot.forges.bitbucket_cloud.statuses import key
from intakebot.model import Finding, Level, Pull, Report

A_REQUEST, A_REPORT = 100, 1_000  # annotations
SUMMARY, DETAILS = 450, 2_000  # characters
SEVERITY = {
    Level.REJECT: "CRITICAL",
    Level.ERROR: "HIGH",
    Level.WARNING: "MEDIUM",
    Level.NOTE: "LOW",
}


def put_report(api: Api, pull: Pull, places: Sequence[str], head: str, report: Report) -> None:
    """Raises Refused where neither the main repository nor the fork takes it for this head.

    The old one goes first: annotations can be added to and not taken away one by one.
    """
    if head == UNKNOWN:
        raise Refused("the head's full id is not known, so no report can be put beside it")
    said = []
    for place in places:
        path = f"{place}/commit/{head}/reports/{key(pull.number)}"
        api.ask("DELETE", path, accept=(403, 404))
        answer = api.ask("PUT", path, _report(report), accept=(403, 404))
        if answer.status not in (403, 404):
            for some in _requests(report.findings):
                api.ask("POST", f"{path}/annotations", some)
            return
        said.append(f"{answer.status} {reason(answer)}".rstrip())
    raise Refused(f"Bitbucket Cloud takes no report beside {head[:12]}: {'; '.join(said)}")


def _report(report: Report) -> Mapping[str, object]:
    return {
        "type": "report",
        "title": visible(report.title, SUMMARY),
        "details": _cut(report.details, DETAILS) or report.title,
        "report_type": "BUG",
        "reporter": "intakebot",
        "result": report.result.upper(),
        **({"link": report.url} if report.url else {}),
    }


def _requests(findings: Sequence[Finding]) -> Iterator[list[Mapping[str, object]]]:
    """The most important first, so that those are kept where there are too many."""
    order = list(SEVERITY)
    kept = sorted(findings, key=lambda one: order.index(one.level))[:A_REPORT]
    found = [_annotation(index, one) for index, one in enumerate(kept)]
    for start in range(0, len(found), A_REQUEST):
        yield found[start : start + A_REQUEST]


def _annotation(index: int, finding: Finding) -> Mapping[str, object]:
    serious = finding.level in (Level.REJECT, Level.ERROR)
    return {
        "type": "report_annotation",
        "external_id": f"intakebot-{index}",
        "annotation_type": "BUG" if serious else "CODE_SMELL",
        "severity": SEVERITY[finding.level],
        "summary": visible(f"{finding.rule}: {finding.message}", SUMMARY),
        "details": _cut(finding.message, DETAILS),
        **({"path": finding.path} if finding.path else {}),
        **({"line": finding.line} if finding.line else {}),
    }


def _cut(text: str, limit: int) -> str:
    """Lines stay lines; what can't be seen is written out."""
    lines = "\n".join(visible(line) for line in text.splitlines())
    return lines if len(lines) <= limit else f"{lines[: limit - 1]}…"
