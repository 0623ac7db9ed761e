"""What a null does: nothing, or clear what an earlier sync wrote, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.harness import Bench

ADA = "ada@example.com"
CLEARING = {
    "nulls": "clear",
    "fields": {"email": "email", "name": "name", "plan": "plan", "city": {"column": "city", "nulls": "skip"}},
}


@pytest.fixture
def people(bench: Bench) -> Bench:
    """Ada, known to Drift with all values, in an organisation where a null clears."""
    bench.sandbox.change(nulls="clear")
    bench.table("people", f"select * from (values ('{ADA}', 'Ada', 7, 'London')) as t(email, name, plan, city)")
    bench.declare("people", CLEARING)
    bench.sync()
    bench.requests()
    return bench


def test_a_null_clears_once_and_only_where_that_is_asked_for(people: Bench) -> None:
    people.execute("update $.people set name = null, plan = null, city = null")

    plan = people.plan()
    people.sync()

    assert plan.changes[0].attributes == {"name": ('"Ada"', "null"), "plan": ("7", "null")}
    assert plan.counts.attributes == {"email": 0, "name": 1, "plan": 1, "city": 0}
    assert people.requests() == 1
    assert people.contact(ADA) == {"email": ADA, "city": "London"}
    assert people.plan().counts.sendable == 0
    people.sync()
    assert people.requests() == 0


def test_a_value_that_comes_back_is_sent(people: Bench) -> None:
    people.execute("update $.people set plan = null")
    people.sync()
    people.execute("update $.people set plan = 7")

    people.sync()

    assert people.contact(ADA)["plan"] == 7
    assert people.requests() == 2


def test_nothing_is_cleared_that_was_never_sent(people: Bench) -> None:
    people.execute(f"insert into $.people values ('bob@example.com', null, null, null), ('{ADA}x', 'Adax', null, null)")
    people.sandbox.seed([{"email": f"{ADA}x", "plan": 9}])

    people.sync()
    assert people.contact("bob@example.com") == {"email": "bob@example.com"}
    assert people.contact(f"{ADA}x") == {"email": f"{ADA}x", "name": "Adax", "plan": 9}

    people.requests()
    people.sync()
    assert people.requests() == 0


def test_a_row_that_leaves_the_model_clears_nothing(people: Bench) -> None:
    people.declare("people", {**CLEARING, "audiences": [{"tag": "VIP", "mode": "mirror"}]})
    people.sync()
    assert people.tags(ADA) == {"VIP"}
    people.execute("delete from $.people")

    people.sync(max_removals=1)

    assert people.tags(ADA) == set()
    assert people.contact(ADA) == {"email": ADA, "name": "Ada", "plan": 7, "city": "London"}


def test_a_field_that_no_longer_clears_is_left_alone(people: Bench) -> None:
    people.execute("update $.people set name = null")
    people.sync()
    people.declare("people", {**CLEARING, "nulls": "skip"})
    people.requests()
    people.execute("update $.people set plan = null")

    people.sync()

    assert people.requests() == 0
    assert people.contact(ADA) == {"email": ADA, "plan": 7, "city": "London"}


def test_the_successor_of_a_deleted_contact_is_made_without_nulls(people: Bench) -> None:
    people.sandbox.change(nulls="refuse")
    people.sandbox.reset("contacts")
    people.execute("update $.people set name = null")

    result = people.sync()

    assert (result.status, result.contacts.created) == ("success", 1)
    assert people.contact(ADA) == {"email": ADA, "plan": 7, "city": "London"}


@pytest.mark.parametrize(("nulls", "status"), [("ignore", "success"), ("refuse", "warn")])
def test_what_an_organisation_that_does_not_clear_makes_of_it(people: Bench, nulls: str, status: str) -> None:
    people.sandbox.change(nulls=nulls)
    people.execute("update $.people set name = null")

    result = people.sync()

    assert result.status == status
    assert people.contact(ADA)["name"] == "Ada"


def test_the_text_null_is_a_text(people: Bench) -> None:
    people.execute("update $.people set name = 'null'")

    people.sync()

    assert people.contact(ADA)["name"] == "null"
