"""`dbt-drift sync`."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    output_options,
    project_from,
    project_options,
    selection_options,
    selectors,
    wait_option,
)


@click.command("sync", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@wait_option
@click.option("--full-refresh", is_flag=True, help="Send everything again, changed or not; makes no second contacts.")
@click.option("--threads", type=click.IntRange(min=1), help="The most requests under way at once.  [default: 128]")
def command(
    *,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    quiet: bool,
    log_format: str,
    output: str,
    threads: int | None,
    wait: float,
    full_refresh: bool,
    **given: Any,
) -> int:
    """Make Drift match the declared models: contacts upserted, tags added and taken away.

    Only what changed since the last sync is sent. What was done is in target/drift_results.json.
    """
    from dbt_drift.cli.console import results_json, sync_reporter  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.options import RunOptions  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.prepare import prepare  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.run import run_syncs  # noqa: PLC0415 - not paid for --help

    # A scheduler's stop is taken like Ctrl-C: what is under way ends, and is journaled.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reporter = sync_reporter(log_format=log_format, quiet=quiet, to_stderr=output == "json")
    prepared = prepare(project_from(given), select=selectors(select), exclude=selectors(exclude))
    options = RunOptions(workers=threads, wait=wait, full_refresh=full_refresh)
    results = run_syncs(prepared, os.environ, reporter, options)
    reporter.run_finished(results)
    if output == "json":
        click.echo(results_json(results))
    return results.exit_code
