"""`dbt-drift unlock`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("unlock")
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Release the lock of a run that gives signs of life, too: it stops.")
def command(*, yes: bool, force: bool, **given: Any) -> int:
    """Release the lock that a run left behind. It expires by itself, two minutes after the run was killed."""
    from dbt_drift.errors import LockedError
    from dbt_drift.operations.status import find_lock, release_lock

    project, location, owner = find_lock(project_from(given))
    if owner is None:
        echo(f"Nobody holds the lock of the ledger in the schema {location.schema}.")
        return 0
    echo(f"The lock of the ledger in the schema {location.schema} is held by the {owner}.")
    if not owner.is_dead and not force:
        raise LockedError(
            "That run gives signs of life: its lock is not released.",
            advice="Stop the run, or wait for it. With --force it stops before it writes anything more.",
        )
    if not owner.is_dead:
        echo(
            "Warning: that run gives signs of life. What Drift has accepted from it and it has not written down is "
            "asked for again by the next run.",
            err=True,
        )
    if not yes:
        click.confirm("Release it?", abort=True)
    release_lock(project, location, owner)
    echo("Released.")
    return 0
