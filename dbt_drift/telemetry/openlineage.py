"""A reporter that sends OpenLineage events of a run, and passes what it is told on."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from typing import TYPE_CHECKING

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunState
from openlineage.client.transport.http import HttpTransport
from openlineage.client.uuid import generate_new_uuid

from dbt_drift.delivery.reporter import PassingReporter
from dbt_drift.delivery.results import worst_status
from dbt_drift.errors import cause_of
from dbt_drift.telemetry.events import ENDS, Events
from dbt_drift.telemetry.sender import Sender
from dbt_drift.telemetry.session import BoundedSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openlineage.client.event_v2 import RunEvent

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import SyncResult, SyncStatus
    from dbt_drift.drift.http.local_sandbox import LocalSandbox
    from dbt_drift.project.gateway import DbtProject


class LineageReporter(PassingReporter):
    """The reporter of a run that sends OpenLineage events.

    Args:
        reporter: Gets what is reported, too.
        project: The dbt project of the run.
        invocation_id: The id of the run.

    Raises:
        Exception: What OpenLineage's client raises for settings that it refuses.
    """

    def __init__(self, reporter: Reporter, project: DbtProject, *, invocation_id: str) -> None:
        super().__init__(reporter)
        # Where a program has no log, Python prints the client's warnings, which may quote a secret of the URL.
        logging.getLogger("openlineage").addHandler(logging.NullHandler())
        self._client = _client()
        if isinstance(self._client.transport, HttpTransport):
            self._client.transport.session = BoundedSession()
        self._sender = Sender("OpenLineage")
        self._project = project
        self._invocation_id = invocation_id
        self._events: Events
        self._began = False
        self._open: tuple[str, Sync] | None = None
        self._results: list[SyncResult] = []

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Send the end of the run in the block, too; an exception of the block is told and goes on."""
        cause = ""
        try:
            yield
        except BaseException as error:
            cause = cause_of(error)
            raise
        finally:
            if self._began:
                self._run_ended(cause)
            if problem := self._sender.close():
                self.noticed(
                    f"Not all OpenLineage events have arrived ({problem}). The sync does not depend on them. Look at "
                    "OPENLINEAGE_URL, and at whether something listens there."
                )

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Send the start of the run."""
        super().run_started(
            syncs, project=project, target=target, adapter=adapter, drift_url=drift_url, sandbox=sandbox
        )
        self._began = True
        self._events = Events(
            self._project, invocation_id=self._invocation_id, environment=os.environ, drift_url=drift_url
        )
        events = self._events
        self._emit(lambda now: events.run(RunState.START, now))

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Send the start of a sync."""
        super().sync_started(index, total, sync)
        self._open = run_id, _ = str(generate_new_uuid()), sync
        events = self._events
        self._emit(lambda now: events.sync(RunState.START, now, run_id, sync))

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Send the end of a sync. One that has not started has no events; the end of the run counts it."""
        super().sync_finished(index, total, result)
        self._results.append(result)
        if self._open is not None:
            (run_id, sync), self._open = self._open, None
            events = self._events
            self._emit(lambda now: events.sync(ENDS[result.status], now, run_id, sync, result=result))

    def _run_ended(self, cause: str) -> None:
        events, results = self._events, self._results
        if self._open is not None:  # the run broke off in this sync
            run_id, sync = self._open
            self._emit(lambda now: events.sync(RunState.FAIL, now, run_id, sync, cause=cause))
        status: SyncStatus = "error" if cause else worst_status(results)
        cause = next(filter(None, [cause, *(one.cause for one in results if one.status == status)]), "")
        self._emit(lambda now: events.run(ENDS[status], now, results, status, cause))

    def _emit(self, make: Callable[[str], RunEvent]) -> None:
        """Send the event of this moment; to make it is part of what may fail without harm.

        What the thread holds, a receiver that hangs keeps until the process ends: no reporter, no project.
        """
        client, now = self._client, dt.datetime.now(dt.timezone.utc).isoformat()
        self._sender.put(lambda: client.emit(make(now)))


def _client() -> OpenLineageClient:
    """Return a client; the variables that it adds to the environment, the key among them, do not stay there."""
    before = set(os.environ)
    try:
        return OpenLineageClient()
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]
