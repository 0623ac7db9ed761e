"""A mapping that creates no contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.harness import Bench

ADA, BOB = "ada@example.com", "bob@example.com"


def test_whom_drift_does_not_know_is_skipped_and_looked_up_until_known(bench: Bench) -> None:
    bench.sandbox.seed([{"email": ADA}])
    bench.table("people", f"select * from (values ('{ADA}', 'Ada'), ('{BOB}', 'Bob')) as t(email, name)")
    bench.declare("people", {"create_missing": False, "fields": {"email": "email", "name": "name"}})

    first = bench.sync()

    assert (first.status, first.reasons, first.rows.missing, first.contacts.created) == ("success", {}, 1, 0)
    assert bench.contact(ADA)["name"] == "Ada"
    assert bench.sandbox.contact_by_email(BOB) is None
    assert bench.warehouse.rows(f"select contact_key, status, reason from {bench.ledger}.people__rejected") == [
        (BOB, "missing", "no_contact")
    ]

    bench.requests()
    again = bench.sync()
    assert (again.status, again.rows.missing, again.rows.unchanged) == ("success", 1, 1)
    assert bench.requests() == 1

    bench.sandbox.seed([{"email": BOB}])
    assert bench.sync().status == "success"
    assert bench.contact(BOB)["name"] == "Bob"
    bench.requests()
    bench.sync()
    assert bench.requests() == 0


def test_after_five_look_ups_it_is_still_no_failure(bench: Bench) -> None:
    bench.table("people", f"select '{BOB}' as email")
    bench.declare("people", {"create_missing": False, "fields": {"email": "email"}})
    for _ in range(5):
        bench.sync()

    bench.requests()
    last = bench.sync()

    assert (last.status, last.reasons, last.rows.missing, last.rows.given_up) == ("success", {}, 1, 0)
    assert bench.requests() == 0
    assert bench.warehouse.rows(f"select rows_missing from {bench.ledger}.drift_run_syncs") == [(1,)] * 6


def test_a_history_of_an_older_version_gets_the_count(bench: Bench) -> None:
    bench.table("people", f"select '{ADA}' as email")
    bench.declare("people", {"fields": {"email": "email"}})
    bench.sync()
    bench.warehouse.execute(f"alter table {bench.ledger}.drift_run_syncs drop column rows_missing")
    bench.forget_project()

    assert bench.sync().status == "success"

    counts = bench.warehouse.rows(f"select rows_missing from {bench.ledger}.drift_run_syncs order by finished_at")
    assert counts == [(None,), (0,)]
