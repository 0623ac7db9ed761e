"""`dbt-drift adopt`."""

from __future__ import annotations

from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("adopt")
@click.argument("model")
@click.argument("tag")
@click.argument("members")
@click.option("--column", help="Its column with what MODEL matches on. Default: named as in MODEL.")
@project_options
def command(model: str, tag: str, members: str, *, column: str | None, **given: Any) -> int:
    """Take contacts for members of the mirror TAG of MODEL, as if it had tagged them. Sends nothing.

    MEMBERS is a model, seed or snapshot that lists who carries the tag in Drift. The next sync takes the tag away from
    those who are no members by MODEL.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.adopt import adopt
    from dbt_drift.wording import counted

    adopted = adopt(prepare(project_from(given)), model, tag, members=members, column=column)
    echo(f"Adopted: {counted(adopted, 'contact')}. `dbt-drift plan` shows who would lose {tag!r}.")
    return 0
