"""`dbt-drift plan`."""

from __future__ import annotations

import sys
from typing import Any

import click
from msgspec import structs

from dbt_drift.cli.options import (
    SelectingCommand,
    build_from,
    build_options,
    key_option,
    log_options,
    project_from,
    project_options,
    selection_from,
    selection_options,
)
from dbt_drift.terminal import echo, echo_document, live_line


@click.command("plan", cls=SelectingCommand)
@project_options
@selection_options
@log_options
@click.option(
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="How the outcome is printed on stdout: for people, as one JSON document, or as a comment of a pull request.",
)
@build_options
@key_option
@click.option(
    "--rows",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="The number of contacts of each sync to show; 0 for counts only.",
)
@click.option(
    "--against-target",
    metavar="TARGET",
    help="Compare the models of this target with the ledger of that one, read-only: for a pull request.",
)
@click.option("--out", metavar="FILE", help="Save the plan for `dbt-drift sync --plan FILE`, without personal data.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="End with exit code 2 if a sync would send something, 0 if not, 1 after an error, as `terraform plan` does.",
)
def plan_command(
    *,
    rows: int,
    keys: tuple[str, ...],
    output: str,
    out: str | None,
    against_target: str | None,
    detailed_exitcode: bool,
    **given: Any,
) -> int:
    """Show what a sync would send: contacts, changed values, tags. Sends nothing and needs no token.

    With a token, it compares the mapping with Drift's attributes; without one, with those that the last sync found.

    The values are personal data: use `--rows 0` if the output is kept. `--output markdown` shows none.
    """
    if keys and out:
        raise click.UsageError("A plan of some contacts cannot be saved: --key does not go with --out.")
    if against_target and out:
        raise click.UsageError("A sync has the ledger of its own target: --against-target does not go with --out.")
    from dbt_drift import api
    from dbt_drift.cli.views.markdown import plan_markdown
    from dbt_drift.cli.views.plan import plan_document, plan_text

    plans = api.plan(
        **structs.asdict(project_from(given)),
        **structs.asdict(selection_from(given)),
        **build_from(given),
        rows=rows,
        keys=keys,
        out=out,
        against_target=against_target,
        notice=lambda text: echo(f"WARN {text}", err=True),
        progress=lambda text: live_line.draw([text], sys.stderr),
    )
    if output == "json":
        echo_document(plan_document(plans))
    elif output == "markdown":
        echo(plan_markdown(plans))
    else:
        echo(plan_text(plans))
    return 2 if detailed_exitcode and any(plan.counts.sendable for plan in plans) else 0
