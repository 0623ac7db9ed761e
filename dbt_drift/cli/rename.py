"""`dbt-drift rename`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("rename")
@click.argument("former")
@click.argument("model")
@project_options
def command(former: str, model: str, **given: Any) -> int:
    """Let MODEL, which was called FORMER, go on with the ledger that it had.

    Run it after `dbt parse` and before the next sync. Without it, a sync takes MODEL for a new one: it sends every
    contact again, and no longer takes away the tags that FORMER has set.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.rename import rename
    from dbt_drift.wording import counted

    remembered = rename(prepare(project_from(given)), former, model)
    echo(f"{model} goes on with the ledger of {former}: {counted(remembered, 'contact')} remembered.")
    return 0
