"""`--key`: one contact of many, and nothing about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

DECLARED = {
    "fields": {"email": "email", "name": "name"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
}


@pytest.fixture
def ten(bench: Bench) -> Bench:
    """Ten people, of whom one cannot be sent and another was rejected, after a first sync; then all change."""
    bench.table(
        "people",
        "select 'p' || i || '@example.com' as email, 'Name' as name, true as is_vip from generate_series(1, 8) as g(i) "
        "union all select 'bad', 'Bad', false union all select 'refused@example.com', 'Refused', false",
    )
    bench.declare("people", DECLARED)
    bench.sandbox.change(faults=[{"method": "POST", "path": "/contacts", "status": 400, "skip": 8}])
    bench.workers = 1  # so that the last one is refused
    bench.sync()
    bench.sandbox.change(faults=[])
    bench.forget_project()
    bench.execute("update $.people set name = 'New', is_vip = false where email like 'p%'")
    bench.requests()
    return bench


def rejected(bench: Bench) -> list[tuple[object, ...]]:
    columns = "coalesce(contact_key, ''), status, tries, given_up"
    return sorted(bench.warehouse.rows(f"select {columns} from {bench.ledger}.people__rejected"))


def test_only_the_named_contact_is_sent(ten: Bench) -> None:
    before = rejected(ten)
    assert len(before) == 2
    result = ten.sync(named=(" P3@Example.com ",))

    assert (result.rows.read, result.contacts.updated, result.contacts.tags_removed) == (1, 1, 1)
    assert ten.contact("p3@example.com")["name"] == "New"
    assert ten.contact("p4@example.com")["name"] == "Name"
    assert ten.tags("p3@example.com") == set()
    assert rejected(ten) == before  # nothing was learned of them
    ten.forget_project()
    rest = ten.sync(max_removals=1000)
    assert (rest.rows.read, rest.contacts.updated) == (10, 7)


def test_several_contacts_and_one_that_has_left(ten: Bench) -> None:
    ten.execute("delete from $.people where email = 'p5@example.com'")
    result = ten.sync(named=("p3@example.com", "p5@example.com", "nobody@example.com"))
    assert (result.rows.read, result.rows.departed, result.contacts.tags_removed) == (1, 1, 2)
    assert ten.tags("p5@example.com") == set()
    assert ten.tags("p6@example.com") == {"VIP"}


def test_a_contact_that_nobody_knows_sends_nothing(ten: Bench) -> None:
    result = ten.sync(named=("nobody@example.com",))
    assert (result.status, result.rows.read, ten.requests()) == ("success", 0, 0)


def test_a_guard_does_not_keep_one_contact_and_learns_nothing_from_it(ten: Bench) -> None:
    ten.execute("delete from $.people")
    assert ten.sync(named=("p2@example.com",)).rows.departed == 1
    ten.forget_project()
    assert ten.sync().status == "blocked"  # compared with the ten rows of the last complete sync


def test_one_contact_is_sent_again_and_one_retried(ten: Bench) -> None:
    ten.sync(max_removals=1000)
    ten.forget_project()
    ten.requests()
    assert ten.sync(named=("p1@example.com",)).requests == 0
    ten.forget_project()
    assert ten.sync(named=("p1@example.com",), full_refresh=True).contacts.updated == 1
    ten.forget_project()
    assert ten.sync(max_removals=1000).rows.sent == 0


def test_a_key_that_is_no_address(bench: Bench) -> None:
    bench.table(
        "people", "select 'c' || i as id, 'p' || i || '@example.com' as email from generate_series(1, 3) as g(i)"
    )
    bench.declare("people", {"match_on": "externalId", "fields": {"externalId": "id", "email": "email"}})
    assert bench.sync(named=("c2", "P3@example.com")).contacts.created == 2
    assert {contact.attributes["externalId"] for contact in bench.sandbox.contacts()} == {"c2", "c3"}


def test_the_commands(ten: Bench, dbt_drift: CommandLine) -> None:
    shown = dbt_drift("plan", "--key", "p3@example.com", *project_of(ten), environment=ten.environment)
    assert "people: 1 row, 0 unchanged" in shown.out
    assert 'name: "Name" -> "New"' in shown.out
    assert "p4@example.com" not in shown.out
    done = dbt_drift("sync", "--key", "p3@example.com", *project_of(ten), environment=ten.environment)
    assert done.code == 0, done.out
    (run,) = ten.warehouse.rows(f"select distinct command from {ten.ledger}.drift_runs where command like '%key%'")
    assert run == ("sync --key",)
    refused = dbt_drift("plan", "--key", "p3@example.com", "--out", "plan.json", *project_of(ten))
    assert (refused.code, "--key does not go with --out" in refused.err) == (2, True)
