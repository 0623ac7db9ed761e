"""Writes the files that derive from the definition: ``python -m dbt_drift.declarations [docs folder]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dbt_drift.declarations.reference import reference_page
from dbt_drift.declarations.schema import json_schema


def generated() -> dict[str, str]:
    """Return the content of each generated file by its path below the docs folder."""
    return {
        "reference/declarations.md": reference_page(),
        "schemas/meta.drift.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }


def main(docs: Path) -> None:
    """Write the generated files below the docs folder."""
    for name, content in generated().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
