"""Only what changed is sent, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from tests.support.harness import Bench

MAPPING = {"email": "email", "name": "full_name", "plan_tier": "plan", "seats": "seats"}


def _people(bench: Bench, *rows: tuple[str, str, str, int]) -> None:
    values = ", ".join(f"('{email}', '{name}', '{plan}', {seats})" for email, name, plan, seats in rows)
    bench.table("people", f"select * from (values {values}) as t(email, full_name, plan, seats)")


def _edit_in_drift(bench: Bench, email: str, **attributes: str) -> None:
    contact = bench.sandbox.contact_by_email(email)
    assert contact is not None
    answer = requests.patch(
        f"{bench.sandbox.url}/contacts/{contact.id}",
        json={"attributes": attributes},
        headers={"Authorization": "Bearer somebody"},
        timeout=10,
    )
    assert answer.status_code == 200


def test_an_unchanged_model_costs_no_request(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3), ("bob@example.com", "Bob", "free", 1))
    bench.declare("people", {"fields": MAPPING})
    first = bench.sync()
    assert (first.status, first.contacts.created, first.rows.sent) == ("success", 2, 2)
    assert bench.requests() == 4  # a look-up and a creation each

    again = bench.sync()

    assert bench.requests() == 0
    assert (again.status, again.rows.unchanged, again.requests) == ("success", 2, 0)


def test_a_change_costs_one_request_and_touches_nothing_else(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3), ("bob@example.com", "Bob", "free", 1))
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    _edit_in_drift(bench, "ada@example.com", name="Countess Ada")
    bench.requests()
    bench.execute("update $.people set seats = 4 where email = 'ada@example.com'")

    plan = bench.plan()
    result = bench.sync()

    assert [(change.key, change.attributes) for change in plan.changes] == [("ada@example.com", {"seats": ("3", "4")})]
    assert bench.requests() == result.requests == 1
    assert bench.contact("ada@example.com") == {
        "email": "ada@example.com", "name": "Countess Ada", "plan_tier": "gold", "seats": 4,
    }  # fmt: skip


def test_an_attribute_that_joins_the_mapping_is_sent_alone_and_one_that_leaves_it_no_more(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": {"email": "email", "name": "full_name"}})
    bench.sync()
    _edit_in_drift(bench, "ada@example.com", name="Countess Ada")
    bench.requests()

    bench.declare("people", {"fields": {"email": "email", "name": "full_name", "seats": "seats"}})
    bench.sync()
    assert bench.requests() == 1
    assert bench.contact("ada@example.com") == {"email": "ada@example.com", "name": "Countess Ada", "seats": 3}

    bench.declare("people", {"fields": {"email": "email", "seats": "seats"}})
    bench.execute("update $.people set full_name = 'Somebody'")
    bench.sync()
    assert bench.requests() == 0

    bench.declare("people", {"fields": {"email": "email", "name": "full_name", "seats": "seats"}})
    bench.sync()
    assert bench.requests() == 1
    assert bench.contact("ada@example.com")["name"] == "Somebody"


def test_a_null_leaves_in_drift_what_is_there(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    bench.requests()

    bench.execute("update $.people set plan = null")
    assert bench.plan().counts.sendable == 0
    bench.sync()
    assert bench.requests() == 0

    bench.execute("update $.people set plan = 'gold'")
    bench.sync()
    assert bench.requests() == 0
    assert bench.contact("ada@example.com")["plan_tier"] == "gold"


def test_a_key_in_another_spelling_is_the_same_person(bench: Bench) -> None:
    _people(bench, ("Ada@Example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    bench.requests()

    bench.execute("update $.people set email = '  ADA@example.com '")
    bench.sync()

    assert bench.requests() == 0
    assert len(bench.sandbox.contacts()) == 1


def test_a_wider_column_changes_nothing_nor_does_a_text_of_what_drift_lists_as_a_number(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    bench.requests()

    for wider in ("bigint", "decimal(12, 4)"):
        bench.execute(f"alter table $.people alter column seats type {wider}")
        bench.declare("people", {"fields": MAPPING})
        bench.sync()
        assert bench.requests() == 0

    bench.execute("alter table $.people alter column seats type varchar")
    bench.execute("update $.people set seats = '3'")
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    assert bench.requests() == 0
    bench.execute("update $.people set seats = '4'")
    bench.sync()
    assert bench.contact("ada@example.com")["seats"] == 4


def test_a_contact_that_another_model_has_met_costs_one_request(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.table("scores", "select 'ADA@example.com' as mail, 0.25 as score")
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    bench.requests()

    bench.declare("scores", {"fields": {"email": "mail", "fit_score": "score"}})
    results = bench.run().results

    assert [result.contacts.updated for result in results] == [0, 1]
    assert bench.requests() == 1
    assert bench.contact("ada@example.com")["fit_score"] == 0.25


def test_a_contact_that_drift_holds_already_is_only_looked_up(bench: Bench) -> None:
    bench.sandbox.seed([{"email": "ada@example.com", "name": "Ada", "plan_tier": "gold", "seats": 3}])
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": MAPPING})

    result = bench.sync()

    assert (result.contacts.matched, result.contacts.created, bench.requests()) == (1, 0, 1)
    assert (bench.sync().requests, bench.requests()) == (0, 0)


def test_a_contact_deleted_in_drift_is_made_anew_as_a_whole(bench: Bench) -> None:
    _people(bench, ("ada@example.com", "Ada", "gold", 3))
    bench.declare("people", {"fields": MAPPING})
    bench.sync()
    gone = bench.sandbox.contact_by_email("ada@example.com")
    assert gone is not None
    requests.delete(f"{bench.sandbox.url}/contacts/{gone.id}", headers={"Authorization": "Bearer somebody"}, timeout=10)
    bench.execute("update $.people set seats = 4")

    assert bench.sync().contacts.created == 1
    assert bench.contact("ada@example.com") == {
        "email": "ada@example.com", "name": "Ada", "plan_tier": "gold", "seats": 4,
    }  # fmt: skip
    bench.requests()
    bench.execute("update $.people set seats = 5")
    bench.sync()
    assert bench.requests() == 1
