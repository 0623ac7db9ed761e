"""Runs the selected syncs, one after the other, and says what came of each."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.drift.client import WORKERS, DriftClient
from dbt_drift.drift.credentials import access_token, drift_url
from dbt_drift.drift.limiter import RateLimiter
from dbt_drift.errors import ConfigurationError
from dbt_drift.sync.options import RunOptions
from dbt_drift.sync.results import (
    FILE_NAME,
    SCHEMA_VERSION,
    Metadata,
    Results,
    SyncResult,
    write_results,
)
from dbt_drift.sync.sync_run import SyncRun
from dbt_drift.warehouse.ledger import claim_destination

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.sync.prepare import Prepared
    from dbt_drift.sync.reporter import Reporter

_PLAIN = RunOptions()


def run_syncs(
    prepared: Prepared, environment: Mapping[str, str], reporter: Reporter, options: RunOptions = _PLAIN
) -> Results:
    """Make Drift match the selected models, and write target/drift_results.json.

    Args:
        prepared: The project and its syncs.
        environment: Where `DRIFT_ACCESS_TOKEN` and `DRIFT_API_URL` are.
        reporter: Told of each step.
        options: What the user asked of this run.

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
    with DriftClient(url, token, limiter=limiter, workers=options.workers or WORKERS) as client:
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
            result = SyncRun(sync, prepared.ledger(spec), client, reporter).run()
            if result.status == "error":
                broken = f"skipped, because {sync.name} broke off"
        results.append(result)
        reporter.sync_finished(index, total, result)
    return results
