"""The ledger's lock: one run at a time holds it, from before it stages until it has folded.

The lock is one row of the ledger, whose owner has it for a lease by the warehouse's clock (macros/ledger/lock.sql). A
run renews it in each transaction that stages or folds, writes answers only if it has the lock, and stops if it has not.
So only the owner writes.
While there is nothing to write, `keep` renews it from the same thread.

Only the owner sends to Drift, too. Other threads do that, and cannot ask the warehouse before each request:
`is_certain` tells them by this machine's clock, which goes on while the machine sleeps.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import socket
import time
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from dbt_drift.errors import LockedError
from dbt_drift.escaping import escaped
from dbt_drift.ledger.process import has_ended, process_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session

SIGN_SECONDS = 20.0
"""How often a run renews the lock while it has nothing to write: six times in a lease (`lease` in lock.sql)."""

CERTAIN_SHARE = 0.75
"""For this share of the lease the lock is certain. In the rest, half a minute, the run sends no new request, and the
requests under way get their answers or time out (see `drift.http.transport.Timeouts`) before another run can take the
lock."""

_TRIES = 20
_PAUSE = 0.05
"""How often, and after how many seconds, to try again to take a lock that has just become free."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that goes on while the machine sleeps: CLOCK_BOOTTIME on Linux, CLOCK_MONOTONIC on macOS."""


class LockOwner(msgspec.Struct, frozen=True):
    """The run that has the lock.

    Attributes:
        invocation_id: Its invocation id.
        command: The command that took the lock, such as `sync`.
        host: The host name of its machine.
        pid: Its process id.
        process: A mark that identifies the process, or "" (see `process.process_mark`).
        taken_at: When it took the lock; this and the next two in UTC, by the warehouse's clock.
        seen_at: Its last sign of life.
        expires_at: When the lock expires without another sign of life.
        is_expired: Whether that time has passed.
    """

    invocation_id: str
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
        """Whether the next run can take the lock: it has expired, or the process ran on this machine and has ended."""
        return self.is_expired or has_ended(self.process)

    def __str__(self) -> str:
        return escaped(
            f"{self.command} run {self.invocation_id} on {self.host} (process {self.pid}), "
            f"since {self.taken_at:%H:%M:%S}, last sign of life {self.seen_at:%H:%M:%S} UTC"
        )


class RunLock:
    """The lock of one ledger, for one run.

    Args:
        project: The dbt project whose adapter is used.
        location: The location of the ledger.
        invocation_id: The run's invocation id.
        command: The command that takes the lock, such as `sync`.

    Attributes:
        invocation_id: The run's invocation id.
        turn: How often the lock was taken, this time included; None before. If it is one more than when something was
            read from the ledger, no other run has written in between.
    """

    def __init__(self, project: DbtProject, location: Location, *, invocation_id: str, command: str) -> None:
        self._project = project
        self._ledger = location
        self.invocation_id = invocation_id
        self._run: dict[str, Any] = {
            "invocation_id": invocation_id,
            "command": command,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": process_mark(),
        }
        self.turn: int | None = None
        self._leases_work = False
        self._lease = 0.0
        self._signed_at = self._certain_until = -math.inf

    def is_certain(self) -> bool:
        """Whether no other run can have the lock, as far as the warehouse said last. Any thread may call it.

        If it returns False, the run may still have the lock: the next renewal tells.
        """
        return _now() < self._certain_until

    def take(self, session: Session) -> LockOwner | None:
        """Take the lock if it is free; otherwise return its owner.

        Raises:
            LockedError: Other runs take and release the lock all the time.
        """
        dead = None
        for _ in range(_TRIES):
            began = _now()
            self.turn = session.call("take_lock", ledger=self._ledger, run=self._run, dead=dead)
            if self.turn is not None:
                # If a transaction does not protect the lock, long work needs a long lease.
                self._lease = float(session.call("lease"))
                self._leases_work = session.call("working_lease") != self._lease
                self._signed(began)
                return None
            owner = _owner(session, self._ledger)
            if owner is None:  # it was released just now, or somebody has deleted the row
                session.call("restore_lock", ledger=self._ledger)
                time.sleep(_PAUSE)
            elif owner.is_dead and owner.invocation_id != dead:
                dead = owner.invocation_id
            else:
                return owner
        raise LockedError("Other runs take the ledger's lock all the time.", advice="Try again.")

    def release(self, session: Session) -> None:
        """Release the lock."""
        self._certain_until = -math.inf
        release(session, self._ledger, self.invocation_id)

    @contextlib.contextmanager
    def transaction(self, session: Session) -> Iterator[None]:
        """Run a short piece of work in a transaction that only the owner can commit.

        Raises:
            LockedError: Another run has taken the lock.
        """
        began = _now()
        with session.transaction():
            self._renew(session)
            yield
        self._signed(began)

    @contextlib.contextmanager
    def work(self, session: Session) -> Iterator[None]:
        """Do the same for work that may outlast the lease, and renew the lock at the end.

        If a transaction does not protect the row, the lock gets a long lease for the work (`working_lease`).
        """
        if self._leases_work:
            with session.transaction():
                self._renew(session, working=True)
        began = _now()
        with session.transaction():
            self._renew(session)
            yield
            took_long = self._leases_work or _now() - began > SIGN_SECONDS
            if took_long:
                self._renew(session)
        if took_long:
            began = _now()
            with session.transaction():  # again, because the clock stands still in DuckDB's transaction
                self._renew(session)
        self._signed(began)

    def keep(self) -> None:
        """Renew the lock if the last renewal was a while ago.

        Raises:
            LockedError: Another run has taken the lock.
        """
        if _now() - self._signed_at > SIGN_SECONDS:
            with self._project.connect("lock") as session, self.transaction(session):
                pass

    def _renew(self, session: Session, *, working: bool = False) -> None:
        if not session.call("renew_lock", ledger=self._ledger, invocation_id=self.invocation_id, working=working):
            self.lost(session)

    def lost(self, session: Session) -> NoReturn:
        """Say that another run has taken the lock.

        Raises:
            LockedError: Always.
        """
        self._certain_until = -math.inf
        owner = _owner(session, self._ledger)
        raise LockedError(
            f"This run has lost the ledger's lock to {f'the {owner}' if owner else 'somebody who released it'}. "
            "It stops before it writes anything more.",
            advice="The next run sends again what Drift accepted and this run has not journaled.",
        )

    def _signed(self, began: float) -> None:
        """Count the lease from before the statement: the warehouse's clock started it later."""
        self._signed_at = began
        self._certain_until = began + CERTAIN_SHARE * self._lease


def _now() -> float:
    return time.clock_gettime(_CLOCK)


def read_owner(project: DbtProject, location: Location) -> LockOwner | None:
    """Return the run that has the lock, alive or dead; None if no run has it."""
    with project.connect("lock") as session:
        return _owner(session, location)


def release(session: Session, ledger: Location, invocation_id: str) -> None:
    """Take the lock away from a run."""
    session.call("release_lock", ledger=ledger, invocation_id=invocation_id)


def _owner(session: Session, ledger: Location) -> LockOwner | None:
    for values in session.rows(session.call("lock_sql", ledger=ledger)):
        return LockOwner(*values)
    return None
