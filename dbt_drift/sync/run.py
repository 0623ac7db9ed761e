"""Runs the selected syncs, one after the other, and says what came of each."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.binding.attribute_types import fit_to_drift
from dbt_drift.binding.settings import Failures
from dbt_drift.drift.auth.find import credential
from dbt_drift.drift.engine.client import WORKERS, DriftClient
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.local_sandbox import sandbox_at
from dbt_drift.drift.http.url import drift_url
from dbt_drift.errors import DbtDriftError, internal_error
from dbt_drift.ledger.saved_syncs import save_syncs
from dbt_drift.sync.guards import Guard
from dbt_drift.sync.one_sync import OneSync
from dbt_drift.sync.results import (
    SCHEMA_VERSION,
    Metadata,
    Results,
    SyncResult,
    check_folder,
    write_results,
)
from dbt_drift.sync.run_options import RunOptions
from dbt_drift.sync.run_session import RunSession
from dbt_drift.sync.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.ledger.lock import RunLock
    from dbt_drift.sync.reporter import Reporter

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
        environment: Where Drift is, and what opens it.
        reporter: Told of each step.
        options: What the user asked of this run.
        stop: Asked whether the run is to end early; None for a run that nobody ends.

    Raises:
        ConfigurationError: The token or the URL cannot be used, the ledger belongs to another Drift or to a newer
            program, or the results cannot be written.
        DeclarationError: The mapping does not fit the attributes that Drift has.
        LockedError: Another run is at work on the ledger.
        WarehouseError: The ledger cannot be opened.
    """
    started = time.monotonic()
    url, access = drift_url(environment), credential(environment)
    rate = prepared.settings.rate_limit
    check_folder(prepared.project.target_path)
    limiter = RateLimiter(rate.requests or None, rate.seconds)
    reporter.run_started(
        len(prepared.blocked) + len(prepared.syncs),
        project=prepared.project.name,
        target=prepared.project.target_name,
        adapter=prepared.project.adapter_type,
        drift_url=url,
        sandbox=sandbox_at(url),
    )
    run = RunSession(prepared, command="sync", url=url, invocation_id=options.invocation_id)
    results: list[SyncResult] = []
    with run.begun(wait=options.wait, waiting=reporter.waiting) as lock:
        # Only a tag that was seen, or that nobody can see, is written down as set.
        tags_seen = any(audience.is_seen for audience in prepared.registered)
        workers = options.workers or WORKERS
        try:
            with DriftClient(
                url, access, limiter=limiter, workers=workers, tags_seen=tags_seen, may_send=lock.is_certain
            ) as client:
                _run_all(run, lock, client, reporter, options, stop=stop or Stop(), results=results)
        except BaseException as error:
            results += _not_reached(prepared, len(results), error)
            raise
        finally:
            # Of a run that has begun there are results, however it ends: who reads them must not find it well.
            document = Results(
                metadata=Metadata(
                    schema_version=SCHEMA_VERSION,
                    dbt_drift_version=__version__,
                    generated_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
                    invocation_id=run.invocation_id,
                    project_name=prepared.project.name,
                    target_name=prepared.project.target_name,
                    adapter_type=prepared.project.adapter_type,
                    drift_url=url,
                ),
                results=results,
                elapsed_time=round(time.monotonic() - started, 3),
            )
            _write(document, prepared.project.target_path, reporter)
        run.ended(document.status)
    return document


def _write(document: Results, folder: Path, reporter: Reporter) -> None:
    """Write the artifact; a disk that is full by now does not hide what came of the run."""
    try:
        write_results(document, folder)
    except OSError as error:
        reporter.noticed(f"The results could not be written to {folder}: {error.strerror}.")


def _not_reached(prepared: Prepared, done: int, error: BaseException) -> Iterator[SyncResult]:
    """Yield a result for each sync that has none: the run has broken off at the first of them."""
    said = "Interrupted."
    if isinstance(error, Exception):
        said = str(error) if isinstance(error, DbtDriftError) else internal_error(error)
    syncs = [*(blocked.sync for blocked in prepared.blocked), *(sync for sync in prepared.syncs)][done:]
    for sync in syncs[:1]:
        yield SyncResult(unique_id=sync.unique_id, name=sync.name, status="error", message=said)
    for sync in syncs[1:]:
        yield SyncResult(
            unique_id=sync.unique_id, name=sync.name, status="skipped", message="skipped, because the run broke off"
        )


def _run_all(
    run: RunSession,
    lock: RunLock,
    client: DriftClient,
    reporter: Reporter,
    options: RunOptions,
    *,
    stop: Stop,
    results: list[SyncResult],
) -> None:
    """Run one sync after the other, and add what came of each to the results."""
    prepared, notices = fit_to_drift(run.prepared, client, remember=True)
    for notice in [*prepared.notices, *notices]:
        reporter.noticed(notice)
    # As they are staged: what a post-hook stages by another view of the sync would have to be staged anew.
    save_syncs(prepared.project, prepared.location, prepared.syncs)
    failures = prepared.settings.failures
    if options.max_failures is not None:
        failures = Failures(most=options.max_failures, share=1)
    guard = Guard(prepared.settings.guards, options.max_removals)
    syncs = prepared.syncs
    total = len(prepared.blocked) + len(syncs)
    for index, blocked in enumerate(prepared.blocked, start=1):
        result = SyncResult(
            unique_id=blocked.sync.unique_id, name=blocked.sync.name, status="blocked", message=blocked.why
        )
        results.append(result)
        run.synced(result)
        reporter.sync_finished(index, total, result)
    broken = ""
    for index, sync in enumerate(syncs, start=len(results) + 1):
        if broken:
            result = SyncResult(unique_id=sync.unique_id, name=sync.name, status="skipped", message=broken)
        else:
            reporter.sync_started(index, total, sync)
            ledger = prepared.ledger(sync, lock=lock, tell=reporter.noticed)
            result = OneSync(
                sync, ledger, client, reporter, options=options, failures=failures, stop=stop, guard=guard
            ).run()
            if result.status == "error":
                broken = f"skipped, because {sync.name} broke off"
        results.append(result)
        run.synced(result)
        reporter.sync_finished(index, total, result)
