from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox

OK = {"result": "OK", "ok": True}


@pytest.fixture
def contact(client: Client) -> int:
    return client.created(email="ada@example.com")


def names(client: Client, contact: int) -> list[str]:
    return [tag["name"] for tag in client.call("GET", f"/contacts/{contact}/tags").json()["data"]]


def test_tags_are_added_by_name_and_shown_with_a_color(client: Client, contact: int) -> None:
    tags = [{"name": "VIP"}, {"name": "HOT LEAD", "color": "ff69b4"}]
    assert client.call("POST", f"/contacts/{contact}/tags", tags).json() == OK
    shown = client.call("GET", f"/contacts/{contact}/tags").json()["data"]
    assert [tag["name"] for tag in shown] == ["VIP", "HOT LEAD"]
    assert shown[1]["color"] == "ff69b4"
    assert len(shown[0]["color"]) == 6
    assert client.attributes(contact)["tags"] == shown


def test_a_tag_that_is_there_stays_as_it_is(sandbox: Sandbox, client: Client, contact: int) -> None:
    for color in ("111111", "222222"):
        client.call("POST", f"/contacts/{contact}/tags", [{"name": "VIP", "color": color}])
    assert client.attributes(contact)["tags"] == [{"name": "VIP", "color": "111111"}]
    assert sandbox.summary().tags == {"VIP": 1}


def test_a_tag_has_one_color_in_the_whole_organisation(client: Client, contact: int) -> None:
    other = client.created(email="eve@example.com")
    client.call("POST", f"/contacts/{contact}/tags", [{"name": "VIP", "color": "111111"}])
    client.call("POST", f"/contacts/{other}/tags", [{"name": "VIP"}])
    assert client.attributes(other)["tags"] == [{"name": "VIP", "color": "111111"}]


@pytest.mark.parametrize("name", ["VIP", "HOT LEAD", "a/b", "50% off?", "é", "delete", "..x"])
def test_one_tag_is_removed_by_its_encoded_name(client: Client, contact: int, name: str) -> None:
    client.call("POST", f"/contacts/{contact}/tags", [{"name": name}, {"name": "stays"}])
    answer = client.call("DELETE", f"/contacts/{contact}/tags/{quote(name, safe='')}")
    assert (answer.status_code, answer.json()) == (200, OK)
    assert names(client, contact) == ["stays"]


def test_many_tags_are_removed_by_their_names(sandbox: Sandbox, client: Client, contact: int) -> None:
    client.call("POST", f"/contacts/{contact}/tags", [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    assert client.call("POST", f"/contacts/{contact}/tags/delete/_bulk", ["a", "c", "missing"]).json() == OK
    assert names(client, contact) == ["b"]
    assert sandbox.summary().tags == {"b": 1}


def test_removing_a_tag_that_is_not_there_is_no_error(client: Client, contact: int) -> None:
    assert client.call("DELETE", f"/contacts/{contact}/tags/missing").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tags", {"name": "VIP"}),
        ("tags", ["VIP"]),
        ("tags", [{"name": ""}]),
        ("tags", [{"color": "ffffff"}]),
        ("tags/delete/_bulk", [{"name": "VIP"}]),
        ("tags/delete/_bulk", "VIP"),
    ],
)
def test_tags_of_another_shape_are_refused(client: Client, contact: int, path: str, body: Any) -> None:
    assert error_of(client.call("POST", f"/contacts/{contact}/{path}", body)) == (400, "validation_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "tags"), ("POST", "tags"), ("DELETE", "tags/VIP"), ("POST", "tags/delete/_bulk")],
)
def test_the_tags_of_an_unknown_contact_are_not_found(client: Client, method: str, path: str) -> None:
    assert error_of(client.call(method, f"/contacts/5/{path}", [])) == (404, "not_found")


def test_a_contact_can_be_created_with_tags(client: Client) -> None:
    contact = client.created(email="eve@example.com", tags=[{"name": "VIP"}])
    assert names(client, contact) == ["VIP"]


@pytest.mark.parametrize(
    ("mode", "expected"), [("replace", ["b", "c"]), ("merge", ["a", "b", "c"]), ("ignore", ["a", "b"])]
)
def test_tags_of_an_update(sandbox: Sandbox, client: Client, contact: int, mode: str, expected: list[str]) -> None:
    client.call("POST", f"/contacts/{contact}/tags", [{"name": "a"}, {"name": "b"}])
    sandbox.change(tags_in_contact=mode)
    client.patch_contact(contact, tags=[{"name": "b"}, {"name": "c"}])
    assert names(client, contact) == expected


@pytest.mark.parametrize(("mode", "status"), [("ignored", 200), ("gone", 404)])
def test_tags_can_be_retired(sandbox: Sandbox, client: Client, contact: int, mode: str, status: int) -> None:
    client.call("POST", f"/contacts/{contact}/tags", [{"name": "old"}])
    sandbox.change(tags=mode)
    assert client.call("POST", f"/contacts/{contact}/tags", [{"name": "VIP"}]).status_code == status
    assert client.call("POST", f"/contacts/{contact}/tags/delete/_bulk", ["old"]).status_code == status
    assert client.call("DELETE", f"/contacts/{contact}/tags/old").status_code == status
    assert client.patch_contact(contact, tags=[{"name": "VIP"}]).status_code == 200
    assert [tag["name"] for tag in client.attributes(contact)["tags"]] == ["old"]
