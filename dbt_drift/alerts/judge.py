"""Judges a run: what is wrong now, and of which incidents the run can say that they are over."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Protocol

import msgspec

from dbt_drift.alerts.incident import Incident, Kind, code_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dbt_drift.binding.settings import Alerts
    from dbt_drift.delivery.results import SyncResult

LAST_RUNS = 20
"""The number of earlier successful runs whose median counts as usual."""

ENOUGH_RUNS = 5
"""The number of them from which on it does."""

LEAST_SECONDS = 60.0
LEAST_ROWS = 100
"""What a difference has to be besides the factor: a sync of two seconds may take twelve."""

_MOST_REASONS = 5

_STARTED: tuple[str, Kind] = ("", "not_started")
_ALL: tuple[Kind, ...] = ("failed", "held_back", "empty", "rejected", "stale", "slow", "volume")
_DECIDED: dict[str, tuple[Kind, ...]] = {
    "success": _ALL,
    "warn": _ALL,
    # A sync that was not sent says nothing of Drift, one that broke off nothing of its rows.
    "blocked": ("held_back", "empty", "stale"),
    "error": ("failed", "stale"),
    "skipped": ("stale",),
}


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What the history says of one sync.

    Attributes:
        runs: How many of the last successful runs are counted, the one that is judged left out.
        read: The median of the rows that they read.
        sent: The median of the rows that they sent.
        seconds: The median of their duration.
        succeeded_at: The end of the last successful run, the one that is judged included; None if there was none.
        first_at: The end of the first run, in UTC as the others.
        now: The warehouse's clock.
    """

    runs: int
    read: float
    sent: float
    seconds: float
    succeeded_at: dt.datetime | None
    first_at: dt.datetime
    now: dt.datetime

    @property
    def hours(self) -> float:
        """Hours since a run succeeded, or since the first one if none did."""
        return (self.now - (self.succeeded_at or self.first_at)).total_seconds() / 3600


class Judgement(msgspec.Struct, frozen=True):
    """What is wrong now, and for which incidents that decides whether they are open."""

    found: list[Incident]
    decided: frozenset[tuple[str, Kind]]


def judge_run(results: Sequence[SyncResult], usual: Mapping[str, Usual], settings: Alerts) -> Judgement:
    """Judge a run by its results and by the history.

    Args:
        results: The results of its syncs.
        usual: The history of each sync, by its unique id.
        settings: What counts as wrong.
    """
    found = [incident for result in results for incident in _of_result(result, usual.get(result.unique_id), settings)]
    decided = {(result.unique_id, kind) for result in results for kind in _DECIDED[result.status]}
    return Judgement(found, frozenset({*decided, _STARTED}))


def judge_start(kind: str) -> Judgement:
    """Judge a run that could not start; kind: that of its error."""
    return Judgement([Incident(unique_id="", name="", kind="not_started", cause=kind)], frozenset({_STARTED}))


def judge_age(names: Mapping[str, str], usual: Mapping[str, Usual], hours: float) -> Judgement:
    """Judge by the history alone whether syncs have not succeeded for so many hours; names: of the models, by id."""
    stale = [_stale(key, names[key], one) for key, one in usual.items() if one.hours > hours]
    return Judgement(stale, frozenset((key, "stale") for key in usual))


def _of_result(result: SyncResult, usual: Usual | None, settings: Alerts) -> Iterator[Incident]:
    def incident(kind: Kind, counts: Mapping[str, float], cause: str = "") -> Incident:
        return Incident(unique_id=result.unique_id, name=result.name, kind=kind, cause=cause, counts=dict(counts))

    rows = result.rows
    if result.status == "error":
        yield incident("failed", {"rows sent": rows.sent, "rows read": rows.read}, result.cause)
    elif result.status == "blocked":
        is_model = result.cause in {"empty", "shrunken"}
        yield incident("empty" if is_model else "held_back", {"rows read": rows.read}, result.cause)
    elif result.status != "skipped":
        if result.status == "warn" and (failed := sum(result.reasons.values())) >= settings.rejected:
            reasons = Counter[str]()
            for reason, count in result.reasons.items():
                reasons[code_of(reason)] += count
            yield incident("rejected", {"rows": failed, **dict(reasons.most_common(_MOST_REASONS))})
        if usual is not None and usual.runs >= ENOUGH_RUNS:
            yield from _unusual(result, usual, settings.factor, incident)
    if usual is not None and settings.hours is not None and usual.hours > settings.hours:
        yield _stale(result.unique_id, result.name, usual)


def _unusual(result: SyncResult, usual: Usual, factor: float, incident: _Maker) -> Iterator[Incident]:
    rows = result.rows
    if not rows.read and usual.read:
        yield incident("empty", {"rows read": 0, "usually": usual.read}, "empty")
    elif _is_far(rows.read, usual.read, factor) or _is_above(rows.sent, usual.sent, factor, LEAST_ROWS):
        read, sent = (
            {"rows read": rows.read, "usually": usual.read},
            {"rows sent": rows.sent, "usually sent": usual.sent},
        )
        yield incident("volume", {**read, **sent})
    if _is_above(result.execution_time, usual.seconds, factor, LEAST_SECONDS):
        yield incident("slow", {"seconds": round(result.execution_time), "usually": round(usual.seconds, 1)})


class _Maker(Protocol):
    def __call__(self, kind: Kind, counts: Mapping[str, float], cause: str = "") -> Incident: ...


def _is_above(now: float, usual: float, factor: float, least: float) -> bool:
    return now > factor * usual and now - usual >= least


def _is_far(now: float, usual: float, factor: float) -> bool:
    return _is_above(now, usual, factor, LEAST_ROWS) or _is_above(usual, now, factor, LEAST_ROWS)


def _stale(unique_id: str, name: str, usual: Usual) -> Incident:
    return Incident(unique_id=unique_id, name=name, kind="stale", counts={"hours": float(int(usual.hours))})
