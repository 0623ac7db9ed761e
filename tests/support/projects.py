"""Small manifests, in the shape that dbt writes, for tests to declare things in."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from dbt_drift.declarations.manifest import Manifest

VERSION_12 = "https://schemas.getdbt.com/dbt/manifest/v12.json"
EMAIL = {"fields": {"email": "email"}}


def node(
    name: str = "dim_contacts", drift: Any = None, *, columns: dict[str, Any] | None = None, **members: Any
) -> dict[str, Any]:
    """Return a node as dbt 1.10 and later write it, its ``meta`` both at the top and in ``config``.

    Args:
        name: The name of the node.
        drift: Its ``meta.drift``; None leaves the key out.
        columns: The ``meta.drift`` of each column.
        members: Whatever else differs: ``version``, ``package_name``, ``materialized`` or any member of the node.
    """
    kind = members.pop("resource_type", "model")
    package = members.pop("package_name", "jaffle")
    version = members.get("version")
    materialized = members.pop("materialized", "table")
    meta = {} if drift is None else {"drift": drift}
    alias = name if version is None else f"{name}_v{version}"
    return {
        "unique_id": ".".join([kind, package, name, *([] if version is None else [f"v{version}"])]),
        "resource_type": kind,
        "name": name,
        "package_name": package,
        "alias": alias,
        "database": "dev",
        "schema": "marts",
        "relation_name": None if materialized == "ephemeral" else f'"dev"."marts"."{alias}"',
        "original_file_path": f"models/{name}.sql",
        "patch_path": f"{package}://models/{name}.yml",
        "config": {"materialized": materialized, "enabled": True, "meta": meta},
        "meta": meta,
        "columns": {
            column: {"name": column, "meta": {"drift": attribute}, "config": {"meta": {"drift": attribute}}}
            for column, attribute in (columns or {}).items()
        },
        "tags": [],
        "fqn": [package, name],
        **members,
    }


def manifest_json(*nodes: dict[str, Any], disabled: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """Return the manifest of a project named jaffle that has these nodes."""
    places = {"source": "sources", "exposure": "exposures"}
    manifest: dict[str, Any] = {"nodes": {}, "sources": {}, "exposures": {}, "disabled": {}, "macros": {}}
    for one in nodes:
        manifest[places.get(one["resource_type"], "nodes")][one["unique_id"]] = one
    for one in disabled:
        manifest["disabled"].setdefault(one["unique_id"], []).append(one)
    metadata = {"dbt_schema_version": VERSION_12, "dbt_version": "1.10.2", "project_name": "jaffle"}
    return {"metadata": metadata, **manifest}


def manifest(*nodes: dict[str, Any], disabled: tuple[dict[str, Any], ...] = ()) -> Manifest:
    """Return the same manifest as dbt-drift reads it."""
    return msgspec.json.decode(json.dumps(manifest_json(*nodes, disabled=disabled)), type=Manifest)
