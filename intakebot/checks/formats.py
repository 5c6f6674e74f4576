"""The report formats: one module each, one line here.

`parse` gives the findings inside the tree, or raises BadReport; `summarise` says in one phrase
for the contributor what a failed check found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from intakebot.checks import junit, sarif
from intakebot.checks.reports import BadReport
from intakebot.model import Finding

__all__ = ["FORMATS", "SUMMARIES", "BadReport"]

FORMATS: Mapping[str, Callable[[bytes], tuple[Finding, ...]]] = {
    "sarif": sarif.parse,
    "junit": junit.parse,
}
SUMMARIES: Mapping[str, Callable[[bytes, Sequence[Finding]], str]] = {
    "sarif": sarif.summarise,
    "junit": junit.summarise,
}
