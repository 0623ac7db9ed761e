"""Holds the ledger's lock for an operation that asks Drift nothing."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

from dbt_drift.delivery.run_session import take_ledger
from dbt_drift.errors import LockedError
from dbt_drift.ledger.lock import LockOwner, RunLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.session import Session


@contextlib.contextmanager
def alone(prepared: Prepared, command: str) -> Iterator[tuple[Session, RunLock, Registry]]:
    """Hold the ledger's lock for a short piece of work on the ledger alone; yields what is on record too.

    Args:
        prepared: The project and its syncs.
        command: What is at work, for whoever finds the lock taken.

    Raises:
        ConfigurationError: A newer program has written the ledger.
        LockedError: Another run is at work.
    """
    with prepared.project.connect(command) as session:
        lock = RunLock(prepared.project, prepared.location, invocation_id=str(uuid.uuid4()), command=command)
        found = take_ledger(session, prepared, lock)
        if isinstance(found, LockOwner):
            raise LockedError(f"Another run is at work on the ledger: {found}.", advice="Try again when it has ended.")
        try:
            yield session, lock, found
        finally:
            lock.release(session)
