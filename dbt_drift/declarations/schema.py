"""The JSON Schema (draft 2020-12) of declarations, for editors and for CI.

Its root is a dbt properties file, open except for the declarations in it, because an editor can only use a schema for a
whole file. The declaration itself is ``#/$defs/Declaration``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dbt_drift.declarations.definition import AttributeName, ColumnField, Declaration


def json_schema() -> dict[str, Any]:
    """Return the schema of a properties file with declarations."""
    (_, attribute, _), structs = msgspec.json.schema_components(
        [Declaration, AttributeName, ColumnField], ref_template="#/$defs/{name}"
    )
    node = _with_drift("Declaration")
    node["properties"]["columns"] = _list_of("Column")
    node["properties"]["versions"] = _list_of("Node")  # a version can have its own meta and columns
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dbt properties file with Drift declarations",
        "description": "Checks `meta.drift` of models, seeds, snapshots and their columns, and leaves the rest to dbt.",
        "type": "object",
        "properties": {kind: _list_of("Node") for kind in ("models", "seeds", "snapshots")},
        "$defs": {
            **structs,
            "Attribute": attribute,
            "Off": {"description": "Not synced, whatever is inherited.", "enum": [False, None]},
            "Node": node,
            "Column": _with_drift("Attribute", "ColumnField"),
        },
    }


def _with_drift(*forms: str) -> dict[str, Any]:
    """Return the schema of a model or column whose ``meta.drift`` has one of these forms, is off, or is absent."""
    drift = {"anyOf": [{"$ref": f"#/$defs/{form}"} for form in (*forms, "Off")]}
    meta = {"type": ["object", "null"], "properties": {"drift": drift}}
    config = {"type": ["object", "null"], "properties": {"meta": meta}}
    return {"type": "object", "properties": {"config": config, "meta": meta}}


def _list_of(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{definition}"}}
