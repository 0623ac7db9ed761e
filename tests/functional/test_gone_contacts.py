"""A contact is deleted in Drift: what the ledger remembers of it is not true of its successor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import requests

from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import TOKEN

if TYPE_CHECKING:
    import pytest

    from dbt_drift.delivery.results import SyncResult
    from tests.support.harness import Bench

ADA = "ada@example.com"
VIP = {"tag": "VIP", "mode": "mirror", "when": "vip"}


def delete(bench: Bench, email: str) -> None:
    """Delete a contact as a person would in Drift."""
    contact = bench.sandbox.contact_by_email(email)
    assert contact is not None
    answer = requests.delete(
        f"{bench.sandbox.url}/contacts/{contact.id}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    assert answer.ok


def model(bench: Bench, table: str, **columns: Any) -> None:
    """Write a model of one row."""
    spelled = ", ".join(f"{_literal(value)} as {column}" for column, value in columns.items())
    bench.table(table, f"select {spelled}")


def _literal(value: Any) -> str:
    if value is None:
        return "cast(null as varchar(20))"
    return str(value).lower() if isinstance(value, bool) else f"cast('{value}' as varchar(20))"


def two_models(bench: Bench) -> None:
    model(bench, "people", email=ADA, name="Ada")
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    model(bench, "plans", email=ADA, plan="gold", vip=True)
    bench.declare("plans", {"fields": {"email": "email", "plan": "plan"}, "audiences": [VIP]})
    bench.run()


def run(bench: Bench) -> dict[str, SyncResult]:
    bench.forget_project()
    return {result.name: result for result in bench.run(max_removals=math.inf).results}


def test_the_successor_gets_what_other_models_had_written(bench: Bench) -> None:
    two_models(bench)
    delete(bench, ADA)
    model(bench, "people", email=ADA, name="Ada L.")
    results = run(bench)
    assert (results["people"].contacts.created, results["plans"].contacts.updated) == (1, 1)
    assert (bench.contact(ADA), bench.tags(ADA)) == ({"email": ADA, "name": "Ada L.", "plan": "gold"}, {"VIP"})
    assert [result.requests for result in run(bench).values()] == [0, 0]


def test_it_gets_them_also_from_a_model_that_matches_on_something_else(bench: Bench) -> None:
    model(bench, "people", email=ADA, name="Ada")
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    model(bench, "plans", email=ADA, number="c1", plan="gold")
    fields = {"externalId": "number", "email": "email", "plan": "plan"}
    bench.declare("plans", {"match_on": "externalId", "fields": fields})
    bench.run()
    delete(bench, ADA)
    model(bench, "people", email=ADA, name="Ada L.")
    run(bench)
    assert bench.contact(ADA) == {"email": ADA, "name": "Ada L.", "plan": "gold", "externalId": "c1"}
    assert len(bench.sandbox.contacts()) == 1
    assert [result.requests for result in run(bench).values()] == [0, 0]


def test_what_the_model_no_longer_said_is_not_known_of_the_successor(bench: Bench) -> None:
    news = {"tag": "News", "mode": "add", "when": "news"}
    bench.declare("people", {"fields": {"email": "email", "name": "name", "plan": "plan"}, "audiences": [news]})
    model(bench, "people", email=ADA, name="Ada", plan="gold", news=True)
    bench.sync()
    model(bench, "people", email=ADA, name="Ada", plan=None, news=False)
    assert run(bench)["people"].requests == 0  # a null overwrites nothing, and `add` takes nothing away
    delete(bench, ADA)
    model(bench, "people", email=ADA, name="Ada L.", plan=None, news=False)
    run(bench)
    assert (bench.contact(ADA), bench.tags(ADA)) == ({"email": ADA, "name": "Ada L."}, set())

    model(bench, "people", email=ADA, name="Ada L.", plan="gold", news=True)
    run(bench)
    assert (bench.contact(ADA)["plan"], bench.tags(ADA)) == ("gold", {"News"})


def test_of_a_contact_whose_row_has_left_the_model_nothing_is_left_to_do(bench: Bench) -> None:
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [VIP], "on_deleted": "reject"})
    model(bench, "people", email=ADA, vip=True)
    bench.sync()
    delete(bench, ADA)
    bench.sandbox.seed([{"email": ADA, "tags": ["VIP"]}])
    bench.execute("delete from $.people")
    result = run(bench)["people"]
    assert (result.status, result.rows.departed, result.contacts.matched) == ("success", 1, 1)
    assert bench.tags(ADA) == {"VIP"}
    assert run(bench)["people"].requests == 0


def test_a_contact_that_takes_its_place_loses_what_the_model_takes_away(bench: Bench) -> None:
    bench.sandbox.change(nulls="clear")
    lead = {"tag": "Lead", "mode": "remove"}
    fields = {"email": "email", "name": "name", "plan": {"column": "plan", "nulls": "clear"}}
    bench.declare("people", {"fields": fields, "audiences": [lead]})
    model(bench, "people", email=ADA, name="Ada", plan="gold")
    run(bench)
    delete(bench, ADA)
    bench.sandbox.seed([{"email": ADA, "plan": "theirs", "tags": ["Lead"]}])
    model(bench, "people", email=ADA, name="Ada L.", plan=None)
    run(bench)
    assert (bench.contact(ADA), bench.tags(ADA)) == ({"email": ADA, "name": "Ada L.", "plan": "theirs"}, set())


def test_a_refused_tag_says_nothing_of_an_audience_that_is_an_attribute(bench: Bench) -> None:
    bench.sandbox.change(tags="gone")
    member = {"attribute": "is_member", "mode": "mirror", "when": "member"}
    bench.declare("people", {"fields": {"email": "email"}, "audiences": [VIP, member]})
    model(bench, "people", email=ADA, vip=True, member=True)
    assert bench.sync().reasons == {"tags_unavailable": 1}
    assert bench.contact(ADA)["is_member"] is True
    model(bench, "people", email=ADA, vip=True, member=False)
    run(bench)
    assert bench.contact(ADA)["is_member"] is False


def test_a_contact_that_was_given_up_may_have_been_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value arrived and no answer came back: it is neither the old one nor the new one for certain."""
    monkeypatch.setattr("dbt_drift.drift.engine.client.RetryPolicy", lambda: RetryPolicy(tries=3, first_delay=0.01))
    bench.declare("people", {"fields": {"email": "email", "plan": "plan"}, "audiences": [VIP]})
    model(bench, "people", email=ADA, plan="free", vip=False)
    bench.sync()
    model(bench, "people", email=ADA, plan="gold", vip=False)
    bench.sandbox.change(faults=[Fault(effect="cut", method="PATCH")])
    results = run(bench)["people"]
    assert (results.status, bench.contact(ADA)["plan"]) != ("success", "free")
    bench.sandbox.change(faults=[])
    model(bench, "people", email=ADA, plan="free", vip=False)
    run(bench)
    assert bench.contact(ADA)["plan"] == "free"
