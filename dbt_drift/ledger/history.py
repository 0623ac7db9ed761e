"""The runs of a ledger, as its own tables keep them: each from its start, whether or not it came to its end."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.session import Session


class RunStart(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run when it starts; the columns of `drift_runs`."""

    invocation_id: str
    command: str
    dbt_drift_version: str
    target: str
    drift_url: str
    host: str
    pid: int


class SyncCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one sync of a run; the columns of `drift_run_syncs`, which docs/reference/ledger.md explains."""

    invocation_id: str
    unique_id: str
    name: str
    status: str
    message: str
    rows_read: int
    rows_unchanged: int
    rows_sent: int
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


class PastRun(msgspec.Struct, frozen=True):
    """A run of the history.

    Attributes:
        invocation_id: Its invocation id.
        command: `sync` or `rebuild`.
        dbt_drift_version: The version of dbt-drift.
        target: dbt's target.
        drift_url: Where Drift was.
        host: The machine that it ran on.
        pid: Its process there.
        started_at: UTC, by the warehouse's clock.
        finished_at: The same, or None where the end is not written down.
        status: the worst of its syncs, `success`, `warn`, `blocked` or `error`; `running` where its end is not known.
    """

    invocation_id: str
    command: str
    dbt_drift_version: str
    target: str
    drift_url: str
    host: str
    pid: int
    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str


class History:
    """The history of one ledger.

    Args:
        location: Where the ledger lies.
    """

    def __init__(self, location: Location) -> None:
        self._ledger = location

    def start(self, session: Session, run: RunStart) -> None:
        """Write down that a run has started."""
        with session.transaction():
            session.call("start_run", ledger=self._ledger, run=run)

    def add(self, session: Session, counts: SyncCounts) -> None:
        """Write down what came of a sync."""
        # Its message can hold Drift's words, and Postgres cannot store a NUL.
        row = {**msgspec.to_builtins(counts), "message": counts.message.replace("\0", "")}
        with session.transaction():
            session.call("record_sync", ledger=self._ledger, counts=row)

    def finish(self, session: Session, invocation_id: str, status: str) -> None:
        """Write down how a run ended."""
        with session.transaction():
            session.call("finish_run", ledger=self._ledger, invocation_id=invocation_id, status=status)


def last_runs(session: Session, ledger: Location, most: int) -> list[PastRun]:
    """Return the last runs, the latest first."""
    return [PastRun(*values) for values in session.rows(session.call("runs_sql", ledger=ledger, most=most))]


def syncs_of(session: Session, ledger: Location, invocation_ids: Sequence[str]) -> list[SyncCounts]:
    """Return what came of the syncs of these runs, in the order in which they ended."""
    names = [field.name for field in msgspec.structs.fields(SyncCounts)]
    sql = session.call("run_syncs_sql", ledger=ledger, invocation_ids=list(invocation_ids))
    return [SyncCounts(**dict(zip(names, values, strict=True))) for values in session.rows(sql)]
