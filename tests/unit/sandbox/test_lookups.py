"""How look-ups answer where Drift's way is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox


def found(client: Client, *ids: object, **query: Any) -> Any:
    answer = client.call("GET", "/contacts", idType="external", id=[str(one) for one in ids], **query)
    assert answer.status_code == 200, answer.text
    return [contact["attributes"]["externalId"] for contact in answer.json()["data"]]


@pytest.fixture(autouse=True)
def three(sandbox: Sandbox) -> list[int]:
    return sandbox.seed([{"externalId": "a"}, {"externalId": "b"}, {"externalId": "c"}])


def test_ids_that_are_missing_are_left_out_or_spoil_it_all(sandbox: Sandbox, client: Client) -> None:
    assert found(client, "b", "x", "a") == ["b", "a"]
    sandbox.change(missing_ids="not-found")
    assert found(client, "b", "a") == ["b", "a"]
    answer = client.call("GET", "/contacts", idType="external", id=["b", "x"])
    assert error_of(answer) == (404, "not_found")


def test_an_id_that_is_repeated_is_answered_once(client: Client) -> None:
    assert found(client, "a", "a") == ["a"]


@pytest.mark.parametrize(("order", "expected"), [("asked", "cab"), ("oldest", "abc"), ("newest", "cba")])
def test_the_order_of_ids(sandbox: Sandbox, client: Client, order: str, expected: str) -> None:
    sandbox.change(ids_order=order)
    assert found(client, *"cab") == list(expected)
    assert found(client, *"cab", limit=2) == list(expected)[:2]


def test_too_many_ids_are_refused_or_cut(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(most_ids=2)
    assert error_of(client.call("GET", "/contacts", idType="external", id=["a", "b", "c"]))[0] == 400
    assert found(client, "c", "b") == ["c", "b"]
    sandbox.change(too_many_ids="cut")
    assert found(client, "c", "b", "a") == ["c", "b"]


@pytest.mark.parametrize("status", [400, 404, 405])
def test_there_is_no_listing(sandbox: Sandbox, client: Client, status: int) -> None:
    sandbox.change(listing_status=status)
    assert error_of(client.call("GET", "/contacts"))[0] == status


def test_nobody_with_an_email_can_be_a_404(sandbox: Sandbox, client: Client) -> None:
    assert client.call("GET", "/contacts", email="ada@example.com").json() == {"data": []}
    sandbox.change(lookup_status=404)
    assert error_of(client.call("GET", "/contacts", email="ada@example.com")) == (404, "not_found")


def test_look_ups_can_carry_errors_beside_their_contacts(sandbox: Sandbox, client: Client, three: list[int]) -> None:
    sandbox.change(lookup_errors=True)
    answer = client.call("GET", "/contacts", idType="external", id="a").json()
    assert [contact["id"] for contact in answer["data"]] == three[:1]
    assert answer["errors"][0].keys() == {"type", "message", "param"}


@pytest.mark.parametrize(
    ("external_id", "shown"), [("12", 12), ("012", "012"), ("a-1", "a-1"), ("\N{ARABIC-INDIC DIGIT ONE}",) * 2]
)
def test_an_external_id_can_be_a_number(sandbox: Sandbox, client: Client, external_id: str, shown: object) -> None:
    contact_id = client.created(email="ada@example.com", externalId=external_id)
    assert client.attributes(contact_id)["externalId"] == external_id
    sandbox.change(external_id="number")
    attributes = client.attributes(contact_id)
    assert (attributes["externalId"], attributes["external_id"]) == (shown, shown)


def test_an_external_id_that_is_not_there_can_be_null(sandbox: Sandbox, client: Client) -> None:
    contact_id = client.created(email="ada@example.com")
    assert "externalId" not in client.attributes(contact_id)
    sandbox.change(external_id_null=True)
    assert client.attributes(contact_id)["externalId"] is None


@pytest.mark.parametrize(("where", "taken"), [("query", "query"), ("body", "body"), ("either", "query body")])
def test_where_normalize_takes_who_is_meant(
    sandbox: Sandbox, client: Client, three: list[int], where: str, taken: str
) -> None:
    sandbox.change(normalize_parameters=where)
    who = {"idType": "external", "id": "a"}
    by_query = client.call("PATCH", "/contacts/normalize", {"attributes": {"name": "Q"}}, **who)
    by_body = client.call("PATCH", "/contacts/normalize", {**who, "attributes": {"name": "B"}})
    answered = {"query": by_query.status_code, "body": by_body.status_code}
    assert {name for name, status in answered.items() if status == 200} == set(taken.split())
    assert {status for name, status in answered.items() if name not in taken} <= {400}
    assert client.attributes(three[0])["name"] == ("B" if "body" in taken else "Q")
