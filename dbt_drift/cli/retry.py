"""`dbt-drift retry`."""

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


@click.command("retry", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@sending_options
@wait_option
@click.option("--reason", help="Only rows with this reason; without it, all that are given up.")
def command(*, reason: str | None, **given: Any) -> int:
    """Sync, and send the rows that were given up in earlier runs once more.

    The report and the exit codes are those of `dbt-drift sync`.
    """
    from dbt_drift.cli.running import run_and_report

    return run_and_report(given, retry=True, reason=reason)
