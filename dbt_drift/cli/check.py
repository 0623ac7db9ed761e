"""`dbt-drift check`."""

from __future__ import annotations

import os
from typing import Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    project_from,
    project_options,
    selection_from,
    selection_options,
    warn_of_undeclared,
)


@click.command("check", cls=SelectingCommand)
@project_options
@selection_options
@click.option("--offline", is_flag=True, help="Do not ask Drift anything.")
def command(*, offline: bool, **given: Any) -> int:
    """Check the declarations, the relations that they name, and the access to Drift. Writes and sends nothing.

    What is mapped is compared with the attributes that Drift has, if the token may list them (all_contact_read).
    """
    from dbt_drift.drift.client import DriftClient  # noqa: PLC0415 - not paid for --help
    from dbt_drift.drift.credentials import credential, drift_url  # noqa: PLC0415 - not paid for --help
    from dbt_drift.drift.retry import RetryPolicy  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.fitting import check_mapping  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.prepare import prepare  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.words import counted  # noqa: PLC0415 - not paid for --help

    prepared = prepare(project_from(given), selection_from(given))
    warn_of_undeclared(prepared)
    for sync, _ in prepared.syncs:
        tags = f", {counted(len(sync.audiences), 'audience')}" if sync.audiences else ""
        click.echo(f"ok  {sync.name}: {counted(len(sync.attributes), 'attribute')}{tags}, {sync.relation_name}")
    if not offline:
        once_more = RetryPolicy(tries=2)
        with DriftClient(drift_url(os.environ), credential(os.environ), policy=once_more) as client:
            info = client.token_info()
            click.echo(f"ok  Drift takes the token: {info.organisation or 'organisation unknown'}")
            for notice in check_mapping(prepared, client):
                click.echo(f"warn  {notice}")
    return 0
