"""Figures, the bounds they are held to, and the command line that prints them as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """`limit` itself still holds. What is about correctness holds on any machine, however busy."""

    name: str
    value: float
    kind: Literal["at least", "at most"]
    limit: float
    about: Literal["speed", "correctness"] = "speed"

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.kind == "at least" else self.value <= self.limit

    def shape(self) -> Figures:
        return {
            "name": self.name,
            "value": rounded(self.value),
            "bound": f"{self.kind} {self.limit:g}",
            "about": self.about,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class Report:
    figures: Figures
    bounds: Sequence[Bound]


def at_least(name: str, value: float, limit: float) -> Bound:
    return Bound(name, value, "at least", limit)


def at_most(name: str, value: float, limit: float) -> Bound:
    return Bound(name, value, "at most", limit)


def none(name: str, count: int) -> Bound:
    return Bound(name, count, "at most", 0, "correctness")


def all_of(name: str, count: int, expected: int) -> Bound:
    return Bound(name, count, "at least", expected, "correctness")


def command(name: str, help: str | None, measure: Callable[[bool], Report]) -> click.Command:
    """The command line of one benchmark; `measure` is told whether to be quick."""

    @click.command(help=help)
    @click.option("--quick", is_flag=True, help="Small and short: shows that it works, not speed.")
    @click.option("--strict", is_flag=True, help="Exit 1 when a bound does not hold.")
    def run(quick: bool, strict: bool) -> None:
        report = measure(quick)
        holds = all(bound.holds for bound in report.bounds)
        found = {
            "benchmark": name,
            "quick": quick,
            "machine": machine(),
            "figures": rounded(report.figures),
            "bounds": [bound.shape() for bound in report.bounds],
            "holds": holds,
        }
        click.echo(json.dumps(found, indent=2))
        sys.exit(1 if strict and not holds else 0)

    return run


def machine() -> Figures:
    git = subprocess.run(["git", "--version"], capture_output=True, check=True, text=True)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "git": git.stdout.removeprefix("git version ").strip(),
        "sqlite": sqlite3.sqlite_version,
    }


def rounded(value: Any) -> Any:
    """Three significant digits; the rest is noise."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    if isinstance(value, float) and value and math.isfinite(value):
        digits = 2 - math.floor(math.log10(abs(value)))
        return round(value, digits) if digits > 0 else round(value)
    return value


# --- times ----------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(seconds: Sequence[float]) -> Figures:
    """In milliseconds."""
    return {
        "n": len(seconds),
        "p50_ms": percentile(seconds, 50) * 1000,
        "p95_ms": percentile(seconds, 95) * 1000,
        "p99_ms": percentile(seconds, 99) * 1000,
        "max_ms": max(seconds) * 1000,
    }


def ratio(ours: Sequence[float], bare: Sequence[float]) -> float:
    """The median of the pairs' own ratios: both of a pair met the machine in the same mood."""
    return statistics.median(a / b for a, b in zip(ours, bare, strict=True))
