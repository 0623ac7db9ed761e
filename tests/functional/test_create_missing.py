"""A mapping that creates no contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.harness import Bench

ADA, BOB = "ada@example.com", "bob@example.com"


def test_whom_drift_does_not_know_is_rejected_and_looked_up_until_known(bench: Bench) -> None:
    bench.sandbox.seed([{"email": ADA}])
    bench.table("people", f"select * from (values ('{ADA}', 'Ada'), ('{BOB}', 'Bob')) as t(email, name)")
    bench.declare("people", {"create_missing": False, "fields": {"email": "email", "name": "name"}})

    first = bench.sync()

    assert (first.status, first.reasons, first.contacts.created) == ("warn", {"no_contact": 1}, 0)
    assert bench.contact(ADA)["name"] == "Ada"
    assert bench.sandbox.contact_by_email(BOB) is None
    assert bench.warehouse.rows(f"select contact_key, reason from {bench.ledger}.people__rejected") == [
        (BOB, "no_contact")
    ]

    bench.requests()
    assert bench.sync().reasons == {"no_contact": 1}
    assert bench.requests() == 1

    bench.sandbox.seed([{"email": BOB}])
    assert bench.sync().status == "success"
    assert bench.contact(BOB)["name"] == "Bob"
    bench.requests()
    bench.sync()
    assert bench.requests() == 0
