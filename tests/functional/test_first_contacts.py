"""What the first sync of a model costs, and what it says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.contact.new_contacts import NewContactCounts
from tests.support.ledgers import command

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

BY_ID = {"match_on": "externalId", "fields": {"email": "email", "externalId": "id", "name": "name"}}


def people(bench: Bench, count: int) -> None:
    bench.table(
        "people",
        f"select cast(i as integer) as id, 'p' || i || '@example.com' as email, 'Name' as name "
        f"from generate_series(1, {count}) as g(i)",
    )


def test_where_drift_knows_nobody_contacts_are_created_at_once(bench: Bench) -> None:
    people(bench, 200)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    result = bench.sync()
    assert (result.contacts.created, result.new_contacts.resolved, result.new_contacts.already_in_drift) == (
        200,
        200,
        0,
    )
    assert result.new_contacts.created_without_lookup >= 190
    assert bench.requests() == 400 - result.new_contacts.created_without_lookup
    assert len(bench.sandbox.contacts()) == 200


def test_where_drift_knows_everybody_each_is_looked_up(bench: Bench) -> None:
    people(bench, 200)
    bench.sandbox.seed({"email": f"p{i}@example.com"} for i in range(1, 201))
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    result = bench.sync()
    assert (result.contacts.updated, result.new_contacts) == (200, NewContactCounts(resolved=200, already_in_drift=200))
    assert bench.requests() == 400


def test_external_ids_are_looked_up_many_at_a_time(bench: Bench) -> None:
    people(bench, 400)
    bench.sandbox.seed({"email": f"old{i}@example.com", "externalId": str(i)} for i in range(1, 401))
    bench.declare("people", BY_ID)
    assert bench.sync().contacts.updated == 400
    assert bench.requests() <= 420
    assert {contact.attributes["name"] for contact in bench.sandbox.contacts()} == {"Name"}


def test_a_rebuild_looks_external_ids_up_many_at_a_time(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 400)
    bench.sandbox.seed({"email": f"p{i}@example.com", "externalId": str(i), "name": "Name"} for i in range(1, 401))
    bench.declare("people", BY_ID)
    assert command(bench, dbt_drift, "rebuild").code == 0
    assert bench.requests() <= 20
    assert bench.sync().requests == 0
