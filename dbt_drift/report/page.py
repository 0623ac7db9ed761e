"""Writes the report as HTML. The template escapes all that comes from outside."""

from __future__ import annotations

import base64
import hashlib
import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, StrictUndefined

from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped
from dbt_drift.operations.report import EXAMPLES, SyncReport
from dbt_drift.report.charts import HEIGHT, WIDTH, Chart, Point, charts_of, points_of
from dbt_drift.wording import counted

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from dbt_drift.operations.report import Report

MOST_RUNS = 20
"""The number of runs in a table; the charts have more."""

_HEALTH = {
    "success": ("good", "well"),
    "warn": ("warn", "rows did not get through"),
    "blocked": ("bad", "blocked"),
    "error": ("bad", "broke off"),
    "died": ("bad", "died"),
    "skipped": ("idle", "skipped"),
    "running": ("idle", "running"),
    "": ("idle", "no run among the last ones"),
}


class SyncView(msgspec.Struct, frozen=True):
    """What the template shows of a sync: the report's part, its runs (the latest last) and their charts."""

    report: SyncReport
    points: list[Point]
    charts: list[Chart]


def report_page(report: Report) -> str:
    """Return the report as one HTML document."""
    views = []
    for sync in report.syncs:
        points = points_of(report, sync.unique_id)
        views.append(SyncView(sync, points, charts_of(points, report.quota) if points else []))
    style = _file("report.css")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_printable, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(time=_time, counted=counted, health=_health)
    return environment.from_string(_file("page.html")).render(
        report=report,
        ledger=report.ledger,
        views=sorted(views, key=lambda view: (_health(view.report.status)[0] == "good", view.report.name)),
        troubled=[sync for sync in report.syncs if _health(sync.status)[0] in {"warn", "bad"}],
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{_hash(style)}'; base-uri 'none'; form-action 'none'",
        width=WIDTH,
        height=HEIGHT,
        examples=EXAMPLES,
        most_runs=MOST_RUNS,
    )


def write_page(path: Path, page: str) -> None:
    """Write the page in one step: whoever serves the file never sees half of it.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(page, encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", advice="Name another file with --file."
        ) from error


def _printable(value: Any) -> Any:
    """Let no text reorder or hide what stands beside it; what is HTML already stays as it is."""
    return escaped(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _health(status: str) -> tuple[str, str]:
    return _HEALTH.get(status, ("idle", status))


def _time(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def _file(name: str) -> str:
    return files("dbt_drift.report").joinpath(name).read_text("utf-8")


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
