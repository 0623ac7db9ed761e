"""`dbt-drift ls`: the declared syncs, from the manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    document_option,
    project_from,
    project_options,
    selection_from,
    selection_options,
)
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, echo_document

if TYPE_CHECKING:
    from dbt_drift.declarations.audiences import AudienceMapping
    from dbt_drift.declarations.sync import Sync

LS_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""


@click.command("ls", cls=SelectingCommand)
@project_options
@selection_options
@document_option
def ls_command(*, output: str, **given: Any) -> int:
    """List the models that declare a sync, with what they fill in Drift. Needs no warehouse and no token.

    Reads target/manifest.json: run `dbt parse` after you change a declaration.
    """
    from dbt_drift.declarations.manifest import read_manifest
    from dbt_drift.declarations.syncs import declare
    from dbt_drift.project.gateway import DbtProject

    project = DbtProject.load(project_from(given))
    path = project.target_path / "manifest.json"
    manifest, selection = read_manifest(path), selection_from(given)
    chosen = project.select(path, selection) if selection.is_made else None
    syncs = [sync for sync in declare(manifest) if chosen is None or sync.unique_id in chosen]
    if output == "json":
        nodes = {node.unique_id: node.depends_on for node in manifest.nodes.values()}
        upstream = {unique_id: found.nodes if found else [] for unique_id, found in nodes.items()}
        echo_document(
            {"ls_version": LS_VERSION, "syncs": [_document(sync, upstream[sync.unique_id]) for sync in syncs]}
        )
    else:
        for sync in syncs:
            echo(escaped(_line(sync)))
    return 0


def _document(sync: Sync, upstream: list[str]) -> dict[str, Any]:
    return {
        "unique_id": sync.unique_id,
        "name": sync.name,
        "relation": sync.relation_name,
        "path": sync.path,
        "match_on": sync.match_on,
        "attributes": [{"attribute": one.attribute, "column": one.column} for one in sync.attributes],
        "audiences": [
            {
                "tag": None if one.attribute else one.tag,
                "tag_from": one.tag_from,
                "attribute": one.attribute,
                "mode": one.mode,
                "when": one.when,
            }
            for one in sync.audiences
        ],
        "upstream": upstream,
    }


def _line(sync: Sync) -> str:
    parts = [f"attributes {', '.join(one.attribute for one in sync.attributes)}"]
    if sync.audiences:
        parts.append(f"audiences {', '.join(_audience(one) for one in sync.audiences)}")
    return f"{sync.name}  {sync.relation_name}  {'; '.join(parts)}"


def _audience(audience: AudienceMapping) -> str:
    if audience.tag_from is not None:
        return f"from {audience.tag_from} ({audience.mode})"
    return f"{audience.attribute or audience.tag} ({audience.mode})"
