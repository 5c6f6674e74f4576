"""What a look may have found, for the tests of pages and API."""

from __future__ import annotations

from intakebot.model import CheckResult, Facts, Finding, Level, Outcome, Verdict, VerdictState


def some_facts(number: int, title: str, base: str, head: str) -> Facts:
    return Facts(
        repo="site",
        number=number,
        title=title,
        description="",
        draft=False,
        author_login="ada",
        author_group="agency",
        author_agency="north",
        first_time=False,
        from_fork=True,
        origin_known=True,
        source_branch="banner",
        target_branch="main",
        intake_branch="main",
        head=head,
        base=base,
        fork_url="",
        main_url="",
        pull_url="",
        commits=1,
        files_changed=1,
        added_lines=1,
        removed_lines=0,
        max_lines=500,
        max_files=50,
        binary_files=0,
        conflict_files=[],
        conflict_markers=[],
        protected_changed=[],
        config_editor=False,
        checks_failed=[],
        checks_pending=[],
        checks_broken=[],
        finding_count=0,
        approvals=0,
        approvals_needed=1,
        changes_requested_by=[],
        held_by=[],
        cleared_to_test=True,
        merge_asked_by="",
        blocked_by_us=[],
        state="open",
        landed="",
        landing_failed="",
        paths=["greet.py"],
    )


def finding(message: str = "print is left over", path: str = "greet.py", line: int = 2) -> Finding:
    return Finding(path, line, Level.ERROR, "T201", message, "ruff")


def verdict(
    rule: str, state: VerdictState, summary: str = "Checks pass", text: str = "", fix: str = ""
) -> Verdict:
    return Verdict(rule, "d", Level.ERROR, state, summary, text=text, fix=fix)


def passed(name: str = "tests") -> CheckResult:
    return CheckResult(Outcome.PASSED, f"{name} passed", log="12 passed", seconds=1.5)
