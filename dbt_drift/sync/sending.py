"""One sync's contacts on their way: pages in, outcomes out, and each outcome in the journal.

One thread reads pages, submits, collects and journals; the dispatcher's threads only send. The warehouse is so used by
one thread at a time, and never while it waits for Drift.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from dbt_drift.errors import WarehouseLostError
from dbt_drift.sync.changes import contact_change
from dbt_drift.sync.failures import check_failures
from dbt_drift.sync.privacy import masked
from dbt_drift.sync.results import ContactCounts, Rejection
from dbt_drift.sync.words import counted
from dbt_drift.warehouse.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.declarations.syncs import Sync
    from dbt_drift.drift.changes import Outcome
    from dbt_drift.drift.dispatcher import Dispatcher
    from dbt_drift.sync.settings import Failures
    from dbt_drift.sync.stopping import Stop
    from dbt_drift.warehouse.ledger import DeltaRow, SyncLedger

PAGE_ROWS = 2000
"""Contacts read at once: a page is short work for the warehouse and lasts Drift's default quota 40 seconds."""

UNWRITTEN_ROWS = 500
"""What a kill can cost: so many contacts, at most, are under way or answered and not in the journal yet. The fold goes
by the same number (`most_unjournaled` in fold.sql)."""

FLUSH_ROWS = 250
FLUSH_SECONDS = 2.0
"""When answers go to the journal: half of the above, so that the other half goes on meanwhile."""

TELL_SECONDS = 0.2

REJECTIONS_KEPT = 100


class Sending:
    """The state of one sync while it sends.

    Args:
        ledger: The sync's ledger, staged.
        dispatcher: Sends; used for this sync alone.
        sync: What is synced.
        stage_id: The stage that the delta belongs to.
        total: How many contacts the delta numbers.
        failures: How many of them may fail.
        stop: Whether the run is to end before.

    Attributes:
        done: Contacts that have their outcome.
        departed: Of these, contacts whose row has left the model and that got through.
        rejected_rows: Of these, rows of the model that did not get through.
        contacts: What came of them.
        reasons: How many did not get through, by reason.
        rejections: The first of these.
    """

    def __init__(
        self,
        ledger: SyncLedger,
        dispatcher: Dispatcher,
        sync: Sync,
        stage_id: str,
        total: int,
        *,
        failures: Failures,
        stop: Stop,
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._sync = sync
        self._stage_id = stage_id
        self._total = total
        self._failures = failures
        self._stop = stop
        self._read = 0
        self._page: deque[DeltaRow] = deque()
        self._open: dict[int, DeltaRow] = {}
        self._unwritten: list[Entry] = []
        self._written_at = time.monotonic()
        self.done = 0
        self.departed = 0
        self.rejected_rows = 0
        self.contacts = ContactCounts()
        self.reasons: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self.rejections: list[Rejection] = []

    @property
    def in_doubt(self) -> bool:
        """Whether contacts are open whose attributes or tags may have been written."""
        return bool(self._open or self._unwritten)

    def run(self, tell: Callable[[int], None]) -> None:
        """Send everything; what is acknowledged when something breaks off is journaled before it is raised.

        Args:
            tell: Told how many contacts are done, a few times a second.

        Raises:
            DriftUnavailableError: Drift refuses every request or cannot be reached.
            LockedError: Another run has taken the lock.
            WarehouseError: The warehouse refused a page or the journal.
            StoppedError: The user ended the run, or too many contacts failed.
        """
        told_at = -math.inf
        self._ledger.begin_sending(self._stage_id)
        try:
            while self.done < self._total:
                self._stop.check()
                self._submit()
                self._take(self._dispatcher.collect(timeout=TELL_SECONDS))
                check_failures(self._failures, self.done, self._failed)
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
            if not self._page and self._read < self._total:
                upto = min(self._read + PAGE_ROWS, self._total)
                self._page.extend(self._ledger.page(self._read, upto))
                self._read = upto
            if not self._page:
                return
            change = contact_change(self._page[0], self._sync)
            if change.guarded_by_drift and not self._dispatcher.first_contacts.room:
                return
            row = self._page.popleft()
            self._open[row.seq] = row
            self._dispatcher.submit(change)

    def _take(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            row = self._open.pop(outcome.seq)
            self.done += 1
            self._count(row, outcome)
            self._unwritten.append(
                Entry(
                    stage_id=self._stage_id,
                    seq=outcome.seq,
                    contact_id=outcome.contact_id,
                    status=outcome.status,
                    attributes_accepted=outcome.attributes_accepted,
                    tags_accepted=outcome.tags_accepted,
                    reason=outcome.reason,
                    # Drift's own words; a NUL among them is what Postgres cannot store.
                    message=outcome.message and outcome.message.replace("\0", ""),
                )
            )

    def _count(self, row: DeltaRow, outcome: Outcome) -> None:
        if outcome.status in {"rejected", "failed"}:
            reason = outcome.reason or outcome.status
            self.reasons[reason] += 1
            if not outcome.attributes_accepted:  # an organisation without tags is no reason to stop
                self._failed[reason] += 1
            self.rejected_rows += not row.departed
            if len(self.rejections) < REJECTIONS_KEPT:
                self.rejections.append(Rejection(masked(row.key), reason))
        else:
            self.departed += row.departed
            setattr(self.contacts, outcome.status, getattr(self.contacts, outcome.status) + 1)
        self._count_tags(row, outcome)

    def _count_tags(self, row: DeltaRow, outcome: Outcome) -> None:
        """Count what was written: of a tag itself, or of the attribute in its place."""
        added, removed = len(outcome.tags_added), len(outcome.tags_removed)
        for audience in self._sync.audiences:
            if audience.attribute in outcome.attributes_written:
                sign = row.wanted_tags.get(audience.tag)
                added += sign == "+"
                removed += sign == "-"
        self.contacts.tags_added += added
        self.contacts.tags_removed += removed

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
