"""Which contact a row is, by externalId: the key of one's own that outlives an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.harness import Bench

BY_ID = {"match_on": "externalId", "fields": {"email": "email", "externalId": "id", "name": "name"}}
WITH_ID = {"fields": BY_ID["fields"]}


def people(bench: Bench, *rows: tuple[int | None, str | None, str], kind: str = "integer") -> None:
    def literal(value: object) -> str:
        return "null" if value is None else f"'{value}'"

    values = ", ".join(f"({literal(number)}, {literal(email)}, {literal(name)})" for number, email, name in rows)
    bench.table(
        "people",
        f"select cast(id as {kind}) as id, cast(email as varchar) as email, name "
        f"from (values {values}) as t(id, email, name)",
    )


def test_a_new_address_is_a_change_of_the_same_contact(bench: Bench) -> None:
    people(bench, (41, "ada@example.com", "Ada"), (42, "bob@example.com", "Bob"))
    bench.declare("people", BY_ID)
    assert bench.sync().contacts.created == 2
    assert bench.contact("ada@example.com") == {"externalId": "41", "email": "ada@example.com", "name": "Ada"}
    bench.requests()

    bench.execute("update $.people set email = 'lovelace@example.com' where id = 41")
    plan = bench.plan()
    assert [(change.key, change.action, change.attributes) for change in plan.changes] == [
        ("41", "change", {"email": ('"ada@example.com"', '"lovelace@example.com"')})
    ]
    assert bench.sync().contacts.updated == 1
    assert bench.requests() == 1
    assert bench.contact("lovelace@example.com") == {
        "externalId": "41", "email": "lovelace@example.com", "name": "Ada",
    }  # fmt: skip
    assert len(bench.sandbox.contacts()) == 2

    bench.execute("update $.people set email = ' Lovelace@EXAMPLE.com' where id = 41")
    assert (bench.plan().counts.sendable, bench.sync().requests) == (0, 0)


def test_the_key_is_the_same_whatever_its_columns_type(bench: Bench) -> None:
    for kind in ("integer", "decimal(10, 2)", "varchar"):
        people(bench, (41, "ada@example.com", "Ada"), kind=kind)
        bench.declare("people", BY_ID)
        bench.sync()
    assert bench.requests() == 3  # two look-ups and a creation, by the first
    assert bench.contact("ada@example.com")["externalId"] == "41"


def test_bad_keys_cost_their_rows(bench: Bench) -> None:
    people(
        bench,
        (1, "ada@example.com", "Ada"), (2, "b@example.com", "B"), (2, "c@example.com", "C"),
        (None, "d@example.com", "D"), (3, "no address", "E"),
    )  # fmt: skip
    bench.declare("people", BY_ID)
    result = bench.sync()
    assert result.reasons == {"duplicate_key": 2, "missing_key": 1, "malformed_email": 1}
    assert [contact.attributes["name"] for contact in bench.sandbox.contacts()] == ["Ada"]
    kept = bench.warehouse.rows(
        f"select contact_key, reason, attribute from {bench.ledger}.people__rejected order by reason, contact_key"
    )
    assert kept == [
        ("2", "duplicate_key", "externalId"), ("2", "duplicate_key", "externalId"),
        ("3", "malformed_email", "email"), (None, "missing_key", "externalId"),
    ]  # fmt: skip


def test_a_contact_without_externalid_is_found_by_its_address_and_given_one(bench: Bench) -> None:
    bench.sandbox.seed([{"email": "Ada@example.com", "name": "Ada"}])
    people(bench, (41, "ada@example.com", "Ada"))
    bench.declare("people", BY_ID)
    assert bench.sync().contacts.updated == 1
    assert [contact.attributes["externalId"] for contact in bench.sandbox.contacts()] == ["41"]


def test_an_address_that_belongs_to_somebody_else_costs_the_row(bench: Bench) -> None:
    bench.sandbox.seed([{"email": "ada@example.com", "externalId": "other"}])
    people(bench, (41, "ada@example.com", "Ada"), (42, "bob@example.com", "Bob"))
    bench.declare("people", BY_ID)
    result = bench.sync()
    assert (result.reasons, result.contacts.created) == ({"email_taken": 1}, 1)
    assert len(bench.sandbox.contacts()) == 2


def test_an_externalid_that_belongs_to_somebody_else_costs_the_row(bench: Bench) -> None:
    people(bench, (41, "ada@example.com", "Ada"), (42, "bob@example.com", "Bob"))
    bench.declare("people", WITH_ID)
    bench.sync()
    bench.execute("update $.people set id = 42, name = 'Countess Ada' where email = 'ada@example.com'")
    result = bench.sync()
    assert result.reasons == {"external_id_taken": 1}
    assert bench.contact("ada@example.com") == {"email": "ada@example.com", "externalId": "41", "name": "Ada"}
    bench.execute("update $.people set id = 43 where email = 'ada@example.com'")
    assert bench.sync().contacts.updated == 1
    assert bench.contact("ada@example.com")["name"] == "Countess Ada"
