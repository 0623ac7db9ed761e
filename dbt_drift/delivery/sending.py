"""Counts the outcomes of a sync's contacts, and makes a journal entry of each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dbt_drift.delivery.results import ContactCounts, Rejection
from dbt_drift.errors import StoppedError
from dbt_drift.ledger.delta import Entry
from dbt_drift.wording import counted, masked

if TYPE_CHECKING:
    from dbt_drift.binding.settings import Failures
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.drift.contact.change import Outcome
    from dbt_drift.ledger.delta import DeltaRow

REJECTIONS_KEPT = 100

SHARE_COUNTS_FROM = 100
"""The number of contacts with an outcome from which a share of failures counts."""


class Sending:
    """Counts what is sent in one sync.

    Args:
        sync: The sync.
        stage_id: The stage of the delta.
        failures: How many contacts may fail.

    Attributes:
        departed: The number of contacts whose row has left the model and that Drift accepted.
        missing_rows: The number of rows of the model whose contact Drift does not have, and that may not be created.
        rejected_rows: The number of rows of the model that were rejected or failed.
        contacts: The outcomes of the accepted contacts.
        reasons: The number of contacts that were rejected or failed, by reason.
        rejections: The first of these.
    """

    def __init__(self, sync: Sync, stage_id: str, failures: Failures) -> None:
        self._sync = sync
        self._stage_id = stage_id
        self._failures = failures
        self._failed: Counter[str] = Counter()
        self.departed = 0
        self.missing_rows = 0
        self.rejected_rows = 0
        self.contacts = ContactCounts()
        self.reasons: Counter[str] = Counter()
        self.rejections: list[Rejection] = []

    def skips(self, row: DeltaRow) -> bool:  # noqa: ARG002 - every contact of the delta is sent
        """Whether to send nothing for this contact."""
        return False

    def entry(self, row: DeltaRow, outcome: Outcome) -> Entry:
        """Count the outcome of a contact, and return its journal entry."""
        self._count(row, outcome)
        self._count_tags(row, outcome)
        return Entry(
            stage_id=self._stage_id,
            seq=outcome.seq,
            contact_id=outcome.contact_id,
            status=outcome.status,
            attributes_accepted=outcome.attributes_accepted,
            tags_accepted=outcome.tags_accepted,
            reason=outcome.reason,
            # Drift's own message; Postgres cannot store a NUL.
            message=outcome.message and outcome.message.replace("\0", ""),
        )

    def check(self, done: int) -> None:
        """Raise `StoppedError` if too many contacts failed; done: the number of contacts with an outcome."""
        check_failures(self._failures, done, self._failed)

    def _count(self, row: DeltaRow, outcome: Outcome) -> None:
        if outcome.status == "missing":
            self.missing_rows += not row.departed
        elif outcome.status in {"rejected", "failed"}:
            reason = outcome.reason or outcome.status
            self.reasons[reason] += 1
            if not outcome.attributes_accepted:  # an organisation without tags does not stop the sync
                self._failed[reason] += 1
            self.rejected_rows += not row.departed
            if len(self.rejections) < REJECTIONS_KEPT:
                self.rejections.append(Rejection(masked(row.key), reason))
        else:
            self.departed += row.departed
            setattr(self.contacts, outcome.status, getattr(self.contacts, outcome.status) + 1)

    def _count_tags(self, row: DeltaRow, outcome: Outcome) -> None:
        """Count the tags that were written, or the attributes that stand for them."""
        added, removed = len(outcome.tags_added), len(outcome.tags_removed)
        for audience in self._sync.audiences:
            if audience.attribute in outcome.attributes_written:
                sign = row.wanted_tags.get(audience.tag)
                added += sign == "+"
                removed += sign == "-"
        self.contacts.tags_added += added
        self.contacts.tags_removed += removed


def check_failures(limit: Failures, done: int, reasons: Counter[str]) -> None:
    """Compare the failures with the limit.

    Args:
        limit: How many may fail.
        done: The number of contacts with an outcome.
        reasons: How many of these failed, by reason.

    Raises:
        StoppedError: Too many failed.
    """
    failed = sum(reasons.values())
    if failed <= limit.most and (done < SHARE_COUNTS_FROM or failed <= limit.share * done):
        return
    reason, _ = reasons.most_common(1)[0]
    raise StoppedError(
        f"Stopped: {failed:,} of {counted(done, 'contact')} did not get through, most often with {reason}.",
        advice="Look at the table of rejected rows. Correct the cause, then `dbt-drift retry` sends them again; "
        "--max-failures allows more.",
    )
