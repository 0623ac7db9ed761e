"""What the results count: what was written to Drift, and not what was wanted of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dbt_drift.sandbox.behaviour import Fault

if TYPE_CHECKING:
    from dbt_drift.delivery.results import SyncResult
    from tests.support.harness import Bench

FIELDS = {"email": "email", "name": "name"}


def people(bench: Bench, audiences: list[dict[str, Any]], count: int) -> None:
    """Declare a model of so many people, all of them members of each audience."""
    bench.table(
        "people",
        f"select 'p' || i || '@example.com' as email, 'Name' as name from generate_series(1, {count}) as g(i)",
    )
    bench.declare("people", {"fields": FIELDS, "audiences": audiences})


def tags(result: SyncResult) -> tuple[int, int]:
    return result.contacts.tags_added, result.contacts.tags_removed


def contacts(result: SyncResult) -> tuple[int, int, int]:
    return result.contacts.created, result.contacts.updated, result.contacts.matched


def test_a_tag_that_nobody_carried_was_not_taken_away(bench: Bench) -> None:
    bench.sandbox.seed({"email": f"p{i}@example.com", "name": "Name"} for i in range(1, 41))
    people(bench, [{"tag": "Lead", "mode": "remove"}], 40)
    result = bench.sync(max_removals=math.inf)
    assert (tags(result), contacts(result)) == ((0, 0), (0, 0, 40))
    assert {method for method, path, _ in bench.sandbox.counts() if path != "/app/token_info"} == {"GET"}


def test_a_tag_is_counted_where_it_was_missing(bench: Bench) -> None:
    bench.sandbox.seed([
        {"email": "p1@example.com", "name": "Name", "tags": ["VIP", "Lead"]},
        {"email": "p2@example.com", "name": "Name", "tags": ["VIP"]},
        {"email": "p3@example.com", "name": "Name", "tags": ["Lead"]},
    ])  # fmt: skip
    people(bench, [{"tag": "VIP", "mode": "mirror"}, {"tag": "Lead", "mode": "remove"}], 4)
    result = bench.sync(max_removals=math.inf)
    assert (tags(result), contacts(result)) == ((2, 2), (1, 2, 1))


def test_an_attribute_in_the_place_of_a_tag_is_counted_where_it_was_written(bench: Bench) -> None:
    bench.sandbox.seed([
        {"email": "p1@example.com", "name": "Name", "is_vip": True, "is_lead": False},
        {"email": "p2@example.com", "name": "Name", "is_vip": False, "is_lead": True},
    ])  # fmt: skip
    people(bench, [{"attribute": "is_vip", "mode": "mirror"}, {"attribute": "is_lead", "mode": "remove"}], 3)
    result = bench.sync(max_removals=math.inf)
    assert (tags(result), contacts(result)) == ((2, 2), (1, 1, 1))


def test_tags_that_were_set_count_though_the_row_did_not_get_through(bench: Bench) -> None:
    people(bench, [{"tag": "VIP", "mode": "mirror"}, {"tag": "Lead", "mode": "remove"}], 1)
    bench.sandbox.seed([{"email": "p1@example.com", "name": "Name", "tags": ["Lead"]}])
    refused = Fault(status=400, method="POST", path="/contacts/{id}/tags/delete/_bulk")
    bench.sandbox.change(faults=[refused])
    assert tags(bench.sync()) == (1, 0)
    assert bench.tags("p1@example.com") == {"VIP", "Lead"}


def test_the_tags_of_a_contact_that_is_made_anew_count_all(bench: Bench) -> None:
    people(bench, [{"tag": "VIP", "mode": "mirror"}, {"attribute": "is_vip", "mode": "mirror"}], 1)
    bench.sync()
    bench.sandbox.reset("contacts")
    bench.execute("update $.people set name = 'New'")
    result = bench.sync()
    assert (tags(result), contacts(result)) == ((2, 0), (1, 0, 0))


def test_an_audience_attribute_counts_once_when_the_answer_to_the_creation_is_lost(bench: Bench) -> None:
    people(bench, [{"attribute": "is_vip", "mode": "mirror"}], 1)
    bench.sandbox.change(faults=[Fault(status=503, applied=True, method="POST", count=1)])
    result = bench.sync()
    assert (tags(result), contacts(result)) == ((1, 0), (1, 0, 0))
