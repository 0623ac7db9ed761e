"""What every run does around its work on a ledger: bring it forward, lock it, write down when it began and ended."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError, LockedError, WarehouseError
from dbt_drift.ledger.history import History, RunStart, SyncCounts
from dbt_drift.ledger.lock import RunLock
from dbt_drift.ledger.sync_ledger import claim_destination
from dbt_drift.ledger.versions import bring_forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.ledger.lock import LockOwner
    from dbt_drift.project.session import Session
    from dbt_drift.sync.results import SyncResult

_POLL_SECONDS = 1.0
"""How often a run that waits looks whether the other one has ended."""


class RunSession:
    """One run on a ledger.

    Args:
        prepared: The project and its syncs.
        command: `sync` or `rebuild`.
        url: Where Drift is.
        invocation_id: What it is called; None for a name of its own.

    Attributes:
        invocation_id: The run's invocation id.
        prepared: The same.
    """

    def __init__(self, prepared: Prepared, *, command: str, url: str, invocation_id: str | None = None) -> None:
        self.invocation_id = invocation_id or str(uuid.uuid4())
        self.prepared = prepared
        self._command = command
        self._url = url
        self._status = "error"
        self._history = History(prepared.location)

    @contextlib.contextmanager
    def begun(self, *, wait: float, waiting: Callable[[LockOwner], None]) -> Iterator[RunLock]:
        """Hold the ledger's lock for the block; a block that breaks off ends the run with `error`.

        Args:
            wait: How many seconds to wait for another run.
            waiting: Told once who is waited for.

        Raises:
            ConfigurationError: The ledger belongs to another Drift, or to a newer program.
            LockedError: Another run is at work.
        """
        project, location = self.prepared.project, self.prepared.location
        lock = RunLock(project, location, invocation_id=self.invocation_id, command=self._command)
        self._take(lock, wait, waiting)
        try:
            yield lock
        except BaseException:
            self._status = "error"
            raise
        finally:
            # A warehouse that is away must not hide why the run ends; the lock expires by itself.
            with contextlib.suppress(WarehouseError), project.connect("end") as session:
                self._history.finish(session, self.invocation_id, self._status)
                lock.release(session)

    def synced(self, result: SyncResult) -> None:
        """Write down what came of a sync; a warehouse that is away does not end the run for that."""
        rows, contacts = result.rows, result.contacts
        counts = SyncCounts(
            invocation_id=self.invocation_id,
            unique_id=result.unique_id,
            name=result.name,
            status=result.status,
            message=result.message,
            rows_read=rows.read,
            rows_unchanged=rows.unchanged,
            rows_sent=rows.sent,
            rows_invalid=rows.invalid,
            rows_rejected=rows.rejected,
            rows_given_up=rows.given_up,
            rows_unfinished=rows.unfinished,
            rows_departed=rows.departed,
            created=contacts.created,
            updated=contacts.updated,
            matched=contacts.matched,
            tags_added=contacts.tags_added,
            tags_removed=contacts.tags_removed,
            requests=result.requests,
            throttled=result.throttled,
            seconds=result.execution_time,
        )
        with contextlib.suppress(WarehouseError), self.prepared.project.connect("history") as session:
            self._history.add(session, counts)

    def ended(self, status: str) -> None:
        """Say how the run ended, for when the block is left."""
        self._status = status

    def _take(self, lock: RunLock, wait: float, waiting: Callable[[LockOwner], None]) -> None:
        deadline = time.monotonic() + wait
        told = False
        while (owner := self._begin(lock)) is not None:
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"Another run is at work on the ledger in the schema {self.prepared.location.schema}: {owner}.",
                    advice=f"Wait for it with --wait SECONDS, or look with `dbt-drift status`. {_until(owner)}",
                )
            if not told:
                waiting(owner)
                told = True
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))

    def _begin(self, lock: RunLock) -> LockOwner | None:
        """Do all that comes before the work, or return who is in the way; no connection stays open."""
        project, location = self.prepared.project, self.prepared.location
        with project.connect("begin") as session:
            bring_forward(session, location)
            if (owner := lock.take(session)) is not None:
                return owner
            try:
                self._claim(session)
            except ConfigurationError:
                lock.release(session)
                raise
            self._history.start(
                session,
                RunStart(
                    invocation_id=self.invocation_id,
                    command=self._command,
                    dbt_drift_version=__version__,
                    target=project.target_name,
                    drift_url=self._url,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                ),
            )
        return None

    def _claim(self, session: Session) -> None:
        """Refuse a ledger that describes another Drift: what it calls accepted, this one has never seen."""
        schema = self.prepared.location.schema
        claimed = claim_destination(session, self.prepared.location, self._url)
        if claimed != self._url:
            raise ConfigurationError(
                f"The ledger in the schema {schema} describes {claimed}, and DRIFT_API_URL is {self._url}.",
                advice="Give each Drift a ledger of its own: another dbt target, or "
                "--vars '{dbt_drift: {schema: <another schema>}}'.",
            )


def _until(owner: LockOwner) -> str:
    """Return until when a lock keeps others out."""
    if owner.is_expired:
        return (
            f"The lock expired at {owner.expires_at:%H:%M:%S} UTC, but a transaction of that run is still open in the "
            "warehouse, and keeps it: it is free when the warehouse ends that connection."
        )
    return (
        f"Should it have been killed: the lock expires at {owner.expires_at:%H:%M:%S} UTC; "
        "`dbt-drift unlock` releases it."
    )


@contextlib.contextmanager
def alone(prepared: Prepared, command: str) -> Iterator[tuple[Session, RunLock]]:
    """Hold the ledger's lock for a short piece of work on the ledger alone.

    Args:
        prepared: The project and its syncs.
        command: What is at work, for whoever finds the lock taken.

    Raises:
        ConfigurationError: A newer program has written the ledger.
        LockedError: Another run is at work.
    """
    with prepared.project.connect(command) as session:
        bring_forward(session, prepared.location)
        lock = RunLock(prepared.project, prepared.location, invocation_id=str(uuid.uuid4()), command=command)
        if (owner := lock.take(session)) is not None:
            raise LockedError(f"Another run is at work on the ledger: {owner}.", advice="Try again when it has ended.")
        try:
            yield session, lock
        finally:
            lock.release(session)
