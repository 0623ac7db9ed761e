"""`dbt-drift schema`."""

from __future__ import annotations

import click

from dbt_drift.terminal import echo_document


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of properties files with declarations, for an editor or for CI.

    Into a file: `dbt-drift schema > drift.schema.json`.
    """
    from dbt_drift.declarations.schema import json_schema

    echo_document(json_schema())
