"""Figures as SVG: drawn without scripts, told apart without colour, each beside a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from intakebot.core.metrics.agency import FEW, Numbers, shrunk
from intakebot.core.metrics.cohort import DEVIATIONS_95, DEVIATIONS_998, Cohort
from intakebot.core.metrics.kept import Kept
from intakebot.core.metrics.table import Submission
from intakebot.core.metrics.targets import Targets
from intakebot.report.build import Report
from intakebot.report.measures import Measure, shown, shown_range

WIDTH, LABELS, ROW = 640, 250, 26
RIGHT = 20
# How each kind of mark looks where no style sheet reaches: in a PDF, or cut out of the page.
LOOKS = {
    "grid": 'stroke="#bbb" stroke-width="0.5"',
    "range": 'stroke="#111" stroke-width="3"',
    "dot": 'fill="#fff" stroke="#111" stroke-width="2.5"',
    "cohort": 'stroke="#555" stroke-width="2" stroke-dasharray="6 3"',
    "band": 'fill="#ddd"',
    "curve": 'fill="none" stroke="#111" stroke-width="2.5"',
    "theirs": 'fill="#fff" stroke="#111" stroke-width="1.5"',
    "ours": 'fill="#111" stroke="#111" stroke-width="1.5"',
    "near": 'fill="none" stroke="#777"',
    "far": 'fill="none" stroke="#777" stroke-dasharray="2 3"',
}
WINDOW = 8  # submissions that the running share looks back on


@dataclass(frozen=True, slots=True)
class Point:
    """Of the learning curve: after `seq` submissions, over the last of them."""

    seq: int
    mean: float
    low: float
    high: float


def dots(measures: Sequence[Measure]) -> Markup:
    """A row for each share: a dot, its plausible range, and a tick where the cohort is."""
    rows = [
        one for one in measures if one.unit == "share" and one.value is not None and one.n >= FEW
    ]
    if not rows:
        return Markup("")
    height = ROW * len(rows) + 30
    parts = [_axis(height - 24)]
    for place, one in enumerate(rows):
        y = ROW * place + ROW // 2
        low, high = one.interval or (one.value or 0.0, one.value or 0.0)
        parts += [
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
                LABELS - 10, y + 4, one.title
            ),
            _line(_x(low), y, _x(high), y, "range"),
            Markup('<circle cx="{}" cy="{}" r="5" {}/>').format(
                _x(one.value or 0.0), y, _looks("dot")
            ),
        ]
        if one.cohort is not None:
            parts.append(_line(_x(one.cohort), y - 9, _x(one.cohort), y + 9, "cohort"))
    told = "; ".join(f"{one.title}: {shown(one)}, {shown_range(one)}" for one in rows)
    return _svg(height, f"Shares with their plausible ranges. {told}", parts)


def curve_of(rows: Sequence[Submission], cohort: Cohort, targets: Targets) -> list[Point]:
    """The share of the last submissions after each, drawn to the cohort's."""
    points = []
    for end in range(1, len(rows) + 1):
        some = rows[max(0, end - WINDOW) : end]
        passes = sum(one.first_pass for one in some)
        mean, (low, high), _, _ = shrunk(passes, len(some), cohort, targets)
        points.append(Point(end, mean, low, high))
    return points


def curve(points: Sequence[Point], cohort: Cohort) -> Markup:
    height, bottom = 240, 200
    last = max(2, points[-1].seq if points else 2)

    def x(seq: int) -> float:
        return round(50 + (WIDTH - 70) * (seq - 1) / (last - 1), 1)

    def y(value: float) -> float:
        return round(bottom - value * (bottom - 20), 1)

    upper = " ".join(f"{x(one.seq)},{y(one.high)}" for one in points)
    lower = " ".join(f"{x(one.seq)},{y(one.low)}" for one in reversed(points))
    middle = " ".join(f"{x(one.seq)},{y(one.mean)}" for one in points)
    parts = [
        *_grid(y, 50),
        Markup('<polygon points="{} {}" {}/>').format(upper, lower, _looks("band")),
        Markup('<polyline points="{}" {}/>').format(middle, _looks("curve")),
        _line(50, y(cohort.mean), WIDTH - RIGHT, y(cohort.mean), "cohort"),
        Markup('<text x="50" y="{}">submission 1</text>').format(bottom + 24),
        Markup('<text x="{}" y="{}" text-anchor="end">submission {}</text>').format(
            WIDTH - RIGHT, bottom + 24, last
        ),
    ]
    told = f"Share that passes at first check, over the last {WINDOW} submissions each time."
    return _svg(height, told, parts)


