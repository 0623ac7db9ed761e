"""Takes down what dbt 2 wrote of the integration project: `python -m tests.functional.dbt_2.record TARGET_FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"

_EMPTIED = ("macros", "docs")
"""Members of the manifest that are dbt's own sources, two thirds of the file, which nothing of ours reads."""


def record(target: Path) -> None:
    """Copy the artifacts without what belongs to one machine.

    Args:
        target: The target folder of a copy of the integration project that dbt 2 has built.
    """
    RECORDED.mkdir(exist_ok=True)
    root = str(target.resolve().parent)
    for name in ("manifest.json", "run_results.json"):
        artifact: dict[str, Any] = json.loads((target / name).read_text(encoding="utf-8").replace(root, "."))
        artifact["metadata"] |= {member: None for member in ("user_id", "project_id") if member in artifact["metadata"]}
        artifact["metadata"]["env"] = {}
        artifact |= {member: {} for member in _EMPTIED if member in artifact}
        for node in artifact.get("nodes", {}).values():
            node.pop("compiled_code", None)
        content = json.dumps(artifact, indent=1, ensure_ascii=False)
        (RECORDED / name).write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
