"""A run may die at any point: the next one ends where an undisturbed one ends."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.delivery import pump
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.sandbox.behaviour import Fault

if TYPE_CHECKING:
    from tests.support.harness import Bench

FIELDS = {"email": "email", "name": "name"}
VIP = [{"tag": "VIP", "mode": "mirror", "when": "vip"}]


class KilledError(BaseException):
    """As if the process had ended here."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str, call: int, *, after: bool) -> None:
    """Let the ledger die around one call of one of its steps, and stay dead: nothing is written on the way out."""
    calls = 0
    dead = False

    def dying(name: str) -> Any:
        real = getattr(SyncLedger, name)

        def run(*arguments: Any) -> Any:
            nonlocal calls, dead
            calls += name == step
            dead = dead or (name == step and calls == call and not after)
            if dead:
                raise KilledError
            found = real(*arguments)
            dead = name == step and calls == call
            if dead:
                raise KilledError
            return found

        return run

    for name in ("open", "fold", "stage", "page", "record", "finish"):
        monkeypatch.setattr(SyncLedger, name, dying(name))


def model(bench: Bench) -> None:
    """Forty people: ten to make, ten to change, ten to leave alone and ten who leave."""
    people = "select 'p' || i || '@example.com' as email, 'Name ' || i as name, true as vip"
    bench.table("people", f"{people} from generate_series(11, 40) as g(i)")
    bench.declare("people", {"fields": FIELDS, "audiences": VIP})
    bench.sync()
    bench.table(
        "people",
        "select 'p' || i || '@example.com' as email, case when i > 20 then 'Name ' else 'New ' end || i as name, "
        "i % 2 = 0 as vip from generate_series(1, 30) as g(i)",
    )


def expected() -> dict[str, tuple[str, set[str]]]:
    people = {}
    for i in range(1, 41):
        name = f"New {i}" if i <= 20 else f"Name {i}"
        people[f"p{i}@example.com"] = (name, {"VIP"} if i <= 30 and i % 2 == 0 else set())
    return people


def held(bench: Bench) -> dict[str, tuple[str, set[str]]]:
    contacts = bench.sandbox.contacts()
    found = {contact.attributes["email"]: (contact.attributes["name"], set(contact.tags)) for contact in contacts}
    assert len(found) == len(contacts)
    return found


# Step of the ledger, which of its calls, and whether it was still done.
@pytest.mark.parametrize(
    "deaths",
    [
        [("stage", 1, True)],
        [("record", 1, False)],
        [("record", 1, True)],
        [("record", 3, True), ("fold", 1, True)],
        [("finish", 1, False), ("fold", 1, False)],
        [("finish", 1, True)],
    ],
    ids=lambda deaths: ", ".join(f"{'after' if done else 'before'} {step} {call}" for step, call, done in deaths),
)
def test_a_run_that_dies_anywhere_is_finished_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, deaths: list[tuple[str, int, bool]]
) -> None:
    model(bench)
    monkeypatch.setattr(pump, "FLUSH_ROWS", 1)
    bench.workers = 1  # so that the answers come in several batches
    for step, call, done in deaths:
        with monkeypatch.context() as patch:
            kill_at(patch, step, call, after=done)
            with pytest.raises(KilledError):
                bench.sync(max_removals=math.inf)
    assert bench.sync(max_removals=math.inf).status == "success"
    assert held(bench) == expected()
    assert bench.sync(max_removals=math.inf).requests == 0


def test_what_a_dead_run_sent_is_remembered_even_when_the_mapping_has_changed_since(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name, 3 as seats, true as vip")
    bench.declare("people", {"fields": FIELDS, "audiences": VIP})
    with monkeypatch.context() as patch:
        kill_at(patch, "finish", 1, after=False)
        with pytest.raises(KilledError):
            bench.sync()
    bench.requests()

    bench.declare("people", {"fields": {"email": "email", "seats": "seats"}})
    bench.sync()
    assert bench.requests() == 1  # the id is known, and seats alone are new
    bench.declare("people", {"fields": {**FIELDS, "seats": "seats"}, "audiences": VIP})
    bench.sync()
    assert bench.requests() == 0


def test_an_answer_to_another_stage_says_nothing_of_this_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name")
    bench.declare("people", {"fields": FIELDS})
    with monkeypatch.context() as patch:
        kill_at(patch, "stage", 1, after=True)
        with pytest.raises(KilledError):
            bench.sync()
    late = "('another stage', 1, 7, 'updated', true, true, null, null, null, null)"  # a second run was under way
    bench.warehouse.execute(f"insert into {bench.ledger}.people__journal values {late}")
    assert bench.sync().contacts.created == 1


def test_a_refused_token_before_anything_was_sent(bench: Bench) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name")
    bench.declare("people", {"fields": FIELDS})
    bench.table("others", "select 'bob@example.com' as email, 'B' as initial")
    bench.declare("others", {"fields": {"email": "email", "initial": "initial"}})
    bench.sandbox.change(undeclared_tokens="refuse")
    results = bench.run()
    assert [result.status for result in results.results] == ["error", "skipped"]
    assert (results.exit_code, bench.requests()) == (2, 0)
    bench.sandbox.change(undeclared_tokens="accept")
    assert [result.rows.sent for result in bench.run().results] == [1, 1]


def test_tags_that_drift_refuses_do_not_take_the_attributes_along(bench: Bench) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name, true as vip")
    bench.declare("people", {"fields": FIELDS, "audiences": VIP})
    bench.sandbox.change(tags="gone")
    first = bench.sync()
    assert (first.reasons, first.contacts.tags_added) == ({"tags_unavailable": 1}, 0)
    bench.sandbox.change(tags="live")

    plan = bench.plan()
    assert [(change.attributes, change.add_tags) for change in plan.changes] == [({}, ["VIP"])]
    bench.requests()
    assert bench.sync().contacts.tags_added == 1
    assert bench.requests() == 2  # the tag, and a look whether it is there
    assert bench.tags("ada@example.com") == {"VIP"}


def test_any_words_of_drift_are_kept(bench: Bench) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name")
    bench.declare("people", {"fields": FIELDS})
    words = 'it\'s %s %(x)s {{ 1 }} "quoted" \\ \N{GRINNING FACE} \0'
    body = json.dumps({"error": {"type": "validation_error", "message": words}})
    bench.sandbox.change(faults=[Fault(status=400, body=body, method="POST")])
    assert bench.sync().reasons == {"validation_error": 1}
    kept = bench.warehouse.rows(f"select message from {bench.ledger}.people__rejected")
    assert kept == [(words.rstrip("\0"),)]
