"""The switches that have no test file of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.behaviour import Behaviour, Fault, json_schema
from dbt_drift.sandbox.server import Sandbox
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_a_sandbox_starts_with_the_behaviour_it_is_given() -> None:
    with Sandbox(behaviour=Behaviour(duplicate_status=400)) as sandbox, Client(sandbox.url) as client:
        client.created(email="ada@example.com")
        assert error_of(client.create(email="ada@example.com")) == (400, "validation_error")


def test_switches_are_changed_over_http(client: Client) -> None:
    changed = client.call("PATCH", "/_sandbox/behaviour", {"nulls": "clear", "faults": [{"status": 503, "count": 1}]})
    assert changed.json() == client.call("GET", "/_sandbox/behaviour").json()
    expected = Behaviour(nulls="clear", faults=(Fault(status=503, count=1),))
    assert msgspec.convert(changed.json(), Behaviour) == expected


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"nuls": "clear"}, "Did you mean 'nulls'?"),
        ({"zzzz": 1}, "It has: rate_limit"),
        ({"nulls": "clean"}, "$.nulls"),
        ({"rate_limit": -1}, "$.rate_limit"),
        ({"rate_limit": "1000"}, "$.rate_limit"),
        ({"faults": [{"effekt": "reset"}]}, "effekt"),
        ({"faults": [{"rate": 2}]}, "$.faults[0].rate"),
        ({"faults": object()}, "cannot be switched"),
    ],
)
def test_a_wrong_switch_is_named(switches: Mapping[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Behaviour().changed(switches)
    assert told in str(raised.value)


def test_a_wrong_switch_is_named_over_http(sandbox: Sandbox, client: Client) -> None:
    answer = client.call("PATCH", "/_sandbox/behaviour", {"nulls": "clean", "tags": "gone"})
    assert error_of(answer) == (400, "validation_error")
    with pytest.raises(ConfigurationError):
        sandbox.change(nulls="clean")
    assert client.call("GET", "/_sandbox/behaviour").json()["tags"] == "live"


def test_every_switch_is_described() -> None:
    properties = msgspec.json.decode(json_schema())["$defs"]["Behaviour"]["properties"]
    assert set(properties) == set(Behaviour.__struct_fields__)
    assert all(found["description"].endswith(".") and "default" in found for found in properties.values())


@pytest.mark.parametrize(("mode", "status"), [("refuse", 409), ("allow", 200)])
def test_the_email_of_another_contact_on_an_update(sandbox: Sandbox, client: Client, mode: str, status: int) -> None:
    client.created(email="eve@example.com")
    contact_id = client.created(email="ada@example.com")
    sandbox.change(email_collision=mode)
    assert client.patch_contact(contact_id, email="eve@example.com").status_code == status


def test_the_case_of_an_email_can_matter(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(email_case="kept")
    client.created(email="ada@example.com")
    assert client.call("GET", "/contacts", email="Ada@example.com").json() == {"data": []}
    contact_id = client.created(email="Ada@example.com")
    found = client.call("GET", "/contacts", email="Ada@example.com").json()["data"]
    assert [contact["id"] for contact in found] == [contact_id]


def test_a_lookup_can_return_a_bare_object(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(lookup="object")
    contact_id = client.created(email="ada@example.com", externalId="1")
    assert client.call("GET", "/contacts", email="ada@example.com").json()["data"]["id"] == contact_id
    assert client.call("GET", "/contacts", email="eve@example.com").json()["data"] == []
    client.created(email="ada@example.com", externalId="2")
    assert len(client.call("GET", "/contacts", email="ada@example.com").json()["data"]) == 2


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_the_order_and_the_most_of_a_lookup(sandbox: Sandbox, client: Client, order: str) -> None:
    ids = [client.created(email="ada@example.com", externalId=str(number)) for number in range(3)]
    sandbox.change(lookup_order=order, lookup_limit=2)
    found = client.call("GET", "/contacts", email="ada@example.com", limit=100).json()["data"]
    expected = ids if order == "oldest" else ids[::-1]
    assert [contact["id"] for contact in found] == expected[:2]


def test_contacts_can_come_without_a_key_for_tags(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(tags_key=False)
    contact_id = client.created(email="ada@example.com", tags=[{"name": "VIP"}])
    assert "tags" not in client.attributes(contact_id)
    assert "tags" not in client.call("GET", "/contacts", email="ada@example.com").text


def test_acknowledgements_can_be_empty(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(acknowledgement="empty")
    contact_id = client.created(email="ada@example.com")
    answers: list[tuple[str, str, Any, int]] = [
        ("POST", f"/contacts/{contact_id}/tags", [{"name": "VIP"}], 200),
        ("DELETE", f"/contacts/{contact_id}/tags/VIP", None, 200),
        ("POST", f"/contacts/{contact_id}/tags/delete/_bulk", ["VIP"], 200),
        ("POST", "/emails/unsubscribe", ["ada@example.com"], 200),
        ("DELETE", f"/contacts/{contact_id}", None, 202),
    ]
    for method, path, body, status in answers:
        answer = client.call(method, path, body)
        assert (answer.status_code, answer.content) == (status, b"")


def test_the_version_can_lag_behind_an_update(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(version_lag=True)
    contact_id = client.created(email="ada@example.com")
    attributes = client.patch_contact(contact_id, name="Ada").json()["data"]["attributes"]
    assert (attributes["name"], attributes["_calculated_version"]) == ("Ada", 3)
    assert client.attributes(contact_id)["_calculated_version"] == 4


@pytest.mark.parametrize("name", ["_calculated_version", "events", "start_date", "external_id"])
def test_what_drift_keeps_itself_is_not_written(sandbox: Sandbox, client: Client, name: str) -> None:
    contact_id = client.created(email="ada@example.com", externalId="1")
    before = client.attributes(contact_id)[name]
    assert client.patch_contact(contact_id, **{name: 5}).status_code == 200
    sandbox.change(read_only="refuse")
    assert error_of(client.patch_contact(contact_id, **{name: 5})) == (400, "validation_error")
    # A PATCH counts the version, whatever is written to it.
    assert client.attributes(contact_id)[name] == (before + 1 if name == "_calculated_version" else before)


def test_refusals_can_be_empty_or_somebody_elses(sandbox: Sandbox, client: Client) -> None:
    client.created(email="ada@example.com")
    for body, expected in [("empty", ""), ("html", "<html><body><h1>409</h1></body></html>")]:
        sandbox.change(error_body=body)
        answer = client.create(email="ada@example.com")
        assert (answer.status_code, answer.text) == (409, expected)


def test_tags_can_be_shown_by_name_and_answered_with_202(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(tag_items="names", tag_status=202)
    contact_id = client.created(email="ada@example.com")
    assert client.call("POST", f"/contacts/{contact_id}/tags", [{"name": "VIP"}, {"name": "b"}]).status_code == 202
    assert client.attributes(contact_id)["tags"] == ["VIP", "b"]
    assert client.call("DELETE", f"/contacts/{contact_id}/tags/b").status_code == 202
    assert client.call("POST", f"/contacts/{contact_id}/tags/delete/_bulk", ["VIP"]).status_code == 202
    assert client.attributes(contact_id)["tags"] == []


@pytest.mark.parametrize("path", ["/accounts", "/users/list", "/conversations/5", "/gdpr/delete", "/teams/org", "/x"])
def test_what_is_not_served_says_so(client: Client, path: str) -> None:
    answer = client.call("GET", path)
    assert error_of(answer) == (404, "not_found")
    assert answer.json()["error"]["message"] == (
        f"The sandbox has no {path}: "
        "it serves contacts, tags, attributes, timeline events, unsubscribe, sign-in and tokens only."
    )
