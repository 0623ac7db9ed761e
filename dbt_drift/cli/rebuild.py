"""`dbt-drift rebuild`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    project_from,
    project_options,
    selection_from,
    selection_options,
    wait_option,
)


@click.command("rebuild", cls=SelectingCommand)
@project_options
@selection_options
@wait_option
@click.option("--threads", type=click.IntRange(min=1), help="The most requests under way at once.  [default: 128]")
def command(*, threads: int | None, wait: float, **given: Any) -> int:
    """Rebuild a lost ledger: look up each contact that it does not remember. Writes nothing to Drift.

    The next sync then sends what really differs. One request a row, or more; can be interrupted and run again.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.console import Console
    from dbt_drift.delivery.run_options import RunOptions
    from dbt_drift.delivery.stop import Stop, stopping_on_signals
    from dbt_drift.operations.rebuild import run_rebuild

    reporter = Console(sys.stdout, quiet=False)
    stop = Stop()
    with stopping_on_signals(stop):
        prepared = prepare(project_from(given), selection_from(given))
        results = run_rebuild(prepared, os.environ, reporter, RunOptions(workers=threads, wait=wait), stop)
    if all(result.status == "success" for result in results):
        return 0
    return 1 if any(result.contacts.matched for result in results) else 2
