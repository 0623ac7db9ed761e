"""Bar charts of the last runs as numbers for SVG: each has one measure, so that it needs no legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.ledger.history import SyncCounts
from dbt_drift.operations.status import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dbt_drift.binding.settings import RateLimit
    from dbt_drift.operations.report import Report

MOST_BARS = 60
WIDTH, HEIGHT = 300, 56
"""Of the SVG's own units."""

_GAP = 1
_LEAST_BARS = 20
"""The width of a bar has an end: so many fit, the latest at the right."""

_LEAST_HEIGHT = 2
"""A small number is still a bar; only 0 is none."""


class Bar(msgspec.Struct, frozen=True):
    """A rectangle, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Chart(msgspec.Struct, frozen=True):
    """A chart of one measure of one sync.

    Attributes:
        title: The measure.
        last: Its last value, in words.
        most: Its largest value, in words.
        is_trouble: Whether each bar is something that is wrong.
        bars: The runs, the latest last.
    """

    title: str
    last: str
    most: str
    is_trouble: bool
    bars: list[Bar]

    @property
    def summary(self) -> str:
        """The chart in a sentence, for those who do not see it."""
        return f"{self.title} in the last {len(self.bars)} runs: {self.last} in the last one, at most {self.most}"


class Point(msgspec.Struct, frozen=True):
    """A run of one sync."""

    run: RunStatus
    counts: SyncCounts

    @property
    def not_through(self) -> int:
        """The rows that did not get through."""
        return self.counts.rows_invalid + self.counts.rows_rejected + self.counts.rows_given_up

    @property
    def tags(self) -> int:
        """The tags that were set or taken away."""
        return self.counts.tags_added + self.counts.tags_removed


def points_of(report: Report, unique_id: str) -> list[Point]:
    """Return the last runs of a sync, the latest last."""
    found = [Point(run, counts) for run in report.ledger.runs for counts in run.syncs if counts.unique_id == unique_id]
    return found[:MOST_BARS][::-1]


def charts_of(points: Sequence[Point], quota: RateLimit) -> list[Chart]:
    """Return the charts of a sync; quota: what it may send."""

    def share(point: Point) -> float:
        return 100 * point.counts.requests / (quota.requests * max(1, point.counts.seconds / quota.seconds))

    charts = [
        _chart("Rows sent", points, lambda point: point.counts.rows_sent, "{:,.0f}"),
        _chart("Rows not through", points, lambda point: point.not_through, "{:,.0f}", is_trouble=True),
        _chart("Seconds", points, lambda point: point.counts.seconds, "{:,.1f}"),
        _chart("Requests", points, lambda point: point.counts.requests, "{:,.0f}"),
        _chart("Tags set or taken away", points, lambda point: point.tags, "{:,.0f}"),
    ]
    return [*charts, *([_chart("Share of the quota", points, share, "{:.0f}%")] if quota.requests else [])]


def _chart(
    title: str, points: Sequence[Point], measure: Callable[[Point], float], words: str, *, is_trouble: bool = False
) -> Chart:
    values = [measure(point) for point in points]
    most = max(values, default=0)
    step = WIDTH / max(len(points), _LEAST_BARS)
    bars = []
    for number, (point, value) in enumerate(zip(points, values, strict=True), start=-len(points)):
        height = max(_LEAST_HEIGHT, HEIGHT * value / most) if value else 0
        label = f"{point.run.started_at:%Y-%m-%d %H:%M}: {words.format(value)} ({point.counts.status})"
        bars.append(
            Bar(
                round(WIDTH + number * step, 2),
                round(HEIGHT - height, 2),
                round(step - _GAP, 2),
                round(height, 2),
                label,
            )
        )
    return Chart(title, words.format(values[-1]) if values else "none", words.format(most), is_trouble, bars)
