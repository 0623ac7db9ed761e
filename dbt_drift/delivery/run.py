"""Runs the selected syncs, one after the other, and says what came of each."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.binding.settings import Failures
from dbt_drift.delivery.guards import Guard
from dbt_drift.delivery.one_sync import OneSync
from dbt_drift.delivery.results import (
    SCHEMA_VERSION,
    Metadata,
    Results,
    SyncResult,
    check_folder,
    write_results,
)
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.delivery.run_session import RunSession
from dbt_drift.delivery.stop import Stop
from dbt_drift.drift.http.local_sandbox import sandbox_at
from dbt_drift.errors import DbtDriftError, cause_of, internal_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.sync_ledger import SyncLedger

_PLAIN = RunOptions()


def run_syncs(
    prepared: Prepared,
    environment: Mapping[str, str],
    reporter: Reporter,
    options: RunOptions = _PLAIN,
    stop: Stop | None = None,
) -> Results:
    """Make Drift match the selected models, and write target/drift_results.json.

    Args:
        prepared: The project and its syncs.
        environment: `DRIFT_API_URL` and the token, or a sign-in.
        reporter: Gets the events of the run.
        options: The user's options.
        stop: Ends the run in order when it is asked to; None for a run that nobody ends.

    Raises:
        ConfigurationError: The token or the URL cannot be used, the ledger belongs to another Drift or to a newer
            version, the plan is not what would be sent now, or the results cannot be written.
        DeclarationError: The mapping does not fit the attributes that Drift has.
        LockedError: Another run is at work on the ledger.
        WarehouseError: The ledger cannot be opened.
    """
    started = time.monotonic()
    # The guard against a model that shrank looks at complete syncs only.
    run = RunSession(prepared, environment, reporter, options, command="sync --key" if options.named else "sync")
    check_folder(prepared.project.target_path)
    reporter.run_started(
        len(prepared.blocked) + len(prepared.syncs),
        project=prepared.project.name,
        target=prepared.project.target_name,
        adapter=prepared.project.adapter_type,
        drift_url=run.url,
        sandbox=sandbox_at(run.url),
    )
    failures = prepared.settings.failures
    if options.max_failures is not None:
        failures = Failures(most=options.max_failures, share=1)
    # Who names contacts means them.
    guard = None if options.named else Guard(prepared.settings.guards, options.max_removals)
    stop = stop or Stop()
    results: list[SyncResult] = []
    with run.begun() as client:

        def work(sync: BoundSync, ledger: SyncLedger) -> SyncResult:
            return OneSync(
                sync,
                ledger,
                client,
                reporter,
                options=options,
                failures=failures,
                stop=stop,
                before_sending=lambda: run.know_organisation(client),
                guard=guard,
            ).run()

        try:
            syncs = run.fit(client)
            if options.plan is not None:
                run.refuse_changed(options.plan, syncs, client)
            # Saved before they are staged, so that the post-hook stages the same form of the sync.
            run.save(syncs)
            run.run_each(syncs, work, results, blocked=prepared.blocked)
        except BaseException as error:
            results += _not_reached(prepared, len(results), error)
            raise
        finally:
            # A run that has begun always leaves results, so that a reader learns how it ended.
            document = Results(
                metadata=Metadata(
                    schema_version=SCHEMA_VERSION,
                    dbt_drift_version=__version__,
                    generated_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
                    invocation_id=run.invocation_id,
                    project_name=prepared.project.name,
                    target_name=prepared.project.target_name,
                    adapter_type=prepared.project.adapter_type,
                    drift_url=run.url,
                ),
                results=results,
                elapsed_time=round(time.monotonic() - started, 3),
            )
            _write(document, prepared.project.target_path, reporter)
        run.ended(document.status)
    return document


def _write(document: Results, folder: Path, reporter: Reporter) -> None:
    """Write the artifact; a full disk must not hide the outcome of the run."""
    try:
        write_results(document, folder)
    except OSError as error:
        reporter.noticed(f"The results could not be written to {folder}: {error.strerror}.")


def _not_reached(prepared: Prepared, done: int, error: BaseException) -> Iterator[SyncResult]:
    """Yield a result for each sync without one: the run broke off at the first of them."""
    said = "Interrupted."
    if isinstance(error, Exception):
        said = str(error) if isinstance(error, DbtDriftError) else internal_error(error)
    syncs = [*(blocked.sync for blocked in prepared.blocked), *prepared.syncs][done:]
    for sync in syncs[:1]:
        yield SyncResult(unique_id=sync.unique_id, name=sync.name, status="error", message=said, cause=cause_of(error))
    for sync in syncs[1:]:
        yield SyncResult(
            unique_id=sync.unique_id, name=sync.name, status="skipped", message="skipped, because the run broke off"
        )
