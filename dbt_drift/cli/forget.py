"""`dbt-drift forget`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("forget")
@click.argument("model")
@click.argument("tag")
@project_options
def command(model: str, tag: str, **given: Any) -> int:
    """Forget that MODEL set TAG, once MODEL no longer declares it or is gone. Drift keeps the tag."""
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.untag import forget_tag
    from dbt_drift.wording import counted

    audience = forget_tag(prepare(project_from(given), needs_syncs=False), model, tag)
    echo(f"Forgotten: {counted(audience.tagged_contacts, 'contact')} of {model} keep the tag {tag!r} in Drift.")
    return 0
