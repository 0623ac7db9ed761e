"""How the state of a ledger looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.escaping import escaped
from dbt_drift.wording import counted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from dbt_drift.ledger.history import SyncCounts
    from dbt_drift.operations.status import LedgerStatus, RunStatus

STATUS_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""


def status_document(status: LedgerStatus) -> dict[str, Any]:
    """Return the state as one document."""
    return {"status_version": STATUS_VERSION, **msgspec.to_builtins(status)}


def status_text(status: LedgerStatus) -> str:
    """Return the state for a person."""
    return "\n".join(map(escaped, _lines(status)))


def _lines(status: LedgerStatus) -> Iterator[str]:
    if not status.exists:
        yield f"There is no ledger in the schema {status.schema} yet: the first sync makes it."
        return
    written = f", written by dbt-drift {status.dbt_drift_version}" if status.dbt_drift_version else ""
    yield f"Ledger in the schema {status.schema}, version {status.version}{written}"
    yield f"It describes {status.drift_url}" if status.drift_url else "It describes no Drift yet: nothing was synced"
    yield ""
    yield from _lock_lines(status)
    yield ""
    yield f"Last runs (UTC){'' if status.runs else ': none'}"
    for run in status.runs:
        yield from _run_lines(run)
    yield ""
    yield "Syncs"
    for sync in status.syncs:
        waiting = f", {counted(sync.waiting, 'answer')} for the next sync to fold" if sync.waiting else ""
        rejected = f", {counted(sync.rejected, 'row')} in {sync.sync}__rejected" if sync.rejected else ""
        yield f"  {sync.sync}: {counted(sync.remembered, 'contact')} remembered{waiting}{rejected}"
    yield ""
    rows, sizes = sum(table.rows for table in status.tables), [table.bytes for table in status.tables]
    known = [size for size in sizes if size is not None]
    size = f", {sum(known) / 1e6:,.1f} MB" if known else ""
    yield f"{counted(len(status.tables), 'table')}, {counted(rows, 'row')}{size}"


def _lock_lines(status: LedgerStatus) -> Iterator[str]:
    lock = status.lock
    if lock is None:
        yield "Lock: free"
        return
    since = _time(lock.taken_at)
    yield f"Lock: {lock.command} run {lock.invocation_id} on {lock.host} (process {lock.pid}), since {since}"
    if lock.is_dead:
        yield "  That run is dead: the next one takes the lock."
    else:
        yield f"  Last sign of life {_time(lock.seen_at)}; without another one, free at {_time(lock.expires_at)}."


def _run_lines(run: RunStatus) -> Iterator[str]:
    lasted = f"{(run.finished_at - run.started_at).total_seconds():.0f} s" if run.finished_at else "not finished"
    yield f"  {_time(run.started_at)}  {run.status:7}  {run.command}, {lasted}, {run.invocation_id}"
    for sync in run.syncs:
        yield f"    {sync.name}: {sync.status}, {_counts(sync)}"


def _counts(sync: SyncCounts) -> str:
    kinds = ("unchanged", "sent", "suppressed", "missing", "invalid", "rejected", "given_up", "unfinished")
    counts = {kind.replace("_", " "): getattr(sync, f"rows_{kind}") for kind in kinds}
    parts = [counted(sync.rows_read, "row"), *(f"{count:,} {kind}" for kind, count in counts.items() if count)]
    return f"{', '.join(parts)}; {counted(sync.requests, 'request')}"


def _time(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
