"""The history of runs, `dbt-drift status`, and results that add up whatever happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.delivery.one_sync import OneSync
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.sandbox.behaviour import Fault
from tests.support.ledgers import FIELDS, VIP, command, lock_as, people, rows_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench


def test_each_run_and_each_of_its_syncs_has_its_row(bench: Bench) -> None:
    people(bench, 3)
    results = bench.run()
    bench.execute("update $.people set email = 'bad' where name = 'Name 1'")
    bench.sync()
    bench.sandbox.change(faults=[Fault(status=401)])
    bench.execute("update $.people set name = 'New' where name = 'Name 2'")
    bench.sync()

    statuses = rows_of(bench, "drift_runs", "status, finished_at is null", "started_at, 2 desc")
    assert statuses == [
        ("running", True), ("success", False), ("running", True), ("warn", False), ("running", True), ("error", False),
    ]  # fmt: skip
    first = rows_of(bench, "drift_runs", "invocation_id, command, target, drift_url, pid", "started_at")[0]
    assert first[:4] == (results.metadata.invocation_id, "sync", "dev", bench.sandbox.url)
    columns = "status, rows_read, rows_unchanged, rows_sent, rows_invalid, rows_unfinished, created, tags_added"
    assert rows_of(bench, "drift_run_syncs", columns, "finished_at") == [
        ("success", 3, 0, 3, 0, 0, 3, 3),
        ("warn", 3, 2, 0, 1, 0, 0, 0),
        ("error", 3, 1, 0, 1, 1, 0, 0),
    ]


def test_status_shows_runs_lock_and_what_waits(
    bench: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status() -> Any:
        done = command(bench, dbt_drift, "status", "--output", "json")
        assert done.code == 0
        return json.loads(done.out)

    people(bench, 3)
    assert status() == {
        "status_version": 1, "schema": bench.ledger, "exists": False, "version": None, "dbt_drift_version": "",
        "drift_url": "", "lock": None, "runs": [], "syncs": [], "tables": [],
    }  # fmt: skip
    assert "no ledger" in command(bench, dbt_drift, "status").out

    def away(_: SyncLedger) -> None:
        raise KeyboardInterrupt

    bench.execute("update $.people set email = 'bad' where name = 'Name 1'")
    bench.sync()
    bench.execute("update $.people set name = 'New' where name = 'Name 2'")
    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, "finish", away)
        with pytest.raises(KeyboardInterrupt):
            bench.sync()
    lock_as(bench, "other")

    found = status()
    assert found["lock"]["invocation_id"] == "other"
    assert not found["lock"]["is_dead"]
    assert [(run["status"], len(run["syncs"])) for run in found["runs"]] == [("error", 0), ("warn", 1)]
    assert found["runs"][1]["syncs"][0]["rows_sent"] == 2
    assert found["syncs"] == [{"sync": "people", "remembered": 2, "waiting": 1, "rejected": 1}]
    sizes = {table["name"]: table for table in found["tables"]}
    assert sizes["drift_contacts"]["rows"] == 2
    assert (sizes["drift_contacts"]["bytes"] is not None) == (bench.warehouse.kind == "postgres")
    text = command(bench, dbt_drift, "status", "--runs", "1").out
    assert "Lock: sync run other on elsewhere (process 7)" in text
    assert "people: 2 contacts remembered, 1 answer for the next sync to fold, 1 row in people__rejected" in text
    assert "warn" not in text


def test_counts_that_do_not_add_up_are_said_loudly(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 2)
    real = OneSync._count_sent

    def miscounted(run: OneSync, sending: Any) -> None:
        real(run, sending)
        run._result.rows.sent -= 1

    with monkeypatch.context() as patch:
        patch.setattr(OneSync, "_count_sent", miscounted)
        results = bench.run()
    (result,) = results.results
    assert (result.status, results.exit_code) == ("error", 1)
    assert "do not add up: 2 rows read" in result.message
    assert bench.sync().requests == 0  # nothing is lost


_ROW = st.sampled_from(["good", "bad address", "no key", "twin", "gone"])
_FAULT = st.one_of(
    st.none(),
    st.builds(Fault, status=st.sampled_from([400, 401, 500]), skip=st.integers(0, 6), rate=st.sampled_from([0.5, 1])),
)


def test_results_add_up_whatever_happens(bench: Bench) -> None:
    bench.table("people", "select cast('' as varchar) as email, cast('' as varchar) as name, true as vip where false")
    bench.declare("people", {"fields": FIELDS, "audiences": VIP, "guards": {"shrink": 1}})
    numbers = iter(range(10**6))

    @settings(max_examples=6 if bench.warehouse.kind == "duckdb" else 2, phases=[Phase.generate])
    @given(rows=st.lists(_ROW, max_size=8), fault=_FAULT)
    def hold(rows: list[str], fault: Fault | None) -> None:
        example = next(numbers)
        values = []
        for i, row in enumerate(rows):
            email = {"bad address": "bad", "no key": " "}.get(row, f"w{example}p{i}@example.com")
            values += [f"('{email}', 'Name {example}', {i % 2 == 0})"] * (2 if row == "twin" else row != "gone")
        bench.execute("delete from $.people" + (f"; insert into $.people values {', '.join(values)}" if values else ""))
        bench.sandbox.change(faults=[fault] if fault else [])
        result = bench.sync()
        bench.sandbox.change(faults=[])

        counts = result.rows
        assert not counts.problem
        assert counts.read == len(values)
        assert (counts.unfinished == 0) or result.status == "error"

    hold()
