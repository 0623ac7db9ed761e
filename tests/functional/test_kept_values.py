"""What people have typed in Drift, or deleted there, and the model is told to respect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.harness import Bench

KEEPING = {"email": "email", "name": "name", "phone": {"column": "phone", "overwrite": False}}


def model(bench: Bench, phone: str, name: str = "Ada") -> None:
    bench.table("people", f"select 'ada@example.com' as email, '{name}' as name, {phone} as phone")


@pytest.mark.parametrize("there", [{"phone": "typed"}, {"phone": ""}, {}], ids=str)
def test_a_contact_that_is_met_for_the_first_time_keeps_what_it_has(bench: Bench, there: dict[str, str]) -> None:
    bench.sandbox.seed([{"email": "ada@example.com", **there}])
    model(bench, "'from the model'")
    bench.declare("people", {"fields": KEEPING})
    assert bench.sync().status == "success"
    assert bench.contact("ada@example.com")["phone"] == (there.get("phone") or "from the model")
    assert bench.contact("ada@example.com")["name"] == "Ada"
    assert bench.sync().requests == 0  # what was offered is not offered again


def test_a_known_contact_is_looked_at_only_where_such_a_value_changed(bench: Bench) -> None:
    model(bench, "null")
    bench.declare("people", {"fields": KEEPING})
    bench.sync()
    found = bench.sandbox.contact_by_email("ada@example.com")
    assert found is not None
    bench.requests()

    model(bench, "null", name="Ada L.")
    bench.sync()
    assert bench.requests() == 1

    model(bench, "'first'", name="Ada L.")
    bench.sync()
    assert bench.requests() == 2  # read, then written
    assert bench.contact("ada@example.com")["phone"] == "first"

    model(bench, "'second'", name="Ada Lovelace")
    bench.sync()
    assert bench.contact("ada@example.com")["phone"] == "first"
    assert bench.contact("ada@example.com")["name"] == "Ada Lovelace"
    bench.requests()
    model(bench, "'third'", name="Ada Lovelace")
    bench.sync()
    assert bench.requests() == 1  # read, and nothing to write


@pytest.mark.parametrize(("on_deleted", "contacts"), [("create", 1), ("reject", 0)])
def test_a_contact_that_was_deleted_in_drift(bench: Bench, on_deleted: str, contacts: int) -> None:
    model(bench, "'1'")
    bench.declare("people", {"fields": {"email": "email", "name": "name"}, "on_deleted": on_deleted})
    bench.sync()
    bench.sandbox.reset("contacts")
    model(bench, "'1'", name="Ada L.")
    result = bench.sync()
    assert len(bench.sandbox.contacts()) == contacts
    assert result.reasons == ({} if contacts else {"deleted_in_drift": 1})
    bench.requests()
    bench.sync()
    assert bench.requests() == 0
