"""Contacts of a delta on their way: pages in, outcomes out, and what is known of each in the journal.

One thread reads pages, submits, collects and journals; the dispatcher's threads only send. The warehouse is so used by
one thread at a time, and never while it waits for Drift.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from dbt_drift.delivery.to_change import contact_change
from dbt_drift.errors import WarehouseLostError
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.stop import Stop
    from dbt_drift.drift.contact.change import Outcome
    from dbt_drift.drift.engine.dispatcher import Dispatcher
    from dbt_drift.ledger.delta import DeltaRow, Entry
    from dbt_drift.ledger.sync_ledger import SyncLedger

PAGE_ROWS = 2000
"""Contacts read at once: a page is short work for the warehouse and lasts Drift's default quota 40 seconds."""

UNWRITTEN_ROWS = 500
"""What a kill can cost: so many contacts, at most, are under way or answered and not in the journal yet. The fold goes
by the same number (`most_unjournaled` in fold.sql)."""

FLUSH_ROWS = 250
FLUSH_SECONDS = 2.0
"""When answers go to the journal: half of the above, so that the other half goes on meanwhile."""

TELL_SECONDS = 0.2


class Purpose(Protocol):
    """What contacts are on their way for."""

    def skips(self, row: DeltaRow) -> bool:
        """Whether nothing is asked of Drift about this contact."""

    def entry(self, row: DeltaRow, outcome: Outcome) -> Entry | None:
        """Count what came of a contact, and return what the journal keeps of it, if anything."""

    def check(self, done: int) -> None:
        """Raise `StoppedError` where too much goes wrong; done: contacts that have their outcome."""


class Pump:
    """The contacts of one sync on their way.

    Args:
        ledger: The sync's ledger, staged.
        dispatcher: Sends; used for this sync alone.
        sync: What is synced.
        total: How many contacts the delta numbers.
        purpose: What is done about them.
        stop: Whether the run is to end before.

    Attributes:
        done: Contacts that have their outcome, and those that were skipped.
    """

    def __init__(
        self, ledger: SyncLedger, dispatcher: Dispatcher, sync: Sync, total: int, purpose: Purpose, *, stop: Stop
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._sync = sync
        self._total = total
        self._purpose = purpose
        self._stop = stop
        self._read = 0
        self._page: deque[DeltaRow] = deque()
        self._open: dict[int, DeltaRow] = {}
        self._unwritten: list[Entry] = []
        self._written_at = time.monotonic()
        self.done = 0

    @property
    def in_doubt(self) -> bool:
        """Whether contacts are open of which Drift may have taken something."""
        return bool(self._open or self._unwritten)

    def run(self, tell: Callable[[int], None]) -> None:
        """Ask about every contact; what is known when something breaks off is journaled before it is raised.

        Args:
            tell: Told how many contacts are done, a few times a second.

        Raises:
            DriftUnavailableError: Drift refuses every request or cannot be reached.
            LockedError: Another run has taken the lock.
            WarehouseError: The warehouse refused a page or the journal.
            StoppedError: The user ended the run, or too much goes wrong.
        """
        told_at = -math.inf
        try:
            while self.done < self._total:
                self._stop.check()
                self._submit()
                self._take(self._dispatcher.collect(timeout=TELL_SECONDS))
                self._purpose.check(self.done)
                if (now := time.monotonic()) - told_at >= TELL_SECONDS or self.done == self._total:
                    told_at = now
                    tell(self.done)
                if len(self._unwritten) >= FLUSH_ROWS or time.monotonic() - self._written_at > FLUSH_SECONDS:
                    self._write()
        finally:
            # Requests under way may still be taken by Drift: wait for their answers, so that none is asked for again.
            self._dispatcher.stop()
            try:
                self._take(self._dispatcher.collect(timeout=0))
            finally:
                self._write_last()

    def _submit(self) -> None:
        for _ in range(min(self._dispatcher.room, UNWRITTEN_ROWS - len(self._open) - len(self._unwritten))):
            while not self._page and self._read < self._total:
                self._read_page()
            if not self._page:
                return
            change = contact_change(self._page[0], self._sync)
            if change.guarded_by_drift and not self._dispatcher.new_contacts.room:
                return
            row = self._page.popleft()
            self._open[row.seq] = row
            self._dispatcher.submit(change)

    def _read_page(self) -> None:
        upto = min(self._read + PAGE_ROWS, self._total)
        rows = self._ledger.page(self._read, upto)
        self._page.extend(row for row in rows if not self._purpose.skips(row))
        self.done += len(rows) - len(self._page)
        self._read = upto

    def _take(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            row = self._open.pop(outcome.seq)
            self.done += 1
            if (entry := self._purpose.entry(row, outcome)) is not None:
                self._unwritten.append(entry)

    def _write_last(self) -> None:
        """Write what is left, or say what is lost of it."""
        try:
            self._write()
        except WarehouseLostError as lost:
            raise WarehouseLostError(
                str(lost),
                advice=f"The answers for {counted(len(self._unwritten), 'contact')} could not be written down: the "
                "next run asks Drift for them again. Run it when the warehouse is back.",
            ) from lost

    def _write(self) -> None:
        if self._unwritten:
            self._ledger.record(self._unwritten)
            self._unwritten = []
        else:
            self._ledger.keep_lock()
        self._written_at = time.monotonic()
