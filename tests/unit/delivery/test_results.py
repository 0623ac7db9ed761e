from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.delivery.results import Metadata, Results, RowCounts, SyncResult, SyncStatus, write_results

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "drift_results.v1.schema.json"


def results(*statuses: SyncStatus, sent: int = 0) -> Results:
    metadata = Metadata(
        schema_version="drift_results/v1", dbt_drift_version="0", generated_at="", invocation_id="", project_name="",
        target_name="", adapter_type="", drift_url="",
    )  # fmt: skip
    syncs = [SyncResult(unique_id="m", name="m", status=status, rows=RowCounts(sent=sent)) for status in statuses]
    return Results(metadata=metadata, results=syncs, elapsed_time=0)


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


@given(st.lists(st.integers(0, 10**9), min_size=5, max_size=5), st.integers(-5, 5), st.integers(0, 4))
def test_rows_add_up_or_it_is_said(counts: list[int], off: int, place: int) -> None:
    names = ("unchanged", "sent", "invalid", "rejected", "unfinished")
    rows = RowCounts(read=sum(counts) + off, departed=7, **dict(zip(names, counts, strict=True)))
    assert bool(rows.problem) == bool(off)
    moved = [count + (1 if at == place else -1 if at == (place + 1) % 5 else 0) for at, count in enumerate(counts)]
    rows = RowCounts(read=sum(counts), **dict(zip(names, moved, strict=True)))
    assert bool(rows.problem) == (min(moved) < 0)


def test_counts_that_do_not_add_up_are_no_reason_to_say_that_nothing_was_run() -> None:
    found = results("error")
    found.results[0].rows.read = 1
    assert found.exit_code == 1


def test_the_artifact_is_written_whole(tmp_path: Path) -> None:
    path = write_results(results("success"), tmp_path / "target")
    assert json.loads(path.read_text())["results"][0]["status"] == "success"
    assert [found.name for found in path.parent.iterdir()] == ["drift_results.json"]
