"""`dbt-drift untag`."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options


@click.command("untag")
@click.argument("model")
@click.argument("tag")
@project_options
def command(model: str, tag: str, **given: Any) -> int:
    """Take TAG away from the contacts that MODEL gave it to, once MODEL no longer declares it or is gone.

    Nobody else loses the tag. What is left when this breaks off, the next call does.
    """
    from dbt_drift.cli.console import sync_reporter  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.departed import untag  # noqa: PLC0415 - not paid for --help
    from dbt_drift.sync.prepare import prepare  # noqa: PLC0415 - not paid for --help

    # A scheduler's stop is taken like Ctrl-C: what is under way ends, and is journaled.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reporter = sync_reporter(log_format="default", quiet=False, to_stderr=False)
    prepared = prepare(project_from(given), needs_syncs=False)
    result = untag(prepared, model, tag, os.environ, reporter)
    return 0 if result.status == "success" else 1
