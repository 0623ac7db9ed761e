"""The events of a run; the command line decides how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.results import SyncResult
    from dbt_drift.drift.engine.statistics import Statistics
    from dbt_drift.drift.http.local_sandbox import LocalSandbox
    from dbt_drift.ledger.delta import Counts
    from dbt_drift.ledger.lock import LockOwner


class Reporter(Protocol):
    """Gets the events of a run, in the thread that runs the sync."""

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """All checks have passed; the first sync comes next."""

    def waiting(self, owner: LockOwner) -> None:
        """Another run has the ledger's lock; this one waits for it."""

    def noticed(self, notice: str) -> None:
        """There is a notice about the whole run for the user."""

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """The `index`th of `total` syncs begins."""

    def staged(self, sync: Sync, counts: Counts) -> None:
        """The difference is known."""

    def page_read(self, rows: int, began: int) -> None:
        """A page of `rows` contacts has been read from the warehouse since `began` (nanoseconds since 1970)."""

    def requested(self, method: str, target: str, status: int | None, began: int) -> None:
        """A request has ended, `began` as above; `status` is None without an answer, and `target` is personal data.

        Called in the threads that send.
        """

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        """`done` of `total` contacts have an outcome, `rejected` of them a bad one. Called a few times a second."""

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """A sync has its result."""


class NullReporter:
    """Drops every event."""

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Drop it."""

    def waiting(self, owner: LockOwner) -> None:
        """Drop it."""

    def noticed(self, notice: str) -> None:
        """Drop it."""

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Drop it."""

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Drop it."""

    def page_read(self, rows: int, began: int) -> None:
        """Drop it."""

    def requested(self, method: str, target: str, status: int | None, began: int) -> None:
        """Drop it."""

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        """Drop it."""

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Drop it."""


class PassingReporter:
    """Passes every event on; a subclass does something of its own with some of them.

    Args:
        reporter: Gets the events.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Pass it on."""
        self._reporter.run_started(
            syncs, project=project, target=target, adapter=adapter, drift_url=drift_url, sandbox=sandbox
        )

    def waiting(self, owner: LockOwner) -> None:
        """Pass it on."""
        self._reporter.waiting(owner)

    def noticed(self, notice: str) -> None:
        """Pass it on."""
        self._reporter.noticed(notice)

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Pass it on."""
        self._reporter.sync_started(index, total, sync)

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Pass it on."""
        self._reporter.staged(sync, counts)

    def page_read(self, rows: int, began: int) -> None:
        """Pass it on."""
        self._reporter.page_read(rows, began)

    def requested(self, method: str, target: str, status: int | None, began: int) -> None:
        """Pass it on."""
        self._reporter.requested(method, target, status, began)

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        """Pass it on."""
        self._reporter.progress(sync, done, total, rejected, statistics)

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Pass it on."""
        self._reporter.sync_finished(index, total, result)
