"""The state of a ledger: its version, lock, last runs, waiting answers, rejected rows and size.

All of it is read from the ledger: no manifest is needed, nothing is staged, nothing is written.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.binding.prepare import locate
from dbt_drift.errors import ConfigurationError
from dbt_drift.ledger.history import PastRun, SyncCounts, last_runs, syncs_of
from dbt_drift.ledger.lock import LockOwner, read_owner, release
from dbt_drift.ledger.organisation import destination
from dbt_drift.ledger.versions import refuse_newer

if TYPE_CHECKING:
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.options import ProjectOptions
    from dbt_drift.project.session import Session


class LockStatus(msgspec.Struct, frozen=True):
    """The lock of the ledger.

    Attributes:
        invocation_id: The run that holds it.
        command: `sync` or `rebuild`.
        host: The machine that it runs on.
        pid: Its process there.
        taken_at: Since when. This and the next two: UTC, by the warehouse's clock.
        seen_at: Its last sign of life.
        expires_at: When the lock is free, should no other sign come.
        is_dead: Whether the next run takes it.
    """

    invocation_id: str
    command: str
    host: str
    pid: int
    taken_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    is_dead: bool


class RunStatus(PastRun, frozen=True):
    """A run of the history, with its syncs.

    Attributes:
        status: That of the history, or `died` for a run that never ended.
        syncs: What came of its syncs.
    """

    syncs: list[SyncCounts]


class SyncStatus(msgspec.Struct, frozen=True):
    """The part of one sync in the ledger.

    Attributes:
        sync: What names its tables.
        remembered: Contacts of which it is known what Drift accepted.
        waiting: Answers of Drift that no run has folded yet: the next one does.
        rejected: Rows of the last finished sync that did not get through.
    """

    sync: str
    remembered: int
    waiting: int
    rejected: int


class TableSize(msgspec.Struct, frozen=True):
    """The size of a table of the ledger; `bytes` is null if the warehouse does not tell."""

    name: str
    rows: int
    bytes: int | None


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a ledger.

    Attributes:
        schema: Where the ledger lies.
        exists: Whether there is one.
        version: Its version; null where there is none.
        dbt_drift_version: The version of dbt-drift that wrote it.
        drift_url: Which Drift it describes; "" before the first sync.
        lock: Who holds the lock; null where nobody does.
        runs: The last runs, the latest first.
        syncs: What is remembered, waits or was rejected, sync by sync.
        tables: The tables.
    """

    schema: str
    exists: bool
    version: int | None = None
    dbt_drift_version: str = ""
    drift_url: str = ""
    lock: LockStatus | None = None
    runs: list[RunStatus] = []
    syncs: list[SyncStatus] = []
    tables: list[TableSize] = []


def read_status(options: ProjectOptions, *, runs: int) -> LedgerStatus:
    """Read the state of the ledger.

    Args:
        options: dbt's own flags.
        runs: How many of the last runs.

    Raises:
        ConfigurationError: The project is wrong, or a newer program has written the ledger.
        WarehouseError: The warehouse cannot be reached.
    """
    project, _, location = locate(options)
    with project.connect("status") as session:
        return status_in(session, project, location, runs=runs)


def status_in(session: Session, project: DbtProject, location: Location, *, runs: int) -> LedgerStatus:
    """Read the same within a connection that is open already."""
    tables = _tables(session, location)
    if not tables:
        return LedgerStatus(schema=location.schema, exists=False)
    version, dbt_drift_version = _version(session, location, tables)
    owner = read_owner(project, location)
    sizes = _sizes(session, location, tables)
    return LedgerStatus(
        schema=location.schema,
        exists=True,
        version=version,
        dbt_drift_version=dbt_drift_version,
        drift_url=destination(session, location),
        lock=_lock(owner),
        runs=_runs(session, location, owner, runs),
        syncs=_syncs({size.name: size.rows for size in sizes}),
        tables=sizes,
    )


def find_lock(options: ProjectOptions) -> tuple[DbtProject, Location, LockOwner | None]:
    """Return the run that holds the lock of the project's ledger."""
    project, _, location = locate(options)
    with project.connect("status") as session:
        tables = _tables(session, location)
        if not tables:
            return project, location, None
        _version(session, location, tables)
        return project, location, read_owner(project, location)


def release_lock(project: DbtProject, location: Location, owner: LockOwner) -> None:
    """Release the lock of this owner; a later owner keeps it."""
    with project.connect("lock") as session:
        release(session, location, owner.invocation_id)


def _tables(session: Session, location: Location) -> list[str]:
    with session.transaction():
        found = session.tables(location.database, location.schema)
    # An alert of a run that could not start may come before there is a ledger.
    return [] if found == ["drift_alerts"] else found


def _version(session: Session, location: Location, tables: list[str]) -> tuple[int, str]:
    """Return the versions of the ledger and of its writer; refuse a newer ledger, and one that lacks a table."""
    known = session.call("ledger_version")
    if "drift_ledger_version" not in tables:
        raise _lacks(location, ["drift_ledger_version"])
    for version, dbt_drift_version in session.rows(session.call("version_sql", ledger=location)):
        refuse_newer(location, known=known, version=version, dbt_drift_version=dbt_drift_version)
        if version == known and (lost := session.call("lost_tables", tables=tables)):
            raise _lacks(location, lost)
        return int(version), str(dbt_drift_version)
    raise _lacks(location, ["its version"])


def _lacks(location: Location, lost: list[str]) -> ConfigurationError:
    return ConfigurationError(
        f"The ledger in the schema {location.schema} lacks {', '.join(lost)}: somebody has dropped that.",
        advice="The next sync creates it again, empty, and looks contacts up again whose ids are lost.",
    )


def _sizes(session: Session, location: Location, tables: list[str]) -> list[TableSize]:
    sql = session.call("sizes_sql", ledger=location, tables=tables)
    return sorted((TableSize(*values) for values in session.rows(sql)), key=lambda size: size.name)


def _syncs(rows: dict[str, int]) -> list[SyncStatus]:
    slugs = [name.removesuffix("__accepted") for name in rows if name.endswith("__accepted")]
    return [
        SyncStatus(slug, rows[f"{slug}__accepted"], rows.get(f"{slug}__journal", 0), rows.get(f"{slug}__rejected", 0))
        for slug in sorted(slugs)
    ]


def _lock(owner: LockOwner | None) -> LockStatus | None:
    if owner is None:
        return None
    return LockStatus(
        owner.invocation_id, owner.command, owner.host, owner.pid, owner.taken_at, owner.seen_at, owner.expires_at,
        owner.is_dead,
    )  # fmt: skip


def _runs(session: Session, location: Location, owner: LockOwner | None, most: int) -> list[RunStatus]:
    past = last_runs(session, location, most)
    syncs: dict[str, list[SyncCounts]] = {run.invocation_id: [] for run in past}
    for counts in syncs_of(session, location, list(syncs)) if past else ():
        syncs[counts.invocation_id].append(counts)
    alive = owner.invocation_id if owner is not None and not owner.is_dead else None
    return [
        RunStatus(
            **{
                **msgspec.structs.asdict(run),
                "status": "died" if run.status == "running" and run.invocation_id != alive else run.status,
                "syncs": syncs[run.invocation_id],
            }
        )
        for run in past
    ]
