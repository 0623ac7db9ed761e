"""Round after round of random change: Drift holds what the model says, and a sync that follows a sync sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.sandbox.behaviour import Fault

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
    """A row of the model; `spelling` writes its address in another way, `twin` says that it stands there twice."""

    name: str | None
    score: int | None
    in_mirror: bool
    in_add: bool
    in_remove: bool
    spelling: int
    twin: bool


_SPELLINGS = (str.lower, str.upper, str.title, "  {}\t".format)
_PERSON = st.builds(
    Person,
    name=st.none() | st.sampled_from(["Ada", "Bob", "", "Zoë"]),
    score=st.none() | st.integers(0, 3),
    in_mirror=st.booleans(),
    in_add=st.booleans(),
    in_remove=st.booleans(),
    spelling=st.integers(0, 3),
    twin=st.integers(0, 7).map(lambda drawn: drawn == 7),
)
_MODEL = st.dictionaries(st.integers(0, 9), _PERSON, max_size=8)
_ROUND = st.tuples(_MODEL, st.none() | st.integers(0, 20))  # after how many requests the token is refused, if at all


class Expected:
    """What Drift should hold, kept by the documented rules alone."""

    def __init__(self, seeded: dict[str, set[str]]) -> None:
        self.attributes: dict[str, dict[str, Any]] = {email: {"email": email} for email in seeded}
        self.tags = {email: set(tags) for email, tags in seeded.items()}
        self._mirrored: set[str] = set()
        self._removed: set[str] = set()

    def follow(self, model: dict[str, Person]) -> None:
        for email, person in model.items():
            if person.twin:
                continue
            held = self.attributes.setdefault(email, {"email": _SPELLINGS[person.spelling](email).strip()})
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
        # Of a row that cannot be sent nothing is known, but it is there: nobody loses a tag for it.
        members = {email for email, person in model.items() if person.in_mirror and not person.twin}
        members |= {email for email in self._mirrored if email in model and model[email].twin}
        for email in self._mirrored - members:
            self.tags[email].discard("Mirror")
        self._mirrored = members


def _write(bench: Bench, model: dict[str, Person]) -> None:
    rows = [
        f"('{_SPELLINGS[person.spelling](email)}', {_sql(person.name)}, {_sql(person.score)}, "
        f"{person.in_mirror}, {person.in_add}, {person.in_remove})"
        for email, person in model.items()
        for _ in range(2 if person.twin else 1)
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
    bench.declare("people", {**DECLARATION, "guards": {"shrink": 1}})  # it may be empty in any round
    worlds = iter(range(10**6))

    @settings(max_examples=6 if bench.warehouse.kind == "duckdb" else 2, phases=[Phase.generate])
    @given(rounds=st.lists(_ROUND, min_size=3, max_size=5))
    def hold(rounds: list[tuple[dict[int, Person], int | None]]) -> None:
        world = next(worlds)  # people of its own in each example: the ledger and Drift go on
        seeded = {f"w{world}p{number}@example.com": {"Remove"} for number in range(3)}
        bench.sandbox.seed([{"email": email, "tags": sorted(tags)} for email, tags in seeded.items()])
        expected = Expected(seeded)
        for people, breaks_off in rounds:
            model = {f"w{world}p{key}@example.com": person for key, person in people.items()}
            _write(bench, model)
            expected.follow(model)
            if breaks_off is not None:
                bench.sandbox.change(faults=[Fault(status=401, skip=breaks_off)])
                bench.sync()
                bench.sandbox.change(faults=[])
                bench.sync()
            else:
                _plan_and_sync(bench, model)
            assert bench.sync().requests == 0
            for email in expected.attributes:
                assert bench.contact(email) == expected.attributes[email]
                assert bench.tags(email) == expected.tags[email]
            held = {contact.attributes["email"].lower() for contact in bench.sandbox.contacts(search=f"w{world}p")}
            assert held == set(expected.attributes)

    hold()


def _plan_and_sync(bench: Bench, model: dict[str, Person]) -> None:
    """Sync, and hold the result against the plan made just before."""
    twins = 2 * sum(person.twin for person in model.values())
    planned = bench.plan(rows=0).counts

    result = bench.sync()

    done, rows = result.contacts, result.rows
    assert result.status == ("warn" if twins else "success")
    assert planned.invalid == result.reasons == ({"duplicate_key": twins} if twins else {})
    assert planned.sendable == done.created + done.updated + done.matched
    assert (planned.rows, planned.unchanged, planned.departed) == (rows.read, rows.unchanged, rows.departed)
    assert sum(planned.tags_added.values()) == done.tags_added
    assert sum(planned.tags_removed.values()) >= done.tags_removed  # somebody who is new may never have had it
    assert rows.read == len(model) + twins // 2 == rows.unchanged + rows.sent + rows.invalid
