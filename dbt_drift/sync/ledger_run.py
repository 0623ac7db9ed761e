"""What every run does around its work on a ledger: bring it forward, lock it, write down when it began and ended."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError, WarehouseError
from dbt_drift.warehouse.history import History, RunStart, SyncCounts
from dbt_drift.warehouse.ledger import claim_destination
from dbt_drift.warehouse.lock import RunLock
from dbt_drift.warehouse.versions import bring_forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dbt_drift.sync.prepare import Prepared
    from dbt_drift.sync.results import SyncResult
    from dbt_drift.warehouse.lock import Holder


class Run:
    """One run on a ledger.

    Args:
        prepared: The project and its syncs.
        command: `sync` or `rebuild`.
        url: Where Drift is.

    Attributes:
        run_id: The run's invocation id.
        prepared: The same.
    """

    def __init__(self, prepared: Prepared, *, command: str, url: str) -> None:
        self.run_id = str(uuid.uuid4())
        self.prepared = prepared
        self._command = command
        self._url = url
        self._history = History(prepared.project, prepared.location)

    @contextlib.contextmanager
    def begun(self, *, wait: float, waiting: Callable[[Holder], None]) -> Iterator[RunLock]:
        """Hold the ledger's lock for the block; a block that breaks off ends the run with `error`.

        Args:
            wait: How many seconds to wait for another run.
            waiting: Told once who is waited for.

        Raises:
            ConfigurationError: The ledger belongs to another Drift, or to a newer program.
            LockedError: Another run is at work.
        """
        project, location = self.prepared.project, self.prepared.location
        bring_forward(project, location)
        lock = RunLock(project, location, run_id=self.run_id, command=self._command)
        with lock.held(wait=wait, waiting=waiting):
            self._claim()
            self._history.start(
                RunStart(
                    run_id=self.run_id,
                    command=self._command,
                    program=__version__,
                    target=project.target_name,
                    drift_url=self._url,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                )
            )
            try:
                yield lock
            except BaseException:
                self.ended("error")
                raise

    def synced(self, result: SyncResult) -> None:
        """Write down what came of a sync; a warehouse that is away does not end the run for that."""
        rows, contacts = result.rows, result.contacts
        counts = SyncCounts(
            run_id=self.run_id,
            unique_id=result.unique_id,
            name=result.name,
            status=result.status,
            message=result.message,
            rows_read=rows.read,
            rows_unchanged=rows.unchanged,
            rows_sent=rows.sent,
            rows_invalid=rows.invalid,
            rows_rejected=rows.rejected,
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
        with contextlib.suppress(WarehouseError):
            self._history.add(counts)

    def ended(self, status: str) -> None:
        """Write down how the run ended; likewise."""
        with contextlib.suppress(WarehouseError):
            self._history.finish(self.run_id, status)

    def _claim(self) -> None:
        """Refuse a ledger that describes another Drift: what it calls accepted, this one has never seen."""
        schema = self.prepared.location.schema
        claimed = claim_destination(self.prepared.project, self.prepared.location, self._url)
        if claimed != self._url:
            raise ConfigurationError(
                f"The ledger in the schema {schema} describes {claimed}, and DRIFT_API_URL is {self._url}.",
                advice="Give each Drift a ledger of its own: another dbt target, or "
                "--vars '{dbt_drift: {schema: <another schema>}}'.",
            )