def funnel(report: Report, every: Sequence[tuple[str, Numbers]]) -> Markup:
    """Share against number: who lies outside the funnel differs by more than chance."""
    height, bottom = 300, 250
    most = max(10, *(of.n for _, of in every))

    def x(n: float) -> float:
        return round(50 + (WIDTH - 70) * n / (1.1 * most), 1)

    def y(value: float) -> float:
        return round(bottom - value * (bottom - 20), 1)

    steps = [1 + (1.1 * most - 1) * step / 60 for step in range(61)]
    parts: list[Markup] = [*_grid(y, 50)]
    for deviations, kind in ((DEVIATIONS_95, "near"), (DEVIATIONS_998, "far")):
        for side in (0, 1):
            ends = [(n, report.cohort.funnel(max(1, int(n)), deviations)[side]) for n in steps]
            line = " ".join(f"{x(n)},{y(end)}" for n, end in ends)
            parts.append(Markup('<polyline points="{}" {}/>').format(line, _looks(kind)))
    parts.append(_line(50, y(report.cohort.mean), WIDTH - RIGHT, y(report.cohort.mean), "cohort"))
    for name, of in every:
        at = x(of.n), y(of.passes / of.n)
        parts.append(Markup('<circle cx="{}" cy="{}" r="5" {}/>').format(*at, _looks("dot")))
        parts.append(
            Markup('<text x="{}" y="{}">{}</text>').format(at[0] + 8, at[1] + 4, name[:30])
        )
    parts.append(
        Markup('<text x="{}" y="{}" text-anchor="end">submissions: {}</text>').format(
            WIDTH - RIGHT, bottom + 24, most
        )
    )
    told = "; ".join(f"{name}: {of.passes} of {of.n}" for name, of in every)
    return _svg(height, f"First-check shares against number of submissions. {told}", parts)


def split(kept: Kept) -> Markup:
    """Whose turn it was while changes were open: a bar in two parts, told apart by a pattern."""
    whole = kept.theirs + kept.ours
    if whole < 1:
        return Markup("")
    edge = round(50 + (WIDTH - 70) * kept.theirs / whole, 1)
    parts = [
        _box(50, edge - 50, "theirs"),
        _box(edge, WIDTH - RIGHT - edge, "ours"),
        Markup('<text x="50" y="52">their turn: {} h</text>').format(f"{kept.theirs:.0f}"),
        Markup('<text x="{}" y="52" text-anchor="end">our turn: {} h</text>').format(
            WIDTH - RIGHT, f"{kept.ours:.0f}"
        ),
    ]
    told = f"Working hours: {kept.theirs:.0f} of theirs, {kept.ours:.0f} of ours"
    return _svg(60, told, parts)


def _box(x: float, width: float, kind: str) -> Markup:
    return Markup('<rect x="{}" y="8" width="{}" height="24" {}/>').format(
        x, round(max(0.0, width), 1), _looks(kind)
    )


def _x(share: float) -> float:
    return round(LABELS + (WIDTH - LABELS - RIGHT) * share, 1)


def _axis(bottom: int) -> Markup:
    parts = []
    for percent in (0, 25, 50, 75, 100):
        at = _x(percent / 100)
        parts.append(_line(at, 0, at, bottom, "grid"))
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{} %</text>').format(
                at, bottom + 18, percent
            )
        )
    return Markup("").join(parts)


def _grid(y: object, left: int) -> Iterator[Markup]:
    for percent in (0, 25, 50, 75, 100):
        at = y(percent / 100)  # type: ignore[operator]
        yield _line(left, at, WIDTH - RIGHT, at, "grid")
        yield Markup('<text x="{}" y="{}" text-anchor="end">{} %</text>').format(
            left - 6, at + 4, percent
        )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    place = Markup('x1="{}" y1="{}" x2="{}" y2="{}"').format(x1, y1, x2, y2)
    return Markup("<line {} {}/>").format(place, _looks(kind))


def _looks(kind: str) -> Markup:
    """A style sheet that knows the class wins over the attributes."""
    return Markup('class="{}" ').format(kind) + Markup(LOOKS[kind])  # noqa: S704 - our own words


def _svg(height: int, told: str, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg role="img" viewBox="0 0 {} {}" font-size="12" aria-label="{}">').format(
        WIDTH, height, escape(told)
    )
    return head + Markup("").join(parts) + Markup("</svg>")
