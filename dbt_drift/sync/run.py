"""Runs the selected syncs, one after the other, and says what came of each."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.drift.client import WORKERS, DriftClient
from dbt_drift.drift.credentials import access_token, drift_url
from dbt_drift.drift.limiter import RateLimiter
from dbt_drift.errors import ConfigurationError, DbtDriftError
from dbt_drift.sync.privacy import masked
from dbt_drift.sync.results import (
    FILE_NAME,
    SCHEMA_VERSION,
    Metadata,
    Rejection,
    Results,
    RowCounts,
    SyncResult,
    write_results,
)
from dbt_drift.sync.sending import REJECTIONS_KEPT, Sending
from dbt_drift.sync.words import counted
from dbt_drift.warehouse.ledger import claim_destination

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.declarations.syncs import Sync
    from dbt_drift.sync.prepare import Prepared
    from dbt_drift.sync.reporter import Reporter
    from dbt_drift.warehouse.ledger import Counts, SyncLedger


def run_syncs(
    prepared: Prepared, environment: Mapping[str, str], reporter: Reporter, *, workers: int | None = None
) -> Results:
    """Make Drift match the selected models, and write target/drift_results.json.

    Args:
        prepared: The project and its syncs.
        environment: Where `DRIFT_ACCESS_TOKEN` and `DRIFT_API_URL` are.
        reporter: Told of each step.
        workers: The most requests under way at once; None for enough to use the quota at a latency of two seconds.

    Raises:
        ConfigurationError: The token or the URL cannot be used, or the ledger belongs to another Drift.
    """
    started = time.monotonic()
    url, token = drift_url(environment), access_token(environment)
    rate = prepared.settings.rate_limit
    # What an earlier run left may not pass for this one's, should this one be killed.
    (prepared.project.target_path / FILE_NAME).unlink(missing_ok=True)
    limiter = RateLimiter(rate.requests or None, rate.seconds)
    reporter.run_started(
        len(prepared.syncs),
        project=prepared.project.name,
        target=prepared.project.target_name,
        adapter=prepared.project.adapter_type,
        drift_url=url,
    )
    _claim(prepared, url)
    with DriftClient(url, token, limiter=limiter, workers=workers or WORKERS) as client:
        results = _run_all(prepared, client, reporter)
    document = Results(
        metadata=Metadata(
            schema_version=SCHEMA_VERSION,
            dbt_drift_version=__version__,
            generated_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            invocation_id=str(uuid.uuid4()),
            project_name=prepared.project.name,
            target_name=prepared.project.target_name,
            adapter_type=prepared.project.adapter_type,
            drift_url=url,
        ),
        results=results,
        elapsed_time=round(time.monotonic() - started, 3),
    )
    write_results(document, prepared.project.target_path)
    return document


def _claim(prepared: Prepared, url: str) -> None:
    """Refuse a ledger that describes another Drift: what it calls accepted, this one has never seen."""
    claimed = claim_destination(prepared.project, prepared.location, url)
    if claimed != url:
        raise ConfigurationError(
            f"The ledger in the schema {prepared.location.schema} describes {claimed}, and DRIFT_API_URL is {url}.",
            advice="Give each Drift a ledger of its own: another dbt target, or "
            "--vars '{dbt_drift: {schema: <another schema>}}'.",
        )


def _run_all(prepared: Prepared, client: DriftClient, reporter: Reporter) -> list[SyncResult]:
    results: list[SyncResult] = []
    total = len(prepared.syncs)
    broken = ""
    for index, (sync, spec) in enumerate(prepared.syncs, start=1):
        if broken:
            result = SyncResult(unique_id=sync.unique_id, name=sync.name, status="skipped", message=broken)
        else:
            reporter.sync_started(index, total, sync)
            result = _SyncRun(sync, prepared.ledger(spec), client, reporter).run()
            if result.status == "error":
                broken = f"skipped, because {sync.name} broke off"
        results.append(result)
        reporter.sync_finished(index, total, result)
    return results


class _SyncRun:
    """One sync from its difference to its result."""

    def __init__(self, sync: Sync, ledger: SyncLedger, client: DriftClient, reporter: Reporter) -> None:
        self._sync = sync
        self._ledger = ledger
        self._client = client
        self._reporter = reporter
        self._result = SyncResult(unique_id=sync.unique_id, name=sync.name, status="success")

    def run(self) -> SyncResult:
        """Do it; what breaks it off is in the result, and what was acknowledged until then is kept."""
        started = time.monotonic()
        result = self._result
        try:
            self._sync_rows()
        except DbtDriftError as error:
            result.status, result.message = "error", str(error)
        else:
            if failed := sum(result.reasons.values()):
                result.status = "warn"
                result.message = f"{counted(failed, 'row')} did not get through: see {self._ledger.rejected}"
        result.execution_time = round(time.monotonic() - started, 3)
        return result

    def _sync_rows(self) -> None:
        self._ledger.open()
        self._ledger.fold()
        stage_id = uuid.uuid4().hex
        counts = self._ledger.stage(stage_id)
        self._reporter.staged(self._sync, counts)
        self._count_staged(counts)
        if counts.sendable:
            self._send(stage_id, counts.sendable)
        self._ledger.finish()
        self._result.rejected_relation = self._ledger.rejected

    def _send(self, stage_id: str, total: int) -> None:
        with self._client.dispatcher() as dispatcher:
            sending = Sending(self._ledger, dispatcher, self._sync.match_on, stage_id, total)
            try:
                sending.run(lambda done: self._reporter.progress(self._sync, done, total, dispatcher.statistics()))
            finally:
                statistics = dispatcher.statistics()
                self._result.requests, self._result.throttled = statistics.requests, statistics.throttled
                self._count_sent(sending)

    def _count_staged(self, counts: Counts) -> None:
        invalid = sum(counts.invalid.values())
        self._result.rows = RowCounts(
            read=counts.rows,
            unchanged=counts.unchanged,
            invalid=invalid,
            unfinished=counts.sendable - counts.departed,
        )
        self._result.reasons = dict(counts.invalid)
        if invalid:
            self._result.rejections = [
                Rejection(masked(row.key), row.reason, row.attribute) for row in self._ledger.invalid(REJECTIONS_KEPT)
            ]

    def _count_sent(self, sending: Sending) -> None:
        contacts, rows = sending.contacts, self._result.rows
        self._result.contacts = contacts
        rows.departed = sending.departed
        rows.rejected = sending.rejected_rows
        rows.sent = contacts.created + contacts.updated + contacts.matched - sending.departed
        rows.unfinished -= rows.sent + rows.rejected
        self._result.reasons = dict(Counter(self._result.reasons) + sending.reasons)
        self._result.rejections = (self._result.rejections + sending.rejections)[:REJECTIONS_KEPT]
