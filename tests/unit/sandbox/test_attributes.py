from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.sandbox.calls.attributes import Attribute
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox


def listed(client: Client) -> dict[str, dict[str, str]]:
    properties = client.call("GET", "/contacts/attributes").json()["data"]["properties"]
    assert [found["name"] for found in properties] == sorted(found["name"] for found in properties)
    return {found["name"]: found for found in properties}


def test_a_new_organisation_has_the_standard_attributes(client: Client) -> None:
    assert {"email", "name", "phone", "alias", "city", "country", "bio", "avatar_url"} <= set(listed(client))
    assert listed(client)["alias"] == {"type": "STRING", "displayName": "Alias", "name": "alias"}
    assert listed(client)["last_active"]["type"] == "DATETIME"


@pytest.mark.parametrize(
    ("value", "kind"), [("pro", "STRING"), (5, "NUMERIC"), (-1.25, "NUMERIC"), (True, "BOOLEAN"), (["a"], "STRING")]
)
def test_writing_an_unknown_attribute_creates_it(client: Client, value: Any, kind: str) -> None:
    contact_id = client.created(email="ada@example.com")
    client.patch_contact(contact_id, custom=value)
    assert listed(client)["custom"] == {"type": kind, "displayName": "custom", "name": "custom"}
    assert client.attributes(contact_id)["custom"] == value


def test_identity_and_tags_are_no_custom_attributes(client: Client) -> None:
    client.created(email="ada@example.com", externalId="1", tags=[{"name": "VIP"}], nothing=None)
    assert not {"externalId", "external_id", "tags", "nothing"} & set(listed(client))


def test_an_attribute_keeps_the_type_of_its_first_value(client: Client) -> None:
    contact_id = client.created(email="ada@example.com", plan="pro")
    client.patch_contact(contact_id, plan=5)
    assert listed(client)["plan"]["type"] == "STRING"


def test_attributes_can_be_declared_with_types_that_cannot_be_inferred(sandbox: Sandbox, client: Client) -> None:
    sandbox.declare_attributes(Attribute("renewal", "DATE", "Renewal date"))
    assert listed(client)["renewal"] == {"type": "DATE", "displayName": "Renewal date", "name": "renewal"}
    body = [{"name": "trial_ends", "type": "DATETIME"}]
    assert client.call("PUT", "/_sandbox/attributes", body).json() == {"attributes": 1}
    assert listed(client)["trial_ends"]["type"] == "DATETIME"


@pytest.mark.parametrize(
    ("mode", "status", "known"), [("create", 200, True), ("ignore", 200, False), ("refuse", 400, False)]
)
def test_unknown_attributes(sandbox: Sandbox, client: Client, mode: str, status: int, *, known: bool) -> None:
    contact_id = client.created(email="ada@example.com")
    sandbox.change(unknown_attributes=mode)
    assert client.patch_contact(contact_id, custom="x", name="Ada").status_code == status
    assert ("custom" in listed(client)) is known
    assert ("custom" in client.attributes(contact_id)) is known


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"name": "Ada", "age": 36, "flag": True, "seen_at": 1_700_000_000_000, "renewal": 1}, 200),
        ({"age": 36.5}, 200),
        ({"name": 5}, 400),
        ({"age": "36"}, 400),
        ({"age": True}, 400),
        ({"flag": 1}, 400),
        ({"seen_at": "2024-01-01"}, 400),
        ({"renewal": 1.5}, 400),
        ({"new": {"nested": 1}}, 400),
        ({"new": [1]}, 400),
    ],
)
def test_types_can_be_checked(sandbox: Sandbox, client: Client, attributes: dict[str, Any], status: int) -> None:
    contact_id = client.created(email="ada@example.com", flag=False)
    sandbox.declare_attributes(Attribute("renewal", "DATE"), Attribute("seen_at", "DATETIME"))
    sandbox.change(attribute_types="checked")
    assert client.patch_contact(contact_id, **attributes).status_code == status


@pytest.mark.parametrize(
    ("mode", "status", "name"), [("ignore", 200, "Ada"), ("clear", 200, None), ("refuse", 400, "Ada")]
)
def test_nulls(sandbox: Sandbox, client: Client, mode: str, status: int, name: str | None) -> None:
    contact_id = client.created(email="ada@example.com", name="Ada", externalId="1")
    sandbox.change(nulls=mode)
    assert client.patch_contact(contact_id, name=None, externalId=None, missing=None).status_code == status
    assert client.attributes(contact_id).get("name") == name
    found = client.call("GET", "/contacts", idType="external", id="1").json()["data"]
    assert len(found) == (0 if mode == "clear" else 1)


def test_an_email_cannot_be_cleared(sandbox: Sandbox, client: Client) -> None:
    contact_id = client.created(email="ada@example.com")
    sandbox.change(nulls="clear")
    assert error_of(client.patch_contact(contact_id, email=None)) == (400, "validation_error")
