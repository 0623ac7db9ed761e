"""Pumps the contacts of a delta through the dispatcher: reads pages, submits contacts, journals outcomes.

One thread reads, submits, collects and journals; the dispatcher's threads only send. So only one thread uses the
warehouse, and it holds no connection while it waits for Drift.
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
"""The number of contacts in a page: short work for the warehouse, and 40 seconds of Drift's default quota."""

UNWRITTEN_ROWS = 500
"""The largest number of contacts under way, or answered and not journaled yet: what a kill can cost. The fold uses the
same number (`most_unjournaled` in fold.sql)."""

FLUSH_ROWS = 250
FLUSH_SECONDS = 2.0
"""When answers go to the journal: after half of the above, so that the other half goes on meanwhile."""

TELL_SECONDS = 0.2


class Purpose(Protocol):
    """What a pump does with the contacts."""

    def skips(self, row: DeltaRow) -> bool:
        """Whether to send nothing for this contact."""

    def entry(self, row: DeltaRow, outcome: Outcome) -> Entry | None:
        """Count the outcome of a contact, and return its journal entry, if it gets one."""

    def check(self, done: int) -> None:
        """Raise `StoppedError` if too much fails; done: the number of contacts with an outcome."""


class Pump:
    """Pumps the contacts of one sync.

    Args:
        ledger: The sync's ledger, staged.
        dispatcher: Sends the contacts; used for this sync only.
        sync: The sync.
        total: The number of contacts in the delta.
        purpose: What to do with the contacts.
        stop: Ends the pump in order when it is asked to.
        page_read: Gets the rows of each page, and when its reading began, as `Reporter.page_read`.

    Attributes:
        done: The number of contacts with an outcome, and of those skipped.
    """

    def __init__(
        self,
        ledger: SyncLedger,
        dispatcher: Dispatcher,
        sync: Sync,
        total: int,
        purpose: Purpose,
        *,
        stop: Stop,
        page_read: Callable[[int, int], None],
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._sync = sync
        self._total = total
        self._purpose = purpose
        self._stop = stop
        self._page_read = page_read
        self._read = 0
        self._page: deque[DeltaRow] = deque()
        self._open: dict[int, DeltaRow] = {}
        self._unwritten: list[Entry] = []
        self._written_at = time.monotonic()
        self.done = 0

    @property
    def in_doubt(self) -> bool:
        """Whether Drift may have accepted something of contacts that are not journaled."""
        return bool(self._open or self._unwritten)

    def run(self, tell: Callable[[int], None]) -> None:
        """Pump all contacts. If an error breaks off, journal what is known, then raise it.

        Args:
            tell: Gets the number of contacts that are done, a few times a second.

        Raises:
            DriftUnavailableError: Drift refuses every request or cannot be reached.
            LockedError: Another run has taken the lock.
            WarehouseError: The warehouse refused a page or a journal entry.
            StoppedError: The user ended the run, or too much failed.
        """
        told_at = -math.inf
        try:
            while self.done < self._total:
                self._stop.check()
                self._submit()
                self._ledger.let_go()
                self._take(self._dispatcher.collect(timeout=TELL_SECONDS))
                self._purpose.check(self.done)
                if (now := time.monotonic()) - told_at >= TELL_SECONDS or self.done == self._total:
                    told_at = now
                    tell(self.done)
                if len(self._unwritten) >= FLUSH_ROWS or time.monotonic() - self._written_at > FLUSH_SECONDS:
                    self._write()
        finally:
            # Drift may accept requests under way: wait for the answers, or the next run sends them again.
            self._ledger.let_go()
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
        began = time.time_ns()
        rows = self._ledger.page(self._read, upto)
        self._page_read(len(rows), began)
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
        """Write the last entries, or say how many are lost."""
        try:
            self._write()
        except WarehouseLostError as lost:
            raise WarehouseLostError(
                str(lost),
                advice=f"The answers for {counted(len(self._unwritten), 'contact')} could not be journaled: the "
                "next run sends these contacts again. Run it when the warehouse is back.",
            ) from lost

    def _write(self) -> None:
        if self._unwritten:
            self._ledger.record(self._unwritten)
            self._unwritten = []
        else:
            self._ledger.keep_lock()
        self._written_at = time.monotonic()
