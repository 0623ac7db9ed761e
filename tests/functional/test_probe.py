"""`dbt-drift check --contact`: which way of marking an audience works, found out on one contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

ADA = "ada@example.com"


def probe(people: Bench, dbt_drift: CommandLine, audience: dict[str, Any]) -> Done:
    people.declare("people", {"fields": {"email": "email", "name": "name"}, "audiences": [audience]})
    return dbt_drift("check", "--contact", "Ada@example.com", *project_of(people), environment=people.environment)


@pytest.fixture(autouse=True)
def seeded(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt_drift.drift.contact.probing.SECOND_LOOK_SECONDS", 0.01)
    people.sandbox.seed([{"email": ADA, "name": "Ada", "tags": ["Old"]}])


@pytest.mark.parametrize(
    ("tags", "tag_code", "said"),
    [("live", 0, "tags are applied"), ("ignored", 1, "does not apply them"), ("gone", 1, "no contact tags")],
)
def test_what_drift_does_with_tags(people: Bench, dbt_drift: CommandLine, tags: str, tag_code: int, said: str) -> None:
    people.sandbox.change(tags=tags)
    before = people.contact(ADA)
    done = probe(people, dbt_drift, {"tag": "VIP", "mode": "add"})
    assert (done.code, said in done.out, "attributes can be written" in done.out) == (tag_code, True, True)
    assert ("people: give the audiences an `attribute`" in done.out) == (tag_code == 1)
    assert probe(people, dbt_drift, {"attribute": "is_vip", "mode": "add"}).code == 0
    assert people.contact(ADA) == before
    assert people.tags(ADA) == {"Old"}


def test_where_nobodys_tags_are_shown_a_person_has_to_look(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(faults=[Fault(status=404, method="GET", path="/contacts/{id}/tags")])
    done = probe(people, dbt_drift, {"tag": "VIP", "mode": "add"})
    assert (done.code, "check the contact in Drift" in done.out, people.tags(ADA)) == (0, True, {"Old"})


def test_a_contact_that_drift_does_not_have(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.reset("contacts")
    done = probe(people, dbt_drift, {"tag": "VIP", "mode": "add"})
    assert (done.code, "no contact" in done.out, "Ada@example.com" in done.out) == (1, True, False)
    assert people.sandbox.contacts() == []


def test_a_refusal_is_told(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(faults=[Fault(status=400, method="PATCH")])
    done = probe(people, dbt_drift, {"tag": "VIP", "mode": "add"})
    assert (done.code, "refuses to try it" in done.err) == (2, True)


def test_a_tag_may_have_a_colour(people: Bench, dbt_drift: CommandLine) -> None:
    audiences = [{"tag": "VIP", "mode": "add", "color": "ff69b4"}, {"tag": "Other", "mode": "add"}]
    people.declare("people", {"fields": {"email": "email", "name": "name"}, "audiences": audiences})
    dbt_drift("sync", *project_of(people), environment=people.environment)
    held = people.sandbox.contact_by_email(ADA)
    assert held is not None
    assert held.tags["VIP"] == "ff69b4"
    assert set(held.tags) == {"VIP", "Other", "Old"}
