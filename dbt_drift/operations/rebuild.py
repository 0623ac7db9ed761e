"""Rebuilds a lost ledger: looks up each contact that it does not remember, and remembers what Drift already has.

A rebuild stages, journals and folds as a sync does, but looks contacts up instead of writing them. After a kill, run it
again to go on. It remembers only values that the model wants too, so the next sync sends only what really differs.
"""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from dbt_drift.delivery.pump import Pump
from dbt_drift.delivery.results import RowCounts, SyncResult
from dbt_drift.delivery.run_session import RunSession
from dbt_drift.delivery.stop import Stop
from dbt_drift.drift.contact.upsert import look_up
from dbt_drift.errors import DbtDriftError, internal_error
from dbt_drift.ledger.delta import Entry
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.run_options import RunOptions
    from dbt_drift.drift.contact.change import Outcome
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.ledger.delta import DeltaRow
    from dbt_drift.ledger.sync_ledger import SyncLedger


def run_rebuild(
    prepared: Prepared,
    environment: Mapping[str, str],
    reporter: Reporter,
    options: RunOptions,
    stop: Stop | None = None,
) -> list[SyncResult]:
    """Fill the ledger with what Drift has of the selected models.

    Args:
        prepared: The project and its syncs.
        environment: `DRIFT_API_URL` and the token, or a sign-in.
        reporter: Gets the events of the run.
        options: The user's options.
        stop: Ends the run in order when it is asked to; None for a run that nobody ends.

    Returns:
        One result for each sync: `contacts.matched` were found, and the next sync has to send the `unfinished` rows.

    Raises:
        ConfigurationError: The token or the URL cannot be used, or the ledger belongs to another Drift or to a newer
            version.
        DeclarationError: The mapping does not fit the attributes that Drift has.
        LockedError: Another run is at work on the ledger.
        WarehouseError: The ledger cannot be opened.
    """
    run = RunSession(prepared, environment, reporter, options, command="rebuild")
    stop = stop or Stop()
    results: list[SyncResult] = []
    with run.begun() as client:
        run.know_organisation(client)
        run.run_each(run.fit(client), lambda sync, ledger: _rebuild(sync, ledger, client, reporter, stop), results)
        run.ended("error" if any(result.status == "error" for result in results) else "success")
    return results


def _rebuild(sync: Sync, ledger: SyncLedger, client: DriftClient, reporter: Reporter, stop: Stop) -> SyncResult:
    """Rebuild the ledger of one sync; if an error breaks it off, the result has the error."""
    started = time.monotonic()
    result = SyncResult(unique_id=sync.unique_id, name=sync.name, status="success")
    try:
        stage_id, counts = ledger.find_changes()
        reporter.staged(sync, counts)
        result.rows = RowCounts.staged(counts)
        with client.dispatcher(look_up) as dispatcher:
            looking = _Looking(ledger, sync, stage_id)
            pump = Pump(ledger, dispatcher, sync, counts.sendable, looking, stop=stop, page_read=reporter.page_read)
            try:
                pump.run(lambda done: reporter.progress(sync, done, counts.sendable, 0, dispatcher.statistics()))
            finally:
                statistics = dispatcher.statistics()
                result.requests, result.throttled = statistics.requests, statistics.throttled
                result.contacts.matched = looking.found
        ledger.fold()
        result.message = (
            f"{counted(looking.found, 'contact')} found and remembered, {looking.missing:,} not in Drift or not certain"
        )
    except DbtDriftError as error:
        result.status, result.message = "error", str(error)
    except Exception as error:  # noqa: BLE001 - a bug: the result still says what was found
        result.status, result.message = "error", internal_error(error)
        traceback.print_exc()
    result.execution_time = round(time.monotonic() - started, 3)
    return result


class _Looking:
    """Counts the look-ups of one sync.

    Attributes:
        found: The number of contacts that Drift has.
        missing: The number of rows without a contact, or without a certain one.
    """

    def __init__(self, ledger: SyncLedger, sync: Sync, stage_id: str) -> None:
        self._ledger = ledger
        self._sync = sync
        self._stage_id = stage_id
        self.found = 0
        self.missing = 0

    def skips(self, row: DeltaRow) -> bool:
        """Whether the ledger already remembers the contact: then it needs a sync, not a look-up."""
        return row.is_remembered

    def entry(self, row: DeltaRow, outcome: Outcome) -> Entry | None:
        """Count the outcome of a look-up, and return a journal entry if the contact was found."""
        # A contact that was found by its address and lacks the externalId is not remembered: a sync has to send it.
        if outcome.status != "matched" or self._sync.match_on in outcome.lacking:
            self.missing += 1
            return None
        self.found += 1
        confirmed = row.wanted.keys() - outcome.lacking
        # As in a first sync, a tag that the audience wants and the contact carries counts as set by dbt-drift.
        tags = set()
        for audience in self._sync.audiences:
            wanted = row.wanted_tags.get(audience.tag)
            if audience.attribute is not None and wanted and audience.attribute not in outcome.lacking:
                tags.add(audience.tag)
            elif audience.attribute is None and wanted and outcome.tags is not None:
                tags |= {audience.tag} if (wanted == "+") == (audience.tag in outcome.tags) else set()
        return Entry(
            stage_id=self._stage_id,
            seq=row.seq,
            contact_id=outcome.contact_id,
            status="matched",
            attributes_accepted=True,
            tags_accepted=True,
            reason=None,
            message=None,
            confirmed_columns=self._ledger.columns_of(confirmed, tags),
        )

    def check(self, done: int) -> None:
        """Do nothing: a contact that is not found is no failure."""
