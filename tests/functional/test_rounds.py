"""Round after round of random change: Drift holds what the model says, and a sync that follows a sync sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.functional.harness import Bench

DECLARATION = {
    "fields": {"email": "email", "name": "name", "score": "score"},
    "audiences": [
        {"tag": "Mirror", "mode": "mirror", "when": "in_mirror"},
        {"tag": "Add", "mode": "add", "when": "in_add"},
        {"tag": "Remove", "mode": "remove", "when": "in_remove"},
    ],
}


class Person(msgspec.Struct, frozen=True):
    name: str | None
    score: int | None
    in_mirror: bool
    in_add: bool
    in_remove: bool


_PERSON = st.builds(
    Person,
    name=st.none() | st.sampled_from(["Ada", "Bob", "", "Zoë"]),
    score=st.none() | st.integers(0, 3),
    in_mirror=st.booleans(),
    in_add=st.booleans(),
    in_remove=st.booleans(),
)
_MODEL = st.dictionaries(st.integers(0, 9), _PERSON, max_size=8)


class Expected:
    """What Drift should hold, kept by the documented rules alone."""

    def __init__(self, seeded: dict[str, set[str]]) -> None:
        self.attributes: dict[str, dict[str, Any]] = {email: {"email": email} for email in seeded}
        self.tags = {email: set(tags) for email, tags in seeded.items()}
        self._mirrored: set[str] = set()
        self._removed: set[str] = set()

    def follow(self, model: dict[str, Person]) -> None:
        for email, person in model.items():
            held = self.attributes.setdefault(email, {"email": email})
            tags = self.tags.setdefault(email, set())
            for name, value in (("name", person.name), ("score", person.score)):
                if value is not None:
                    held[name] = value
            if person.in_add:
                tags.add("Add")
            if person.in_remove:
                tags.discard("Remove")
            if person.in_mirror:
                tags.add("Mirror")
                self._mirrored.add(email)
        members = {email for email, person in model.items() if person.in_mirror}
        for email in self._mirrored - members:
            self.tags[email].discard("Mirror")
        self._mirrored = members


def _write(bench: Bench, model: dict[str, Person]) -> None:
    rows = [
        f"('{email}', {_sql(person.name)}, {_sql(person.score)}, "
        f"{person.in_mirror}, {person.in_add}, {person.in_remove})"
        for email, person in model.items()
    ]
    bench.execute("delete from $.people" + (f"; insert into $.people values {', '.join(rows)}" if rows else ""))


def _sql(value: str | int | None) -> str:
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def test_any_rounds_end_as_the_model_says(bench: Bench) -> None:
    bench.table(
        "people",
        "select cast('' as varchar) as email, cast('' as varchar) as name, 1 as score, "
        "true as in_mirror, true as in_add, true as in_remove where false",
    )
    bench.declare("people", DECLARATION)
    worlds = iter(range(10**6))

    @settings(max_examples=4 if bench.warehouse.kind == "duckdb" else 2, deadline=None, phases=[Phase.generate])
    @given(rounds=st.lists(_MODEL, min_size=3, max_size=5))
    def hold(rounds: list[dict[int, Person]]) -> None:
        world = next(worlds)  # people of its own in each example: the ledger and Drift go on
        seeded = {f"w{world}p{number}@example.com": {"Remove"} for number in range(3)}
        bench.sandbox.seed([{"email": email, "tags": sorted(tags)} for email, tags in seeded.items()])
        expected = Expected(seeded)
        for number, people in enumerate(rounds):
            model = {f"w{world}p{key}@example.com": person for key, person in people.items()}
            _write(bench, model)
            expected.follow(model)
            planned = bench.plan(rows=0).counts

            result = bench.sync()

            done = result.contacts
            assert result.status == "success"
            assert planned.sendable == done.created + done.updated + done.matched, number
            assert result.rows.read == len(model) == result.rows.unchanged + result.rows.sent
            assert bench.sync().requests == 0
            for email in expected.attributes:
                assert bench.contact(email) == expected.attributes[email]
                assert bench.tags(email) == expected.tags[email]
            held = {contact.attributes["email"] for contact in bench.sandbox.contacts(search=f"w{world}p")}
            assert held == set(expected.attributes)

    hold()
