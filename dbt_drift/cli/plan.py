"""`dbt-drift plan`."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    ignore_option,
    output_options,
    project_from,
    project_options,
    selection_from,
    selection_options,
    warn_of_undeclared,
)
from dbt_drift.terminal import echo, echo_document

if TYPE_CHECKING:
    from dbt_drift.drift.engine.client import DriftClient


@click.command("plan", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@ignore_option
@click.option(
    "--rows",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many contacts of each sync to show; 0 for counts only.",
)
def command(*, rows: int, output: str, ignore_run_results: bool, **given: Any) -> int:
    """Show what a sync would send: contacts, changed values, tags. Sends nothing and needs no token.

    With a token, the mapping is compared with the attributes that Drift has; without one, the plan goes by those that
    the last sync found.

    The values are personal data: `--rows 0` leaves them out where the output is kept.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.plan_view import plan_document, plan_text
    from dbt_drift.delivery.plan import make_plans

    prepared = prepare(project_from(given), selection_from(given), heed_last_build=not ignore_run_results)
    warn_of_undeclared(prepared)
    with contextlib.ExitStack() as stack:
        client = None if (found := _client()) is None else stack.enter_context(found)
        plans = make_plans(prepared, rows=rows, client=client, notice=lambda text: echo(f"WARN {text}", err=True))
    if output == "json":
        echo_document(plan_document(plans))
    else:
        echo(plan_text(plans))
    return 0


def _client() -> DriftClient | None:
    from dbt_drift.drift.auth.find import find_credential
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.url import drift_url

    access = find_credential(os.environ)
    return None if access is None else DriftClient(drift_url(os.environ), access)
