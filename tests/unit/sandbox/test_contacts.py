from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox


def test_a_created_contact_is_returned_in_drifts_shape(client: Client) -> None:
    answer = client.create(email="ada@example.com", name="Ada", plan="pro")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    contact = answer.json()["data"]
    assert contact["id"] > 2**32
    assert contact["attributes"] == {
        "_END_USER_VERSION": 3,
        "_end_user_version": 3,
        "_calculated_version": 3,
        "socialProfiles": {},
        "events": {},
        "tags": [],
        "start_date": contact["createdAt"],
        "email": "ada@example.com",
        "name": "Ada",
        "plan": "pro",
    }
    assert client.call("GET", f"/contacts/{contact['id']}").json() == {"data": contact}


def test_ids_grow(client: Client) -> None:
    ids = [client.created(email=f"{name}@example.com") for name in ("a", "b", "c")]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("external_id", ["c-1", 12341243])
def test_an_external_id_comes_back_as_a_string_and_as_its_twin(client: Client, external_id: str | int) -> None:
    attributes = client.create(email="ada@example.com", externalId=external_id).json()["data"]["attributes"]
    assert attributes["externalId"] == attributes["external_id"] == str(external_id)
    assert attributes["_calculated_version"] == 4


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"attributes": None},
        {"email": "ada@example.com"},
        {"attributes": {"name": "Ada"}},
        {"attributes": {"email": ""}},
        {"attributes": {"email": "ada"}},
        {"attributes": {"email": "ada @example.com"}},
        {"attributes": {"email": "@example.com"}},
        {"attributes": {"email": 5}},
        {"attributes": {"email": None}},
        {"attributes": {"email": "ada@example.com", "externalId": ""}},
        {"attributes": {"email": "ada@example.com", "externalId": True}},
        {"attributes": {"email": "ada@example.com", "tags": ["VIP"]}},
    ],
)
def test_a_create_that_is_not_valid_makes_nothing(sandbox: Sandbox, client: Client, body: Any) -> None:
    assert error_of(client.call("POST", "/contacts", body)) == (400, "validation_error")
    assert sandbox.contacts() == []


def test_a_body_that_is_no_json_is_refused(sandbox: Sandbox, client: Client) -> None:
    answer = client.post(f"{sandbox.url}/contacts", data=b'{"attributes": {"email"', timeout=30)
    assert error_of(answer) == (400, "validation_error")


def test_an_email_is_unique_in_any_case(client: Client) -> None:
    client.created(email="ada@example.com")
    assert error_of(client.create(email="Ada@Example.com")) == (409, "conflict")


def test_an_external_id_skips_the_email_check_and_is_itself_unique(sandbox: Sandbox, client: Client) -> None:
    client.created(email="ada@example.com", externalId="1")
    client.created(email="ada@example.com", externalId="2")
    assert error_of(client.create(email="eve@example.com", externalId="2")) == (409, "conflict")
    assert error_of(client.create(email="ada@example.com")) == (409, "conflict")
    assert len(sandbox.contacts()) == 2


@pytest.mark.parametrize("path", ["/contacts", "/contacts/"])
def test_an_email_finds_a_list(client: Client, path: str) -> None:
    one = client.created(email="Ada+x@example.com", externalId="1")
    two = client.created(email="ada+X@example.com", externalId="2")
    client.created(email="eve@example.com")
    found = client.call("GET", path, email="ADA+x@example.com", limit=100).json()["data"]
    assert [contact["id"] for contact in found] == [one, two]
    client.patch_contact(one, name="Ada")
    found = client.call("GET", path, email="ada+x@example.com").json()["data"]
    assert [contact["id"] for contact in found] == [one, two]
    assert client.call("GET", path, email="nobody@example.com").json() == {"data": []}


def test_a_lookup_pages_by_its_link_header(client: Client) -> None:
    ids = [client.created(email="ada@example.com", externalId=str(number)) for number in range(5)]
    answer = client.call("GET", "/contacts", email="ada@example.com", limit=2)
    found = [contact["id"] for contact in answer.json()["data"]]
    while "next" in answer.links:
        answer = client.call("GET", answer.links["next"]["url"])
        found += [contact["id"] for contact in answer.json()["data"]]
    assert found == ids
    assert len(answer.json()["data"]) == 1


def test_own_ids_find_many_at_once(client: Client) -> None:
    one = client.created(email="ada@example.com", externalId="a 1&2")
    two = client.created(email="eve@example.com", externalId="é/?")
    found = client.call("GET", "/contacts", idType="external", id=["é/?", "missing", "a 1&2"]).json()["data"]
    assert [contact["id"] for contact in found] == [two, one]
    for id_type in ("drift", "internal"):
        found = client.call("GET", "/contacts", idType=id_type, id=[one, 5, "x"]).json()["data"]
        assert [contact["id"] for contact in found] == [one]


@pytest.mark.parametrize("query", [{}, {"email": ""}, {"limit": 40}, {"idType": "email", "id": "1"}])
def test_contacts_cannot_be_listed(client: Client, query: dict[str, Any]) -> None:
    client.created(email="ada@example.com", externalId="1")
    assert error_of(client.call("GET", "/contacts", **query)) == (400, "validation_error")


