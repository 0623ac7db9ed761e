"""One run at a time: the ledger's lock, held by a run from before it stages until it has folded.

The lock is one row of the ledger, good for a lease by the warehouse's clock (macros/ledger/lock.sql). A run that
stages, journals or folds renews it in the same transaction, and stops where it is not its own any more: what a run
writes it writes as the owner. While nothing is written, `keep` gives the sign of life, from the same thread.

What a run sends to Drift it sends as the owner too. Other threads do that, and cannot ask the warehouse each time:
`is_certain` tells them by this machine's clock, which goes on while the machine sleeps.
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

from dbt_drift.errors import LockedError
from dbt_drift.escaping import escaped
from dbt_drift.ledger.process import has_ended, process_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session

SIGN_SECONDS = 20.0
"""How often a run that has nothing to write gives a sign of life: the lease (`lease` in lock.sql) takes six."""

CERTAIN_SHARE = 0.75
"""For this part of the lease the lock is certain. In the rest of it, half a minute, nothing new goes out, and what has
gone out has its answer or is given up (see `drift.transport.Timeouts`) before another run can have the lock."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that goes on while the machine sleeps: Linux has CLOCK_BOOTTIME for it, macOS's CLOCK_MONOTONIC does."""


class LockOwner(msgspec.Struct, frozen=True):
    """The run that has the lock.

    Attributes:
        invocation_id: Its invocation id.
        command: `sync` or `rebuild`.
        host: The machine that it runs on.
        pid: Its process there.
        process: What tells this process from all others, or "" (see `process.process_mark`).
        taken_at: Since when it has it. This and the next two: UTC, by the warehouse's clock.
        seen_at: Its last sign of life.
        expires_at: When the lock is free, should no other sign come.
        is_expired: Whether that time is over.
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
        """Whether the next run takes the lock: its time is over, or it was a process of this machine and has ended."""
        return self.is_expired or has_ended(self.process)

    def __str__(self) -> str:
        return escaped(
            f"{self.command} run {self.invocation_id} on {self.host} (process {self.pid}), "
            f"since {self.taken_at:%H:%M:%S}, last sign of life {self.seen_at:%H:%M:%S} UTC"
        )


class RunLock:
    """The lock of one ledger, as one run takes it.

    Args:
        project: The dbt project whose adapter is used.
        location: Where the ledger lies.
        invocation_id: The run's invocation id.
        command: `sync` or `rebuild`.
    """

    def __init__(self, project: DbtProject, location: Location, *, invocation_id: str, command: str) -> None:
        self._project = project
        self._ledger = location
        self._run: dict[str, Any] = {
            "invocation_id": invocation_id,
            "command": command,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": process_mark(),
        }
        self._leases_work = False
        self._lease = 0.0
        self._signed_at = self._certain_until = -math.inf

    def is_certain(self) -> bool:
        """Whether nobody else can have the lock, by what the warehouse said last; to be asked from any thread.

        Where it is not, the run may have it all the same: the next sign of life tells.
        """
        return _now() < self._certain_until

    def take(self, session: Session) -> LockOwner | None:
        """Take the lock if it is free; return who has it if it is not."""
        own = self._run["invocation_id"]
        before = _owner(session, self._ledger)
        dead = before.invocation_id if before is not None and before.is_dead else None
        began = _now()
        with session.transaction():
            session.call("take_lock", ledger=self._ledger, run=self._run, dead=dead)
        owner = _owner(session, self._ledger)
        if owner is None:  # released in this moment
            return self.take(session)
        if owner.invocation_id != own:
            release(session, self._ledger, own)  # where an engine let both in, the later one steps back
            return owner
        # Where a transaction does not keep others from the lock, long work begins with a long lease.
        self._lease = float(session.call("lease"))
        self._leases_work = session.call("working_lease") != self._lease
        self._signed(began)
        return None

    def release(self, session: Session) -> None:
        """Let the next run in."""
        self._certain_until = -math.inf
        release(session, self._ledger, self._run["invocation_id"])

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
        """Do the same for work that may outlast the lease: it ends with a fresh sign of life, not with a stale one.

        Where a transaction does not keep others from the row, the lease is a long one meanwhile (`working_lease`).
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
            with session.transaction():  # once more: in DuckDB's transaction the clock stood still
                self._renew(session)
        self._signed(began)

    def keep(self) -> None:
        """Give a sign of life, if the last one was a while ago.

        Raises:
            LockedError: Another run has taken the lock.
        """
        if _now() - self._signed_at > SIGN_SECONDS:
            with self._project.connect("lock") as session, self.transaction(session):
                pass

    def _renew(self, session: Session, *, working: bool = False) -> None:
        if session.call("renew_lock", ledger=self._ledger, invocation_id=self._run["invocation_id"], working=working):
            return
        self._certain_until = -math.inf
        owner = _owner(session, self._ledger)
        raise LockedError(
            f"This run has lost the ledger's lock to {f'the {owner}' if owner else 'somebody who released it'}. "
            "It stops before it writes anything more.",
            advice="What Drift accepted and is not written down yet is asked for again by the next run.",
        )

    def _signed(self, began: float) -> None:
        """Count the lease from before the warehouse was asked, whose own clock began it later."""
        self._signed_at = began
        self._certain_until = began + CERTAIN_SHARE * self._lease


def _now() -> float:
    return time.clock_gettime(_CLOCK)


def read_owner(project: DbtProject, location: Location) -> LockOwner | None:
    """Return the run that has the lock, alive or dead; None where nobody has it."""
    with project.connect("lock") as session:
        return _owner(session, location)


def release(session: Session, ledger: Location, invocation_id: str) -> None:
    """Take the lock away from a run."""
    with session.transaction():
        session.call("release_lock", ledger=ledger, invocation_id=invocation_id)


def _owner(session: Session, ledger: Location) -> LockOwner | None:
    for values in session.rows(session.call("lock_sql", ledger=ledger)):
        return LockOwner(*values)
    return None
