"""`dbt-drift sync`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    output_options,
    project_options,
    selection_options,
    sending_options,
    wait_option,
)


@click.command("sync", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@wait_option
@click.option("--full-refresh", is_flag=True, help="Send everything again, changed or not; makes no second contacts.")
@sending_options
def command(
    **given: Any,
) -> int:
    """Make Drift match the declared models: contacts upserted, tags added and taken away.

    Only what changed since the last sync is sent. What was done is in target/drift_results.json.
    """
    from dbt_drift.cli.running import run_and_report

    return run_and_report(given)
