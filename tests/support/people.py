"""A model that changes from round to round, what Drift should hold of it, and the requests that take it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tests.support.harness import Bench

DECLARATION = {
    "fields": {"email": "email", "name": "name", "seats": "seats"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}, {"tag": "Customer", "mode": "add"}],
}

WRITES = {
    ("POST", "/contacts"),
    ("PATCH", "/contacts/{id}"),
    ("POST", "/contacts/{id}/tags"),
    ("POST", "/contacts/{id}/tags/delete/_bulk"),
}


class Person(msgspec.Struct, frozen=True):
    """What Drift should hold of one contact."""

    name: str
    seats: int
    tags: frozenset[str]


People = dict[str, Person]


def make_model(bench: Bench, rows: int) -> None:
    """Make the model, a third of it VIPs."""
    bench.table(
        "people",
        "select i, 'p' || i || '@example.com' as email, 'Name ' || i as name, cast(0 as bigint) as seats, "
        f"i % 3 = 0 as vip from generate_series(1, {rows}) as g(i)",
    )
    bench.declare("people", DECLARATION)


def change_model(bench: Bench, number: int) -> None:
    """Let a round pass: a seventh of the rows change, some join or leave the VIPs, some rows go, some come."""
    bench.execute(f"update $.people set seats = {number} where i % 7 = {number % 7}")
    bench.execute(f"update $.people set vip = not vip where i % 11 = {number % 11}")
    bench.execute(f"delete from $.people where i % 53 = {number % 53}")
    bench.execute(
        "insert into $.people select i, 'p' || i || '@example.com', 'Name ' || i, 0, i % 3 = 0 "
        f"from generate_series({1_000_000 * number}, {1_000_000 * number + 199}) as g(i)"
    )


def expected(bench: Bench, before: People) -> People:
    """Return what Drift should hold after a sync: who has left the model stays, without the mirrored tag."""
    left = {email: msgspec.structs.replace(person, tags=person.tags - {"VIP"}) for email, person in before.items()}
    rows = bench.warehouse.rows(f"select email, name, seats, vip from {bench.schema}.people")
    return left | {
        email: Person(name, seats, frozenset({"Customer", "VIP"} if vip else {"Customer"}))
        for email, name, seats, vip in rows
    }


def held(bench: Bench) -> People:
    """Return what Drift holds; no two contacts may have one email."""
    contacts = bench.sandbox.contacts()
    found = {
        contact.attributes["email"]: Person(
            contact.attributes["name"], contact.attributes["seats"], frozenset(contact.tags)
        )
        for contact in contacts
    }
    assert len(found) == len(contacts), "a contact was made twice"
    return found


def needed(before: People, after: People) -> int:
    """Return the fewest writes that lead from one state to the other."""
    writes = 0
    for email, person in after.items():
        was = before.get(email)
        writes += was is None or (was.name, was.seats) != (person.name, person.seats)
        writes += bool(person.tags - (was.tags if was else frozenset()))
        writes += bool(was and was.tags - person.tags)
    return writes


def written(bench: Bench) -> int:
    """Return how many writes Drift has taken."""
    return sum(
        count
        for (method, template, status), count in bench.sandbox.counts().items()
        if (method, template) in WRITES and status < 400
    )
