"""`purge`: no table of the ledger knows a person any more."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

DECLARED = {"fields": {"email": "email", "name": "name"}, "audiences": [{"tag": "VIP", "mode": "mirror"}]}


@pytest.fixture
def people(bench: Bench) -> Bench:
    bench.table(
        "people",
        "select * from (values ('Ada@example.com', 'Ada'), ('bob@example.com', 'Bob'), ('ada@', 'Bad')) "
        "as t(email, name)",
    )
    bench.declare("people", DECLARED)
    return bench


def _texts(bench: Bench) -> str:
    """Return all that the ledger has, as one text."""
    schema = bench.ledger.rpartition(".")[2]
    tables = bench.warehouse.rows(f"select table_name from information_schema.tables where table_schema = '{schema}'")
    return repr([bench.warehouse.rows(f"select * from {bench.ledger}.{table}") for (table,) in tables])


def test_every_trace_goes_and_others_stay(people: Bench, dbt_drift: CommandLine) -> None:
    people.sync()
    assert "ada@example.com" in _texts(people)
    bob_before = people.warehouse.rows(f"select * from {people.ledger}.people__accepted where contact_key like 'bob%'")

    done = dbt_drift("purge", "ADA@example.com", "ada@", "--yes", *project_of(people), environment=people.environment)

    assert done.code == 0, done.err
    assert "Removed 1 row of people__accepted." in done.out
    assert "WARN people still has a row of it" in done.err
    assert "ada@" not in _texts(people).lower()
    bob = people.warehouse.rows(f"select * from {people.ledger}.people__accepted where contact_key like 'bob%'")
    assert bob == bob_before


def test_a_killed_run_leaves_no_trace_either(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(faults=[Fault(status=401, method="POST", path="/contacts", skip=1)])
    people.sync()
    people.sandbox.change(faults=[])

    done = dbt_drift("purge", "ada@example.com", "ada@", "--yes", *project_of(people), environment=people.environment)

    assert done.code == 0, done.err
    assert "ada@" not in _texts(people).lower()
    people.forget_project()
    assert people.sync().rows.unfinished == 0
    assert people.sync().rows.unchanged == 2


def test_who_is_named_by_the_address_is_found_by_the_key(bench: Bench, dbt_drift: CommandLine) -> None:
    bench.table("people", "select 'u-1' as id, 'ada@example.com' as email")
    bench.declare("people", {"match_on": "externalId", "fields": {"email": "email", "externalId": "id"}})
    bench.sync()
    bench.execute("delete from $.people")

    done = dbt_drift("purge", "ada@example.com", "--yes", *project_of(bench), environment=bench.environment)

    assert done.code == 0, done.err
    assert "still has a row" not in done.err
    assert "u-1" not in _texts(bench)


def test_nobody_to_purge_is_exit_code_1_and_a_no_removes_nothing(
    people: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sync()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    nobody = dbt_drift("purge", "eve@example.com", "--yes", *project_of(people), environment=people.environment)
    refused = dbt_drift("purge", "ada@example.com", *project_of(people), environment=people.environment)

    assert (nobody.code, nobody.out.strip()) == (1, "The ledger has no trace of it.")
    assert (refused.code, "Removed" in refused.out) == (130, False)
    assert "ada@example.com" in _texts(people)
