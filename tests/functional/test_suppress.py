"""People who are not to be contacted: nothing of theirs is created or written, and mirrored tags are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.errors import DeclarationError
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"

MIRROR = {
    "fields": {"email": "email", "name": "name"},
    "suppress": "opted_out",
    "audiences": [{"tag": "VIP", "mode": "mirror"}, {"tag": "Known", "mode": "add"}],
    "guards": {"share": 1},
}


def _people(bench: Bench, *rows: tuple[str, str, str]) -> None:
    values = ", ".join(f"('{email}', '{name}', cast({opted_out} as boolean))" for email, name, opted_out in rows)
    bench.table("people", f"select * from (values {values}) as t(email, name, opted_out)")


def test_a_suppressed_row_creates_no_contact_and_a_null_suppresses_nobody(bench: Bench) -> None:
    _people(bench, (ADA, "Ada", "true"), (BOB, "Bob", "null"), (EVE, "Eve", "false"))
    bench.declare("people", MIRROR)

    first = bench.sync()

    assert (first.status, first.rows.read, first.rows.sent, first.rows.suppressed) == ("success", 3, 2, 1)
    assert bench.sandbox.contact_by_email(ADA) is None
    assert bench.contact(BOB)["name"] == "Bob"
    bench.requests()
    again = bench.sync()
    assert (again.rows.suppressed, again.rows.unchanged, bench.requests()) == (1, 2, 0)


def test_who_opts_out_keeps_the_values_and_loses_the_mirrored_tags(bench: Bench) -> None:
    _people(bench, (ADA, "Ada", "false"), (BOB, "Bob", "false"))
    bench.declare("people", MIRROR)
    bench.sync()
    _people(bench, (ADA, "Ada Lovelace", "true"), (BOB, "Bob", "false"))

    second = bench.sync()

    assert (second.rows.suppressed, second.rows.departed, second.contacts.tags_removed) == (1, 1, 1)
    contact = bench.sandbox.contact_by_email(ADA)
    assert contact is not None
    assert (contact.attributes["name"], sorted(contact.tags)) == ("Ada", ["Known"])
    bench.requests()
    bench.sync()
    assert bench.requests() == 0


def test_who_opts_in_again_is_written_again(bench: Bench) -> None:
    _people(bench, (ADA, "Ada", "false"))
    bench.declare("people", MIRROR)
    bench.sync()
    _people(bench, (ADA, "Ada", "true"))
    bench.sync()
    _people(bench, (ADA, "Ada Lovelace", "false"))

    bench.sync()

    contact = bench.sandbox.contact_by_email(ADA)
    assert contact is not None
    assert (contact.attributes["name"], sorted(contact.tags)) == ("Ada Lovelace", ["Known", "VIP"])


def test_a_key_with_a_suppressed_and_another_row_is_not_written(bench: Bench) -> None:
    _people(bench, (ADA, "Ada", "true"), (ADA.upper(), "Ada", "false"))
    bench.declare("people", MIRROR)

    result = bench.sync()

    assert (result.status, result.reasons, result.rows.suppressed) == ("warn", {"duplicate_key": 1}, 1)
    assert bench.sandbox.contacts() == []


def test_full_refresh_and_rebuild_leave_the_suppressed_alone(bench: Bench) -> None:
    _people(bench, (ADA, "Ada", "true"))
    bench.sandbox.seed([{"email": ADA, "name": "as she wrote it"}])
    bench.declare("people", MIRROR)

    assert bench.sync(full_refresh=True).rows.suppressed == 1

    assert bench.contact(ADA)["name"] == "as she wrote it"
    assert bench.requests() == 0


def test_a_column_that_is_not_boolean_is_refused(bench: Bench) -> None:
    bench.table("people", f"select '{ADA}' as email, 'no' as opted_out")
    bench.declare("people", {"fields": {"email": "email"}, "suppress": "opted_out"})

    with pytest.raises(DeclarationError, match=r"meta\.drift\.suppress: the column 'opted_out' is .*, not boolean"):
        bench.sync()


def test_explain_says_that_a_contact_is_suppressed(bench: Bench, dbt_drift: CommandLine) -> None:
    _people(bench, (ADA, "Ada", "false"))
    bench.declare("people", MIRROR)
    bench.sync()
    _people(bench, (ADA, "Ada", "true"))

    done = dbt_drift("explain", ADA, *project_of(bench), environment=bench.environment)

    assert "Suppressed: nothing is written, the next sync takes its tags away." in done.out
