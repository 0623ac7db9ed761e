"""`dbt-drift attributes`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from dbt_drift.cli.options import document_option, project_from, project_options
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, echo_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.operations.attributes import InventoryEntry

ATTRIBUTES_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""


@click.command("attributes")
@project_options
@document_option
def command(*, output: str, **given: Any) -> int:
    """List the contact attributes that Drift has, and the columns that fill them.

    Needs a token with the scope all_contact_read; the warehouse is not used.
    """
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url
    from dbt_drift.operations.attributes import declared_syncs, inventory

    syncs = declared_syncs(project_from(given))
    with DriftClient(drift_url(os.environ), credential(os.environ), policy=RetryPolicy(tries=2)) as client:
        entries = inventory(client.attributes(), syncs)
    if output == "json":
        document = {"attributes_version": ATTRIBUTES_VERSION, "attributes": entries}
        echo_document(document)
    else:
        echo("\n".join(_lines(entries)))
    return 0


def _lines(entries: list[InventoryEntry]) -> Iterator[str]:
    """Yield a table: what Drift lists first, then what only the mapping has."""
    rows = [("attribute", "type", "label", "filled by")]
    for entry in sorted(entries, key=lambda entry: entry.type is None):
        writers = ", ".join(f"{writer.name}.{writer.column}" for writer in entry.mapped_by)
        rows.append((entry.name, "(not listed)" if entry.type is None else entry.type, entry.label or "", writers))
    cells = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1]]
    for row in cells:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
