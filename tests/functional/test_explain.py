"""`explain`: why a contact has, or has not, got what the model says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

DECLARED = {
    "fields": {"email": "email", "name": "name", "seats": "seats"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
}


@pytest.fixture
def people(bench: Bench) -> Bench:
    bench.table(
        "people",
        "select * from (values ('ada@example.com', 'Ada', 3, true), ('bob@example.com', 'Bob', 4, false), "
        "('bad', 'Bad', 5, false)) as t(email, name, seats, is_vip)",
    )
    bench.declare("people", DECLARED)
    return bench


def explained(bench: Bench, dbt_drift: CommandLine, key: str, *options: str) -> Done:
    return dbt_drift("explain", key, *options, *project_of(bench), environment=bench.environment)


def state(bench: Bench, dbt_drift: CommandLine, key: str, *options: str) -> dict[str, Any]:
    done = explained(bench, dbt_drift, key, "--output", "json", *options)
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)["syncs"]
    assert isinstance(found, dict)
    return found


def test_a_contact_before_and_after_its_sync(people: Bench, dbt_drift: CommandLine) -> None:
    before = explained(people, dbt_drift, " Ada@Example.com")
    assert before.code == 0
    assert "The next sync sends it." in before.out
    assert "GET /contacts, to find it" in before.out
    assert people.requests() == 0

    people.sync()
    people.forget_project()
    after = explained(people, dbt_drift, "ada@example.com")
    assert "Drift has accepted all that the model says." in after.out
    assert "last sync of the model: " in after.out
    found = state(people, dbt_drift, "ada@example.com")
    assert found["rows"][0]["attributes"] == {"email": '"ada@example.com', "name": '"Ada', "seats": "3"}
    assert found["accepted"]["attributes"] == found["rows"][0]["attributes"]
    assert (found["rows"][0]["members"], found["accepted"]["tags"]) == ({"VIP": True}, {"VIP": "+"})
    assert (found["change"], found["requests"], found["rejected"], found["invalid"]) == (None, [], None, None)


def test_a_change_and_its_requests(people: Bench, dbt_drift: CommandLine) -> None:
    people.sync()
    people.forget_project()
    people.execute("update $.people set seats = 9, is_vip = false where name = 'Ada'")
    found = state(people, dbt_drift, "ada@example.com")
    contact_id = found["accepted"]["contact_id"]
    assert found["change"]["attributes"] == {"seats": ["3", "9"]}
    assert found["requests"] == [f"PATCH /contacts/{contact_id}", f"POST /contacts/{contact_id}/tags/delete/_bulk"]
    people.requests()
    before = len(people.sandbox.requests())
    people.sync()
    made = [f"{one.method} {one.path}" for one in people.sandbox.requests()[before:]]
    assert [one for one in made if "/contacts/" in one and "attributes" not in one] == found["requests"]


def test_a_row_that_cannot_be_sent(people: Bench, dbt_drift: CommandLine) -> None:
    done = explained(people, dbt_drift, "bad")
    assert "Cannot be sent: malformed_email (email)." in done.out


def test_a_row_that_drift_refused(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(faults=[{"method": "POST", "path": "/contacts", "status": 400, "count": 1}])
    people.sync()
    people.forget_project()
    found = next(
        one
        for key in ("ada@example.com", "bob@example.com")
        if (one := state(people, dbt_drift, key))["rejected"] is not None
    )
    assert found["rejected"]["given_up"] is True
    done = explained(people, dbt_drift, found["key"])
    assert f"Given up until the row changes, or until `dbt-drift retry --key {found['key']}`." in done.out
    people.sandbox.change(faults=[])
    retried = dbt_drift("retry", "--key", found["key"], *project_of(people), environment=people.environment)
    assert retried.code == 0, retried.out
    assert "Drift has accepted all that the model says." in explained(people, dbt_drift, found["key"]).out


def test_a_contact_that_has_left_the_model(people: Bench, dbt_drift: CommandLine) -> None:
    people.sync()
    people.forget_project()
    people.execute("delete from $.people where name in ('Ada', 'Bob')")
    left = explained(people, dbt_drift, "ada@example.com")
    assert "Its row has left the model: the next sync takes its tags away." in left.out
    assert "The model has no row for it any more." in explained(people, dbt_drift, "bob@example.com").out


def test_nobody_knows_the_contact(people: Bench, dbt_drift: CommandLine) -> None:
    done = explained(people, dbt_drift, "nobody@example.com")
    assert done.code == 1
    assert "No model has a row for nobody@example.com, and the ledger does not remember it." in done.out


def test_beside_what_drift_has(people: Bench, dbt_drift: CommandLine) -> None:
    people.sync()
    people.forget_project()
    ada = people.sandbox.contact_by_email("ada@example.com")
    assert ada is not None
    found = state(people, dbt_drift, "ada@example.com", "--drift")
    assert found["in_drift"]["contact_id"] == ada.id
    assert found["in_drift"]["attributes"]["name"] == '"Ada"'
    assert found["in_drift"]["tags"] == ["VIP"]
    written = [one for one in people.sandbox.requests() if one.method != "GET" and one.path != "/app/token_info"]
    shown = explained(people, dbt_drift, "ada@example.com", "--drift")
    assert f"Drift now ({ada.id})" in shown.out
    assert "carried" in shown.out
    assert [
        one for one in people.sandbox.requests() if one.method != "GET" and one.path != "/app/token_info"
    ] == written


def test_a_contact_that_is_gone_from_drift(people: Bench, dbt_drift: CommandLine) -> None:
    done = explained(people, dbt_drift, "ada@example.com", "--drift")
    assert "Drift has no such contact." in done.out


def test_a_contact_is_found_by_its_address_where_another_attribute_is_its_key(
    bench: Bench, dbt_drift: CommandLine
) -> None:
    bench.table("people", "select 'c1' as id, 'Ada@example.com' as email")
    bench.declare("people", {"match_on": "externalId", "fields": {"externalId": "id", "email": "email"}})
    bench.sync()
    bench.forget_project()
    assert state(bench, dbt_drift, "ada@EXAMPLE.com", "--drift")["key"] == "c1"
    bench.execute("delete from $.people")
    assert state(bench, dbt_drift, "ada@example.com")["key"] == "c1"


def test_a_hostile_key_is_only_a_text(people: Bench, dbt_drift: CommandLine) -> None:
    people.sync()
    people.forget_project()
    for key in ("' or '1'='1", "x') or (1=1", "{{ 1 + 1 }}", "\\' or 1=1 --", "%"):
        assert explained(people, dbt_drift, key).code == 1
