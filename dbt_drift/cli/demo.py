"""`dbt-drift demo`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from dbt_drift.cli.extras import needing
from dbt_drift.terminal import echo


@click.command("demo")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put the project, to keep and change it.  [default: a temporary folder]",
)
@click.option("--wait/--no-wait", default=None, help="Keep the sandbox up at the end.  [default: on a terminal]")
def command(directory: Path | None, *, wait: bool | None) -> int:
    """Watch a whole dbt project being built on DuckDB and synced to a sandbox."""
    with needing("demo"):
        importlib.import_module("duckdb")  # what dbt-duckdb brings: better missed now than after a build
        from dbt_drift.demo.run import DemoError, run_demo

    try:
        run_demo(directory=directory, wait=sys.stdout.isatty() if wait is None else wait)
    except DemoError as error:
        echo(f"Error: {error}", err=True)
        return 1
    return 0