def test_a_limit_that_is_no_number_is_refused(client: Client) -> None:
    answer = client.call("GET", "/contacts", email="ada@example.com", limit="all")
    assert error_of(answer) == (400, "validation_error")


@pytest.mark.parametrize("contact_id", ["5", "abc", "-1", "9" * 5000, "%31"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_id_is_not_found(client: Client, method: str, contact_id: str) -> None:
    answer = client.call(method, f"/contacts/{contact_id}", {"attributes": {}})
    assert error_of(answer) == (404, "not_found")


def test_an_update_changes_the_keys_it_sends_and_counts_the_version(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", name="Ada", plan="free")
    answer = client.patch_contact(contact_id, plan="pro", score=5, email="ada@example.org")
    assert answer.status_code == 200
    attributes = answer.json()["data"]["attributes"]
    assert client.attributes(contact_id) == attributes
    assert {name: attributes[name] for name in ("email", "name", "plan", "score", "_calculated_version")} == {
        "email": "ada@example.org",
        "name": "Ada",
        "plan": "pro",
        "score": 5,
        "_calculated_version": 4,
    }
    assert client.call("GET", "/contacts", email="ada@example.com").json()["data"] == []
    assert len(client.call("GET", "/contacts", email="ada@example.org").json()["data"]) == 1


def test_an_update_refused_changes_nothing(client: Client) -> None:
    client.created(email="eve@example.com", externalId="2")
    contact_id = client.created(email="ada@example.com", name="Ada")
    before = client.attributes(contact_id)
    assert error_of(client.patch_contact(contact_id, name="X", email="EVE@example.com")) == (409, "conflict")
    assert error_of(client.patch_contact(contact_id, name="X", externalId="2")) == (409, "conflict")
    assert error_of(client.patch_contact(contact_id, name="X", email="nonsense")) == (400, "validation_error")
    assert client.attributes(contact_id) == before


def test_a_contact_may_be_given_its_own_identity_again(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", externalId="1")
    assert client.patch_contact(contact_id, email="Ada@example.com", externalId="1").status_code == 200


def test_what_drift_owns_cannot_be_written(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", externalId="1")
    client.patch_contact(contact_id, _calculated_version=99, external_id="2")
    attributes = client.attributes(contact_id)
    assert (attributes["_calculated_version"], attributes["external_id"]) == (5, "1")


def test_an_own_id_updates_without_a_lookup(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", externalId="é/?")
    body = {"attributes": {"plan": "pro"}}
    answer = client.call("PATCH", "/contacts/normalize", body, idType="external", id="é/?")
    assert answer.json()["data"]["id"] == contact_id
    assert client.attributes(contact_id)["plan"] == "pro"
    answer = client.call("PATCH", "/contacts/normalize", body, idType="external", id="missing")
    assert error_of(answer) == (404, "not_found")
    assert error_of(client.call("PATCH", "/contacts/normalize", body)) == (400, "validation_error")


def test_a_deleted_contact_is_gone_and_frees_its_identity(sandbox: Sandbox, client: Client) -> None:
    contact_id = client.created(email="ada@example.com", externalId="1")
    answer = client.call("DELETE", f"/contacts/{contact_id}")
    assert (answer.status_code, answer.json()) == (202, {"result": "OK", "ok": True})
    assert error_of(client.call("GET", f"/contacts/{contact_id}")) == (404, "not_found")
    assert client.call("GET", "/contacts", email="ada@example.com").json() == {"data": []}
    assert client.created(email="ada@example.com", externalId="1") > contact_id
    assert len(sandbox.contacts()) == 1


def test_a_timeline_event_is_answered_in_lower_case(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", externalId="1")
    sent = {"contactId": contact_id, "event": "Signed UP", "createdAt": 5}
    expected = {"attributes": {}, "event": "signed up", "createdAt": 5, "contactId": contact_id}
    assert client.call("POST", "/contacts/timeline", sent).json() == {"data": expected}
    answer = client.call("POST", "/contacts/timeline", {"externalId": "1", "event": "x"})
    assert answer.json()["data"]["contactId"] == contact_id


@pytest.mark.parametrize(
    ("body", "status"),
    [({"event": "x"}, 404), ({"event": "x", "contactId": 5}, 404), ({"event": " "}, 400), ({"contactId": 5}, 400)],
)
def test_a_timeline_event_needs_a_contact_and_a_name(client: Client, body: Any, status: int) -> None:
    assert error_of(client.call("POST", "/contacts/timeline", body))[0] == status


def test_unsubscribe_takes_a_bare_array(client: Client) -> None:
    answer = client.call("POST", "/emails/unsubscribe", ["ada@example.com"])
    assert (answer.status_code, answer.json()) == (200, {"result": "OK", "ok": True})
    answer = client.call("POST", "/emails/unsubscribe", {"emails": ["ada@example.com"]})
    assert error_of(answer) == (400, "validation_error")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/contacts/list", 404),
        ("GET", "/users/list", 404),
        ("PUT", "/contacts", 405),
        ("POST", "/contacts/1", 405),
    ],
)
def test_what_is_no_call_is_refused(client: Client, method: str, path: str, status: int) -> None:
    assert error_of(client.call(method, path))[0] == status
