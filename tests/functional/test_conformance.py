"""Drift's own Python client, unmodified, against the sandbox: what it expects of Drift, the sandbox does.

drift-python 1.1.3 imports itself, and with it requests, while it is built, so a build in isolation fails. Install it
into an environment that has setuptools and requests: `pip install --no-build-isolation drift-python==1.1.3`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

drift = pytest.importorskip(
    "drift", reason="needs: pip install --no-build-isolation drift-python==1.1.3", exc_type=ImportError
)

OK = {"result": "OK", "ok": True}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def contacts(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("drift.contacts.Contact.CONTACT_URL_BASE", f"{sandbox.url}/contacts")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return drift.Drift("any-token").contacts


@pytest.fixture
def ada(contacts: Any) -> int:
    contact_id = contacts.create(email="ada@example.com", name="Ada")["data"]["id"]
    assert isinstance(contact_id, int)
    return contact_id


def tags(sandbox: Sandbox) -> list[str]:
    return list(sandbox.contacts()[0].tags)


def test_create_answers_the_contact(sandbox: Sandbox, contacts: Any) -> None:
    created = contacts.create(email="ada@example.com", externalId="c-1", plan_tier="pro")["data"]
    assert created["attributes"].items() >= {"email": "ada@example.com", "externalId": "c-1"}.items()
    stored = sandbox.contact_by_email("ada@example.com")
    assert stored is not None
    assert (stored.id, stored.attributes["plan_tier"]) == (created["id"], "pro")


def test_create_of_a_duplicate_answers_an_error_and_not_a_second_contact(
    sandbox: Sandbox, contacts: Any, ada: int
) -> None:
    assert contacts.create(email="ada@example.com")["error"]["type"] == "conflict"
    assert [contact.id for contact in sandbox.contacts()] == [ada]


def test_get_by_id(contacts: Any, ada: int) -> None:
    assert contacts.get(ada)["data"]["attributes"]["name"] == "Ada"


def test_get_by_email_through_its_query_parameters(contacts: Any, ada: int) -> None:
    # Its `get` puts the id into the path; an empty one leaves `/contacts/` with the query, as other clients send it.
    assert [found["id"] for found in contacts.get("", email="ada@example.com", limit=1)["data"]] == [ada]


def test_get_of_an_unknown_contact_answers_an_error(contacts: Any) -> None:
    assert contacts.get(5)["error"]["type"] == "not_found"


def test_update_changes_what_it_names(sandbox: Sandbox, contacts: Any, ada: int) -> None:
    assert contacts.update(ada, phone="555-1")["data"]["attributes"]["phone"] == "555-1"
    assert sandbox.contacts()[0].attributes == {"email": "ada@example.com", "name": "Ada", "phone": "555-1"}


def test_delete(sandbox: Sandbox, contacts: Any, ada: int) -> None:
    assert contacts.delete(ada) == OK
    assert sandbox.contacts() == []


def test_add_tags(sandbox: Sandbox, contacts: Any, ada: int) -> None:
    assert contacts.add_tags(ada, [{"name": "VIP"}, {"name": "HOT LEAD", "color": "ff69b4"}]) == OK
    assert tags(sandbox) == ["VIP", "HOT LEAD"]
    assert [tag["name"] for tag in contacts.get(ada)["data"]["attributes"]["tags"]] == ["VIP", "HOT LEAD"]


@pytest.mark.parametrize("name", ["VIP", "HOT LEAD", "é"])
def test_remove_tag_with_a_name_that_it_does_not_encode_itself(
    sandbox: Sandbox, contacts: Any, ada: int, name: str
) -> None:
    contacts.add_tags(ada, [{"name": name}, {"name": "stays"}])
    assert contacts.remove_tag(ada, name) == OK
    assert tags(sandbox) == ["stays"]


def test_remove_tags_bulk(sandbox: Sandbox, contacts: Any, ada: int) -> None:
    contacts.add_tags(ada, [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    assert contacts.remove_tags_bulk(ada, ["a", "c"]) == OK
    assert tags(sandbox) == ["b"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_server_is_what_the_client_takes_for_one(
    sandbox: Sandbox, contacts: Any, ada: int, status: int
) -> None:
    sandbox.change(faults=[{"status": status}])
    assert contacts.get(ada)["code"] == status


def test_a_refused_token_is_named_in_the_common_envelope(sandbox: Sandbox, contacts: Any) -> None:
    sandbox.change(undeclared_tokens="refuse")
    assert contacts.get(5)["error"] == {
        "type": "authentication_error",
        "message": "The access token is invalid or has expired",
    }


def test_it_introduces_itself_as_the_version_that_is_meant() -> None:
    assert drift.__version__ == "1.1.3"
