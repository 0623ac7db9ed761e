"""One sync of a run: fold, stage, send, finish, count."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING

from dbt_drift.delivery.pump import Pump
from dbt_drift.delivery.results import Rejection, RowCounts, SyncResult, failed_before
from dbt_drift.delivery.sending import REJECTIONS_KEPT, Sending
from dbt_drift.errors import DbtDriftError, LockedError, WarehouseError, internal_error
from dbt_drift.wording import counted, masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.binding.settings import Failures
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.guards import Guard
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.run_options import RunOptions
    from dbt_drift.delivery.stop import Stop
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.ledger.delta import Counts
    from dbt_drift.ledger.sync_ledger import SyncLedger


class OneSync:
    """Runs one sync.

    Args:
        sync: The sync.
        ledger: Its ledger.
        client: Drift.
        reporter: Gets the events of the sync.
        options: The user's options.
        failures: How many contacts may fail.
        stop: Ends the sync in order when it is asked to.
        before_sending: Called before the first contact is sent; an error that it raises ends the sync.
        guard: Limits what may be taken away; None for no limit.
    """

    def __init__(
        self,
        sync: Sync,
        ledger: SyncLedger,
        client: DriftClient,
        reporter: Reporter,
        *,
        options: RunOptions,
        failures: Failures,
        stop: Stop,
        before_sending: Callable[[], None],
        guard: Guard | None = None,
    ) -> None:
        self._sync = sync
        self._ledger = ledger
        self._client = client
        self._reporter = reporter
        self._options = options
        self._failures = failures
        self._stop = stop
        self._before_sending = before_sending
        self._guard = guard
        self._staged = False
        self._in_doubt = False
        self._result = SyncResult(unique_id=sync.unique_id, name=sync.name, status="success")

    def run(self) -> SyncResult:
        """Run the sync; its result has the error if one breaks it off. The ledger keeps what Drift acknowledged."""
        started = time.monotonic()
        result = self._result
        try:
            self._sync_rows()
        except DbtDriftError as error:
            result.status, result.message, result.cause = "error", str(error), error.kind
            self._keep_rejected(error)
        except Exception as error:  # noqa: BLE001 - a bug: the result still says what was sent
            result.status, result.message, result.cause = "error", internal_error(error), "internal"
            traceback.print_exc()
        else:
            if result.status == "success" and result.reasons:
                self._warn()
        if problem := result.rows.problem:
            # The ledger is right: only the counts are wrong.
            result.status, result.cause = "error", "internal"
            result.message = f"Internal error: {problem} Please report it. {result.message}".rstrip()
        result.execution_time = round(time.monotonic() - started, 3)
        return result

    def _warn(self) -> None:
        result = self._result
        failed = counted(sum(result.reasons.values()), "row")
        words = [result.message] if result.message else []
        words.append(f"{failed} did not get through: see {self._ledger.rejected}")
        if given_up := result.rows.given_up:
            words.append(f"{given_up:,} given up in earlier runs, `dbt-drift retry` sends them again")
        result.status, result.message = "warn", "; ".join(words)

    def _sync_rows(self) -> None:
        self._stop.check()
        options = self._options
        # A full refresh makes what was seen uncertain.
        tags_seen = options.full_refresh and self._ledger.a_tag_is_seen()
        stage_id, counts = self._ledger.find_changes(
            full_refresh=options.full_refresh, retry=options.retry, reason=options.retry_reason, named=options.named
        )
        self._reporter.staged(self._sync, counts)
        self._count_staged(counts)
        if self._guard and (why := self._guard.check(self._sync, counts)):
            self._result.status, self._result.message = "blocked", why
            self._result.cause = self._guard.cause(self._sync, counts)
            return
        if why := self._not_as_planned(counts):
            self._result.status, self._result.message, self._result.cause = "blocked", why, "plan"
            return
        self._staged = True
        if total := min(counts.sendable, self._options.limit or counts.sendable):
            if counts.has_tags and (tags_seen or self._ledger.a_tag_is_seen()):
                self._client.tags_were_seen()
            self._send(stage_id, total)
        if left := counts.sendable - total:
            self._result.message = f"{counted(left, 'contact')} left for the next run, because of --limit"
        self._ledger.finish()
        self._result.rejected_relation = self._ledger.rejected

    def _not_as_planned(self, counts: Counts) -> str:
        """Return why the approved plan is not what would be sent; "" if it is, or if there is none."""
        plan = self._options.plan
        if plan is None or self._ledger.digest(counts) == plan.digest_of(self._sync.unique_id):
            return ""
        return "Blocked, with nothing sent: the model was built again while the run compared it with its plan."

    def _keep_rejected(self, error: DbtDriftError) -> None:
        """Write the rejected rows of a sync that broke off. If the warehouse failed, the next run does it."""
        if not self._staged or isinstance(error, WarehouseError | LockedError):
            return
        try:
            self._ledger.finish(in_doubt=self._in_doubt)
        except WarehouseError as lost:
            self._result.message += f"\n  {lost}"
        else:
            self._result.rejected_relation = self._ledger.rejected

    def _send(self, stage_id: str, total: int) -> None:
        self._before_sending()
        with self._client.dispatcher() as dispatcher:
            sending = Sending(self._sync, stage_id, self._failures)
            pump = Pump(
                self._ledger,
                dispatcher,
                self._sync,
                total,
                sending,
                stop=self._stop,
                page_read=self._reporter.page_read,
            )
            self._ledger.begin_sending(stage_id)
            try:
                pump.run(
                    lambda done: self._reporter.progress(
                        self._sync, done, total, sending.rejected_rows, dispatcher.statistics()
                    )
                )
            finally:
                statistics = dispatcher.statistics()
                self._result.requests, self._result.throttled = statistics.requests, statistics.throttled
                self._result.new_contacts = dispatcher.new_contacts.counts
                self._in_doubt = pump.in_doubt
                self._count_sent(sending)

    def _count_staged(self, counts: Counts) -> None:
        self._result.rows = RowCounts.staged(counts)
        self._result.reasons = dict(Counter(counts.invalid) + Counter(failed_before(counts)))
        if counts.invalid:
            self._result.rejections = [
                Rejection(masked(row.key), row.reason, row.attribute) for row in self._ledger.invalid(REJECTIONS_KEPT)
            ]

    def _count_sent(self, sending: Sending) -> None:
        contacts, rows = sending.contacts, self._result.rows
        self._result.contacts = contacts
        rows.departed = sending.departed
        rows.rejected = sending.rejected_rows
        rows.missing += sending.missing_rows
        rows.sent = contacts.created + contacts.updated + contacts.matched - sending.departed
        rows.unfinished -= rows.sent + rows.rejected + sending.missing_rows
        self._result.reasons = dict(Counter(self._result.reasons) + sending.reasons)
        self._result.rejections = (self._result.rejections + sending.rejections)[:REJECTIONS_KEPT]
