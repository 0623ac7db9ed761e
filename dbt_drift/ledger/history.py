"""The history of runs in the ledger. It has each run from its start, whether or not the run came to its end."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.session import Session


class RunStart(msgspec.Struct, frozen=True, kw_only=True):
    """The start of a run; the columns of `drift_runs`.

    Attributes:
        invocation_id: Its invocation id.
        command: `sync`, `rebuild` or `untag`.
        dbt_drift_version: The version of dbt-drift.
        target: The dbt target.
        drift_url: The URL of Drift.
        host: The host name of its machine.
        pid: Its process id.
    """

    invocation_id: str
    command: str
    dbt_drift_version: str
    target: str
    drift_url: str
    host: str
    pid: int


class SyncCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one sync of a run; the columns of `drift_run_syncs` (docs/reference/ledger.md)."""

    invocation_id: str
    unique_id: str
    name: str
    status: str
    message: str
    rows_read: int
    rows_unchanged: int
    rows_sent: int
    rows_suppressed: int
    rows_missing: int
    rows_invalid: int
    rows_rejected: int
    rows_given_up: int
    rows_unfinished: int
    rows_departed: int
    created: int
    updated: int
    matched: int
    tags_added: int
    tags_removed: int
    requests: int
    throttled: int
    seconds: float


class PastRun(RunStart, frozen=True, kw_only=True):
    """A run of the history.

    Attributes:
        started_at: In UTC, by the warehouse's clock.
        finished_at: In UTC; None if the run has not recorded its end.
        status: The worst status of its syncs, `success`, `warn`, `blocked` or `error`; `running` if it has not ended.
    """

    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str


class History:
    """The history of one ledger.

    Args:
        location: The location of the ledger.
    """

    def __init__(self, location: Location) -> None:
        self._ledger = location

    def start(self, session: Session, run: RunStart) -> None:
        """Record the start of a run."""
        session.call("start_run", ledger=self._ledger, run=run)

    def add(self, session: Session, counts: SyncCounts) -> None:
        """Record the counts of a sync."""
        # The message can quote Drift, and Postgres cannot store a NUL.
        row = {**msgspec.to_builtins(counts), "message": counts.message.replace("\0", "")}
        session.call("record_sync", ledger=self._ledger, counts=row)

    def finish(self, session: Session, invocation_id: str, status: str) -> None:
        """Record the end of a run."""
        session.call("finish_run", ledger=self._ledger, invocation_id=invocation_id, status=status)


def last_runs(session: Session, ledger: Location, most: int) -> list[PastRun]:
    """Return the last runs, the latest first."""
    sql = session.call("runs_sql", ledger=ledger, most=most)
    return [PastRun(**_by_field(PastRun, values)) for values in session.rows(sql)]


def syncs_of(session: Session, ledger: Location, invocation_ids: Sequence[str]) -> list[SyncCounts]:
    """Return the counts of the syncs of these runs, in the order in which they ended."""
    sql = session.call("run_syncs_sql", ledger=ledger, invocation_ids=list(invocation_ids))
    return [SyncCounts(**_by_field(SyncCounts, values)) for values in session.rows(sql)]


def _by_field(kind: type[msgspec.Struct], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(kind.__struct_fields__, values, strict=True))
