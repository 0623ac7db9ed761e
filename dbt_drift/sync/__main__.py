"""Writes the schema of target/drift_results.json: ``python -m dbt_drift.sync [docs folder]``."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from dbt_drift.sync.results import Results


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the results file, made from its types."""
    (root,), definitions = msgspec.json.schema_components([Results], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "target/drift_results.json of dbt-drift",
        **root,
        "$defs": definitions,
    }


def main(docs: Path) -> None:
    """Write the schema below the docs folder."""
    path = docs / "schemas" / "drift_results.v1.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
