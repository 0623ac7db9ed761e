"""What every run does around its work: bring the ledger forward, lock it, connect to Drift, write the run's history."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift import __version__
from dbt_drift.binding.attribute_types import fit_to_drift
from dbt_drift.binding.pinning import pin, refuse_target
from dbt_drift.delivery.guards import Guard
from dbt_drift.delivery.plan import plan_one, to_save
from dbt_drift.delivery.results import SyncResult
from dbt_drift.delivery.saved_plan import refuse_changed, saved
from dbt_drift.drift.auth.find import credential
from dbt_drift.drift.engine.client import WORKERS, DriftClient
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.url import drift_url
from dbt_drift.errors import ConfigurationError, LockedError, WarehouseError
from dbt_drift.ledger.history import History, RunStart, SyncCounts
from dbt_drift.ledger.lock import LockOwner, RunLock
from dbt_drift.ledger.organisation import claim_destination
from dbt_drift.ledger.registry import read_registry
from dbt_drift.ledger.saved_syncs import save_syncs
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.ledger.versions import bring_forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dbt_drift.binding.last_build import Blocked
    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import SyncStatus
    from dbt_drift.delivery.run_options import RunOptions
    from dbt_drift.delivery.saved_plan import SavedPlan
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.session import Session

_POLL_SECONDS = 1.0
"""The interval at which a waiting run checks whether the other run has ended."""


class RunSession:
    """One run on a ledger.

    Args:
        prepared: The project and its syncs.
        environment: `DRIFT_API_URL`, and what opens Drift.
        reporter: Gets the events of the run.
        options: The user's options for this run.
        command: `sync`, `rebuild` or `untag`.

    Attributes:
        url: The URL of Drift.
        invocation_id: The run's invocation id.
        organisation: The id of the Drift organisation that the token opens; "" if Drift does not tell, None before
            Drift was asked.

    Raises:
        ConfigurationError: The token or the URL cannot be used, or the settings keep the target from Drift itself.
    """

    def __init__(
        self,
        prepared: Prepared,
        environment: Mapping[str, str],
        reporter: Reporter,
        options: RunOptions,
        *,
        command: str,
    ) -> None:
        self.url = drift_url(environment)
        if command != "rebuild":  # which only reads from Drift
            refuse_target(prepared, self.url)
        self.invocation_id = options.invocation_id or str(uuid.uuid4())
        self._credential = credential(environment)
        self._prepared = prepared
        self._reporter = reporter
        self._options = options
        self._command = command
        self._status: SyncStatus = "error"
        self.organisation: str | None = None
        self._history = History(prepared.location)
        self._lock = RunLock(
            prepared.project, prepared.location, invocation_id=self.invocation_id, command=self._command
        )

    @contextlib.contextmanager
    def begun(self) -> Iterator[DriftClient]:
        """Hold the ledger's lock and a connection to Drift for the block; an exception ends the run with `error`.

        Raises:
            ConfigurationError: The ledger belongs to another Drift, or to a newer version of dbt-drift.
            LockedError: Another run holds the lock.
        """
        project = self._prepared.project
        with project.holding():
            self._take()
            try:
                with self._connected() as client:
                    if self._options.repin is not None:
                        self.know_organisation(client)
                    yield client
            except BaseException:
                self._status = "error"
                raise
            finally:
                # A warehouse that is away must not hide why the run ends; the lock expires by itself.
                with contextlib.suppress(WarehouseError), project.connect("end") as session:
                    self._history.finish(session, self.invocation_id, self._status)
                    self._lock.release(session)

    def know_organisation(self, client: DriftClient) -> None:
        """Make sure that the token opens the organisation that the ledger describes; ask once in a run.

        Call it before anything of Drift is sent or kept. A run that sends nothing need not ask.

        Raises:
            ConfigurationError: The token opens another organisation, or another target already writes to this one.
            DriftUnavailableError: Drift refuses the token, or cannot be reached.
        """
        if self.organisation is None:
            self.organisation, notices = pin(self._prepared, self._lock, client, self.url, self._options.repin)
            for notice in notices:
                self._reporter.noticed(notice)

    def fit(self, client: DriftClient) -> list[BoundSync]:
        """Return the syncs, their values sent as the types that Drift lists, and report what the user should know.

        Raises:
            ConfigurationError, DriftUnavailableError: As `know_organisation`, if Drift's list has changed.
            DeclarationError: The mapping does not fit the attributes that Drift has.
        """
        prepared, notices = fit_to_drift(
            self._prepared, client, before_remembering=lambda: self.know_organisation(client)
        )
        for notice in [*prepared.notices, *notices]:
            self._reporter.noticed(notice)
        return prepared.syncs

    def refuse_changed(self, plan: SavedPlan, syncs: Sequence[BoundSync], client: DriftClient) -> None:
        """Refuse an approved plan that differs from what these syncs would send now.

        Raises:
            ConfigurationError: It differs, or the token opens another organisation.
            DriftUnavailableError: Drift refuses the token, or cannot be reached.
        """
        self.know_organisation(client)
        prepared = structs.replace(self._prepared, syncs=list(syncs))
        guard = Guard(prepared.settings.guards)
        found = [to_save(sync, plan_one(prepared, sync, 0, guard, is_saved=True)) for sync in syncs]
        turn = self._lock.turn and self._lock.turn - 1
        now = saved(prepared, found, url=self.url, organisation=self.organisation or "", turn=turn)
        refuse_changed(plan, now, {one.sync.unique_id: one.why for one in prepared.blocked})

    def run_each(
        self,
        syncs: Sequence[BoundSync],
        work: Callable[[BoundSync, SyncLedger], SyncResult],
        results: list[SyncResult],
        *,
        blocked: Sequence[Blocked] = (),
        everyone_left: bool = False,
    ) -> None:
        """Work on one sync after the other; once one breaks off, the others are skipped.

        Args:
            syncs: The syncs.
            work: Does the work on one sync and its ledger; never raises an error of ours.
            results: Gets the result of each sync.
            blocked: The syncs that do not run.
            everyone_left: As for `SyncLedger`.
        """
        total = len(blocked) + len(syncs)
        for one in blocked:
            self._ended(_unsent(one.sync, "blocked", one.why, cause="build"), total, results)
        broken_off = ""
        for sync in syncs:
            if broken_off:
                self._ended(_unsent(sync, "skipped", broken_off), total, results)
                continue
            self._reporter.sync_started(len(results) + 1, total, sync)
            ledger = SyncLedger(
                self._prepared.project,
                sync,
                self._prepared.registry,
                everyone_left=everyone_left,
                lock=self._lock,
                tell=self._reporter.noticed,
            )
            result = work(sync, ledger)
            if result.status == "error":
                broken_off = f"skipped, because {sync.name} broke off"
            self._ended(result, total, results)

    def save(self, syncs: Sequence[BoundSync]) -> None:
        """Save these syncs in the ledger as they run now."""
        save_syncs(self._prepared.project, self._prepared.location, self._prepared.registry, syncs)

    def ended(self, status: SyncStatus) -> None:
        """Set the status that the run ends with."""
        self._status = status

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """Run a short piece of work in a transaction that only the lock's owner can commit."""
        with self._prepared.project.connect(self._command) as session, self._lock.transaction(session):
            yield session

    def _connected(self) -> DriftClient:
        rate = self._prepared.settings.rate_limit
        return DriftClient(
            self.url,
            self._credential,
            limiter=RateLimiter(rate.requests or None, rate.seconds),
            workers=self._options.workers or WORKERS,
            may_send=self._lock.is_certain,
            requested=self._reporter.requested,
        )

    def _ended(self, result: SyncResult, total: int, results: list[SyncResult]) -> None:
        """Record the result of a sync; a warehouse that is away does not end the run for that."""
        results.append(result)
        counts = SyncCounts(
            invocation_id=self.invocation_id,
            unique_id=result.unique_id,
            name=result.name,
            status=result.status,
            message=result.message,
            requests=result.requests,
            throttled=result.throttled,
            seconds=result.execution_time,
            **{f"rows_{name}": count for name, count in structs.asdict(result.rows).items()},
            **structs.asdict(result.contacts),
        )
        with contextlib.suppress(WarehouseError), self._prepared.project.connect("history") as session:
            self._history.add(session, counts)
        self._reporter.sync_finished(len(results), total, result)

    def _take(self) -> None:
        deadline = time.monotonic() + self._options.wait
        is_said = False
        while (owner := self._begin()) is not None:
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"Another run is at work on the ledger in the schema {self._prepared.location.schema}: {owner}.",
                    advice=f"Wait for it with --wait SECONDS, or look with `dbt-drift status`. {_until(owner)}",
                )
            if not is_said:
                self._reporter.waiting(owner)
                is_said = True
            self._prepared.project.let_go()
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))

    def _begin(self) -> LockOwner | None:
        """Do all that comes before the work, or return who is in the way."""
        project = self._prepared.project
        with project.connect("begin") as session:
            found = take_ledger(session, self._prepared, self._lock)
            if isinstance(found, LockOwner):
                return found
            self._prepared = structs.replace(self._prepared, registry=found)
            try:
                self._claim(session)
            except ConfigurationError:
                self._lock.release(session)
                raise
            self._history.start(
                session,
                RunStart(
                    invocation_id=self.invocation_id,
                    command=self._command,
                    dbt_drift_version=__version__,
                    target=project.target_name,
                    drift_url=self.url,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                ),
            )
        return None

    def _claim(self, session: Session) -> None:
        """Refuse a ledger that describes another Drift: what it calls accepted, this one has never seen."""
        location, claimed = self._prepared.location, self._prepared.registry.destination
        if not claimed:
            claim_destination(session, location, self.url)
        elif claimed != self.url:
            raise ConfigurationError(
                f"The ledger in the schema {location.schema} describes {claimed}, and DRIFT_API_URL is {self.url}.",
                advice="Give each Drift a ledger of its own: another dbt target, or "
                "--vars '{dbt_drift: {schema: <another schema>}}'.",
            )


def take_ledger(session: Session, prepared: Prepared, lock: RunLock) -> Registry | LockOwner:
    """Bring the ledger forward and take its lock; returns what is on record, or the run that has the lock."""
    registry = bring_forward(session, prepared.location, prepared.registry)
    if (owner := lock.take(session)) is not None:
        return owner
    if registry.turn is None or lock.turn != registry.turn + 1:  # another run has written since it was read
        return read_registry(session, prepared.location)
    return registry


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


def _unsent(sync: Sync, status: SyncStatus, message: str, *, cause: str = "") -> SyncResult:
    return SyncResult(unique_id=sync.unique_id, name=sync.name, status=status, message=message, cause=cause)
