from __future__ import annotations

import json
from pathlib import Path

import pytest

from dbt_drift.sync.__main__ import results_schema
from dbt_drift.sync.results import Metadata, Results, RowCounts, SyncResult, SyncStatus, write_results

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "drift_results.v1.schema.json"


def results(*statuses: SyncStatus, sent: int = 0) -> Results:
    metadata = Metadata(
        schema_version="drift_results/v1", dbt_drift_version="0", generated_at="", invocation_id="", project_name="",
        target_name="", adapter_type="", drift_url="",
    )  # fmt: skip
    syncs = [SyncResult(unique_id="m", name="m", status=status, rows=RowCounts(sent=sent)) for status in statuses]
    return Results(metadata=metadata, results=syncs, elapsed_time=0)


def test_the_published_schema_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text()) == results_schema(), "run `python -m dbt_drift.sync`"


@pytest.mark.parametrize(
    ("statuses", "sent", "code"),
    [
        (("success",), 0, 0),
        (("success", "warn"), 0, 1),
        (("warn",), 0, 1),
        (("success", "error"), 0, 1),
        (("error", "skipped"), 7, 1),
        (("error", "skipped"), 0, 2),
    ],
)
def test_exit_codes(statuses: tuple[SyncStatus, ...], sent: int, code: int) -> None:
    assert results(*statuses, sent=sent).exit_code == code


def test_the_artifact_is_written_whole(tmp_path: Path) -> None:
    path = write_results(results("success"), tmp_path / "target")
    assert json.loads(path.read_text())["results"][0]["status"] == "success"
    assert [found.name for found in path.parent.iterdir()] == ["drift_results.json"]
