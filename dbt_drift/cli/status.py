"""`dbt-drift status`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo, echo_document


@click.command("status")
@project_options
@click.option(
    "--runs", default=5, show_default=True, type=click.IntRange(min=0), help="How many of the last runs to show."
)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How the outcome is printed on stdout: for people, or as one JSON document.",
)
def command(*, runs: int, output: str, **given: Any) -> int:
    """Show the ledger: who is at work, the last runs, what waits, what was rejected, its size. Writes nothing."""
    from dbt_drift.cli.status_view import status_document, status_text
    from dbt_drift.operations.status import read_status

    status = read_status(project_from(given), runs=runs)
    if output == "json":
        echo_document(status_document(status))
    else:
        echo(status_text(status))
    return 0
