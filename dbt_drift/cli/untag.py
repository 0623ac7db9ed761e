"""`dbt-drift untag`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("untag")
@click.argument("model")
@click.argument("tag")
@project_options
def command(model: str, tag: str, **given: Any) -> int:
    """Take TAG away from the contacts that MODEL gave it to, once MODEL no longer declares it or is gone.

    Nobody else loses the tag. What is left when this breaks off, the next call does.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.console import Untagging
    from dbt_drift.delivery.stop import Stop, stopping_on_signals
    from dbt_drift.operations.untag import untag
    from dbt_drift.wording import counted

    reporter = Untagging(sys.stdout, quiet=False)
    stop = Stop()
    with stopping_on_signals(stop):
        prepared = prepare(project_from(given), needs_syncs=False)
        result = untag(prepared, model, tag, os.environ, reporter, stop=stop)
    done = f"Done in {result.execution_time:.2f}s with {counted(result.requests, 'request')}."
    if result.status != "success":
        done += " Run it again: it goes on with the contacts that still carry the tag."
    echo(done)
    return 0 if result.status == "success" else 1
