"""Rows that Drift refuses, from run to run: given up, tried again, given up, released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.delivery.run import run_syncs
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import Recorder

if TYPE_CHECKING:
    from dbt_drift.delivery.results import SyncResult
    from tests.support.harness import Bench

FIELDS = {"fields": {"email": "email", "name": "name"}}
REFUSED = Fault(status=400, method="POST", path="/contacts")


@pytest.fixture
def refused(bench: Bench) -> Bench:
    """Three rows, of which Drift refused one."""
    bench.table("people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 3) as g(i)")
    bench.declare("people", FIELDS)
    bench.sandbox.change(faults=[Fault(status=400, method="POST", path="/contacts", count=1)])
    result = bench.sync()
    assert (result.rows.sent, result.rows.rejected) == (2, 1), result.message
    bench.requests()
    return bench


def kept(bench: Bench, columns: str) -> list[tuple[Any, ...]]:
    return bench.warehouse.rows(f"select {columns} from {bench.ledger}.people__rejected order by contact_key")


def run(bench: Bench, **options: Any) -> SyncResult:
    (result,) = run_syncs(bench.prepared, bench.environment, Recorder(), RunOptions(**options)).results
    return result


def adds_up(result: SyncResult) -> bool:
    rows = result.rows
    return rows.read == rows.unchanged + rows.sent + rows.invalid + rows.rejected + rows.given_up + rows.unfinished


def test_a_refused_row_is_given_up_and_stays_visible(refused: Bench) -> None:
    plan = refused.plan()
    results = refused.run()

    (result,) = results.results
    assert (sum(plan.counts.given_up.values()), plan.counts.sendable) == (1, 0)
    assert (result.status, result.rows.given_up, result.rows.unchanged, result.requests) == ("warn", 1, 2, 0)
    assert adds_up(result)
    assert "retry" in result.message
    assert results.exit_code == 1
    assert kept(refused, "status, tries, given_up") == [("rejected", 1, True)]


def test_a_row_that_changed_is_sent_again(refused: Bench) -> None:
    refused.execute("update $.people set name = 'M'")

    assert refused.sync().rows.sent == 3
    assert kept(refused, "contact_key") == []


def test_a_row_that_left_the_model_leaves_the_table(refused: Bench) -> None:
    refused.execute("delete from $.people")

    assert refused.sync(max_removals=0).status == "success"
    assert kept(refused, "contact_key") == []


def test_retry_sends_held_rows_and_counts_the_try(refused: Bench) -> None:
    (reason,) = (reason for (reason,) in kept(refused, "reason"))
    assert run(refused, retry=True, retry_reason="another").requests == 0
    refused.sandbox.change(faults=[REFUSED])
    again = run(refused, retry=True, retry_reason=reason)
    assert (again.rows.rejected, again.rows.given_up) == (1, 0)
    assert kept(refused, "tries, given_up, first_rejected_at < last_rejected_at") == [(2, True, True)]

    refused.sandbox.change(faults=[])

    assert run(refused, retry=True).rows.sent == 1
    assert refused.sync().status == "success"


def test_a_reason_that_may_pass_is_tried_five_times(bench: Bench) -> None:
    bench.table("people", "select 'a@example.com' as email, 'N' as name, 'X1' as number")
    bench.declare("people", {"fields": {"email": "email", "name": "name", "externalId": "number"}})
    bench.sync()
    bench.execute("insert into $.people values ('b@example.com', 'M', 'X1')")

    runs = [bench.sync() for _ in range(6)]

    assert [result.reasons for result in runs] == [{"external_id_taken": 1}] * 6
    assert [result.rows.given_up for result in runs] == [0, 0, 0, 0, 0, 1]
    assert all(map(adds_up, runs))
    assert kept(bench, "tries, given_up") == [(5, True)]


def test_a_rejected_row_can_be_found_again(bench: Bench) -> None:
    rows = [
        (1, "null"),
        (2, "''"),
        (3, "'Case@example.com'"),
        (4, "' case@example.com'"),
        (5, "'bad'"),
        (6, "'a@b.example'"),
    ]
    bench.table("people", " union all ".join(f"select {number} as number, {email} as email" for number, email in rows))
    bench.declare("people", {"fields": {"email": "email"}, "row_id": "number"})
    bench.sandbox.change(faults=[REFUSED])

    invalid = bench.plan().invalid
    bench.sync()

    found = [("1", None), ("2", ""), ("3", "Case@example.com"), ("4", " case@example.com"), ("5", "bad")]
    assert sorted((row.row_id, row.key_as_written) for row in invalid) == found
    written = "row_id, key_as_written"
    assert sorted(kept(bench, written)) == [*found, ("6", "a@b.example")]
    first = dict(kept(bench, "row_id, first_rejected_at"))
    bench.sync()
    bench.sync()
    assert sorted(kept(bench, written)) == [*found, ("6", "a@b.example")]
    assert dict(kept(bench, "row_id, first_rejected_at")) == first


def test_rows_without_any_name_keep_the_time_of_their_first_failure(bench: Bench) -> None:
    bench.table("people", "select cast(null as varchar) as email from generate_series(1, 3)")
    bench.declare("people", {"fields": {"email": "email"}})
    bench.sync()
    first = kept(bench, "first_rejected_at")

    bench.sync()

    assert kept(bench, "first_rejected_at") == first
    assert len(first) == 3
    assert kept(bench, "first_rejected_at < last_rejected_at") == [(True,)] * 3


def test_a_mapped_identity_names_the_row(bench: Bench) -> None:
    bench.table("people", "select 'x7' as id, cast(null as varchar) as email union all select null, 'a@example.com'")
    fields = {"fields": {"email": "email", "externalId": "id"}}
    bench.declare("people", fields)
    assert [row.row_id for row in bench.plan().invalid] == ["x7"]
    bench.declare("people", {**fields, "match_on": "externalId"})
    assert [row.row_id for row in bench.plan().invalid] == ["a@example.com"]


def test_the_run_stops_when_too_many_rows_fail(bench: Bench) -> None:
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 400) as g(i)"
    )
    bench.declare("people", FIELDS)
    bench.sandbox.change(faults=[REFUSED])

    fast = run(bench, max_failures=0, workers=4)
    share = run(bench, workers=4)

    for result in (fast, share):
        assert (result.status, adds_up(result)) == ("error", True)
        assert result.rows.unfinished > 0
    assert 1 <= fast.rows.rejected < 20
    assert 100 <= share.rows.rejected < 150
    assert share.rows.given_up == fast.rows.rejected
    assert len(kept(bench, "contact_key")) == fast.rows.rejected + share.rows.rejected


def test_refused_tags_do_not_stop_a_run(bench: Bench) -> None:
    """An organisation without tags, or without this one, holds all the attributes all the same."""
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 120) as g(i)"
    )
    bench.declare("people", {**FIELDS, "audiences": [{"tag": "VIP", "mode": "add"}]})
    bench.sandbox.change(faults=[Fault(status=400, method="POST", path="/contacts/{id}/tags")])

    result = run(bench, max_failures=0)

    assert (result.status, result.rows.rejected, result.rows.unfinished) == ("warn", 120, 0), result.message
    assert len(bench.sandbox.contacts()) == 120
    assert adds_up(result)


def test_a_contact_without_a_row_is_no_rejected_row(bench: Bench) -> None:
    bench.table("people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 2) as g(i)")
    bench.declare("people", {**FIELDS, "audiences": [{"tag": "VIP", "mode": "mirror"}]})
    bench.sync()
    bench.execute("delete from $.people where email = 'p1@example.com'")
    bench.sandbox.change(faults=[Fault(status=400, path="/contacts/{id}/tags/delete/_bulk")])

    result = run(bench)

    assert sum(result.reasons.values()) == 1
    assert (result.rows.read, result.rows.unchanged, result.rows.rejected, result.rows.departed) == (1, 1, 0, 0)
    assert adds_up(result)
    assert bench.tags("p1@example.com") == {"VIP"}
