"""One run at a time: the ledger's lock, held by a run from before it stages until it has folded.

The lock is one row of the ledger, good for a lease by the warehouse's clock (macros/ledger/lock.sql). A run that
stages, journals or folds renews it in the same transaction, and stops where it is not its own any more: what a run
writes it writes as the holder. While nothing is written, `keep` gives the sign of life, from the same thread.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.errors import LockedError, WarehouseError
from dbt_drift.warehouse.process import has_ended, process_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dbt_drift.project.gateway import DbtProject, Session
    from dbt_drift.warehouse.spec import Location

SIGN_SECONDS = 20.0
"""How often a run that has nothing to write gives a sign of life: the lease (`lease` in lock.sql) takes six."""

_POLL_SECONDS = 1.0


class Holder(msgspec.Struct, frozen=True):
    """The run that has the lock.

    Attributes:
        run_id: Its invocation id.
        command: `sync` or `rebuild`.
        host: The machine that it runs on.
        pid: Its process there.
        process: What tells this process from all others, or "" (see `process.process_mark`).
        taken_at: Since when it has it. This and the next two: UTC, by the warehouse's clock.
        seen_at: Its last sign of life.
        expires_at: When the lock is free, should no other sign come.
        is_expired: Whether that time is over.
    """

    run_id: str
    command: str
    host: str
    pid: int
    process: str
    taken_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    is_expired: bool

    @property
    def is_dead(self) -> bool:
        """Whether the next run takes the lock: its time is over, or it was a process of this machine and has ended."""
        return self.is_expired or has_ended(self.process)

    def __str__(self) -> str:
        return (
            f"{self.command} run {self.run_id} on {self.host} (process {self.pid}), since {self.taken_at:%H:%M:%S}, "
            f"last sign of life {self.seen_at:%H:%M:%S} UTC"
        )


class RunLock:
    """The lock of one ledger, as one run takes it.

    Args:
        project: The dbt project whose adapter is used.
        location: Where the ledger lies.
        run_id: The run's invocation id.
        command: `sync` or `rebuild`.
    """

    def __init__(self, project: DbtProject, location: Location, *, run_id: str, command: str) -> None:
        self._project = project
        self._schema = location.schema
        self._ledger = msgspec.to_builtins(location)
        self._run = {
            "run_id": run_id,
            "command": command,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": process_mark(),
        }
        self._signed_at = -math.inf

    @contextlib.contextmanager
    def held(self, *, wait: float, waiting: Callable[[Holder], None]) -> Iterator[None]:
        """Hold the lock for the block.

        Args:
            wait: How many seconds to wait for another run to release it.
            waiting: Told once who has it, when there is something to wait for.

        Raises:
            LockedError: Another run has it.
        """
        self._take(wait, waiting)
        try:
            yield
        finally:
            # A warehouse that is away must not hide why the run ends; the lock expires by itself.
            with contextlib.suppress(WarehouseError):
                release(self._project, self._ledger, str(self._run["run_id"]))

    @contextlib.contextmanager
    def transaction(self, session: Session) -> Iterator[None]:
        """Run a short piece of work in a transaction that only the holder can commit.

        Raises:
            LockedError: Another run has taken the lock.
        """
        with session.transaction():
            self._renew(session)
            yield
        self._signed_at = time.monotonic()

    @contextlib.contextmanager
    def work(self, session: Session) -> Iterator[None]:
        """Do the same for work that may outlast the lease: it ends with a fresh sign of life, not with a stale one.

        Where a transaction does not keep others from the row, the lease is a long one meanwhile (`working_lease`).
        """
        with session.transaction():
            self._renew(session, working=True)
        with session.transaction():
            self._renew(session, working=True)
            yield
            self._renew(session)
        with session.transaction():  # once more: the clock of DuckDB's transaction stood still
            self._renew(session)
        self._signed_at = time.monotonic()

    def keep(self) -> None:
        """Give a sign of life, if the last one was a while ago.

        Raises:
            LockedError: Another run has taken the lock.
        """
        if time.monotonic() - self._signed_at > SIGN_SECONDS:
            with self._project.connect("lock") as session, self.transaction(session):
                pass

    def _take(self, wait: float, waiting: Callable[[Holder], None]) -> None:
        deadline = time.monotonic() + wait
        told = False
        while (holder := self._try()) is not None:
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"Another run is at work on the ledger in the schema {self._schema}: {holder}.",
                    advice="Wait for it with --wait SECONDS, or look with `dbt-drift status`. Should it have been "
                    f"killed: the lock expires at {holder.expires_at:%H:%M:%S} UTC; `dbt-drift unlock` releases it.",
                )
            if not told:
                waiting(holder)
                told = True
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        self._signed_at = time.monotonic()

    def _try(self) -> Holder | None:
        """Take the lock if it is free; return who has it if it is not."""
        own = self._run["run_id"]
        with self._project.connect("lock") as session:
            before = _holder(session, self._ledger)
            dead = before.run_id if before is not None and before.is_dead else None
            with session.transaction():
                session.call("take_lock", ledger=self._ledger, run=self._run, dead=dead)
            holder = _holder(session, self._ledger)
            if holder is not None and holder.run_id == own:
                return None
            with session.transaction():  # where an engine let both in, the later one steps back
                session.call("release_lock", ledger=self._ledger, run_id=own)
            return holder

    def _renew(self, session: Session, *, working: bool = False) -> None:
        session.call("renew_lock", ledger=self._ledger, run_id=self._run["run_id"], working=working)
        holder = _holder(session, self._ledger)
        if holder is None or holder.run_id != self._run["run_id"]:
            raise LockedError(
                "This run has lost the ledger's lock "
                + (f"to the {holder}." if holder else "to somebody who released it.")
                + " It stops before it writes anything more.",
                advice="What Drift accepted and is not written down yet is asked for again by the next run.",
            )


def read_holder(project: DbtProject, location: Location) -> Holder | None:
    """Return the run that has the lock, alive or dead; None where nobody has it."""
    with project.connect("lock") as session:
        return _holder(session, msgspec.to_builtins(location))


def release(project: DbtProject, ledger: dict[str, Any], run_id: str) -> None:
    """Take the lock away from a run."""
    with project.connect("lock") as session, session.transaction():
        session.call("release_lock", ledger=ledger, run_id=run_id)


def _holder(session: Session, ledger: dict[str, Any]) -> Holder | None:
    for values in session.rows(session.call("lock_sql", ledger=ledger)):
        return Holder(*values)
    return None
