from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox


def test_contacts_are_seeded_as_they_are_given(sandbox: Sandbox, client: Client) -> None:
    people: list[dict[str, Any]] = [
        {"email": "ada@example.com", "externalId": 1, "plan": "pro", "nothing": None, "tags": ["VIP"]},
        {"email": "ada@example.com", "tags": [{"name": "VIP"}, {"name": "b", "color": "123456"}]},
        {"name": "nobody"},
    ]
    ids = client.call("PUT", "/_sandbox/contacts", people).json()["ids"]
    assert ids == [contact.id for contact in sandbox.contacts()]
    assert [contact.attributes for contact in sandbox.contacts()] == [
        {"email": "ada@example.com", "externalId": "1", "plan": "pro"},
        {"email": "ada@example.com"},
        {"name": "nobody"},
    ]
    assert sandbox.summary().tags == {"VIP": 2, "b": 1}
    assert len(client.call("GET", "/contacts", email="ada@example.com").json()["data"]) == 2
    assert client.attributes(ids[0])["plan"] == "pro"
    assert sandbox.seed([{"email": "x@example.com"}], organisation=7) == [ids[-1] + 1]
    assert len(sandbox.contacts()) == 3


@pytest.mark.parametrize("people", [{}, [5], [{"tags": [5]}], [{"externalId": "1"}, {"externalId": 1}]])
def test_a_seed_that_cannot_be_is_refused(client: Client, people: Any) -> None:
    assert error_of(client.call("PUT", "/_sandbox/contacts", people)) == (400, "validation_error")


def test_a_hundred_thousand_contacts_are_seeded_and_searched(sandbox: Sandbox, client: Client) -> None:
    ids = sandbox.seed({"email": f"u{number}@example.com", "tags": ["all"]} for number in range(100_000))
    found = client.call("GET", "/_sandbox/contacts", search="U99999@", limit=5).json()["contacts"]
    assert [contact["id"] for contact in found] == [ids[-1]]
    assert sandbox.summary().tags == {"all": 100_000}
    assert client.attributes(ids[500])["email"] == "u500@example.com"


def test_contacts_are_shown_the_newest_first_and_found_by_text(sandbox: Sandbox, client: Client) -> None:
    ids = sandbox.seed(
        [
            {"email": "ada@example.com", "tags": ["Very Important"]},
            {"email": "eve@example.com", "name": "Eve Ada"},
            {"email": "bob@example.com", "score": 5},
        ]
    )

    def shown(**query: Any) -> list[int]:
        return [contact["id"] for contact in client.call("GET", "/_sandbox/contacts", **query).json()["contacts"]]

    assert shown() == ids[::-1]
    assert shown(limit=2) == ids[:0:-1]
    assert shown(limit=1, offset=1) == [ids[1]]
    assert shown(offset=len(ids)) == []
    assert shown(search="ADA") == [ids[1], ids[0]]
    assert shown(search="important") == [ids[0]]
    assert shown(search=str(ids[2])) == [ids[2]]
    assert shown(organisation=7) == []


def test_requests_are_logged_and_filtered(sandbox: Sandbox, client: Client) -> None:
    contact_id = client.created(email="ada@example.com")
    client.patch_contact(contact_id, name="Ada")
    client.call("GET", "/contacts", email="ada@example.com")
    client.call("GET", "/contacts/5")
    client.call("GET", "/nowhere")

    def shown(**query: Any) -> list[tuple[str, str, int]]:
        found = client.call("GET", "/_sandbox/requests", **query).json()["requests"]
        return [(request["method"], request["template"], request["status"]) for request in found]

    everything = [
        ("POST", "/contacts", 200),
        ("PATCH", "/contacts/{id}", 200),
        ("GET", "/contacts", 200),
        ("GET", "/contacts/{id}", 404),
        ("GET", "", 404),
    ]
    assert shown() == everything
    assert shown(limit=2) == everything[3:]
    assert shown(since=3) == everything[3:]
    assert shown(method="PATCH") == shown(path=f"/contacts/{contact_id}") == everything[1:2]
    assert shown(path="/contacts/{id}", status=404) == everything[3:4]
    assert shown(path="/contacts/*") == [everything[1], everything[3]]
    assert shown(organisation=sandbox.organisation) == everything[:4]
    assert shown(contact=contact_id) == everything[:3]
    assert shown(organisation=sandbox.organisation + 1) == []
    one = sandbox.requests(method="PATCH")[0]
    assert (one.contact_id, one.organisation, one.number) == (contact_id, sandbox.organisation, 2)
    assert sandbox.requests(path="/contacts", method="GET")[0].contact_id == contact_id


def test_the_log_holds_no_personal_data(client: Client) -> None:
    client.create(email="ada@example.com", name="Ada")
    client.call("GET", "/contacts", email="ada@example.com")
    assert "ada" not in client.call("GET", "/_sandbox/requests").text.lower()


def test_the_log_keeps_what_was_said_where_that_is_asked_for(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(log_contents=True)
    client.create(email="ada@example.com", name="A" * 5000)
    client.call("GET", "/contacts", email="ada@example.com")
    client.call("POST", "/app/token_info", {"access_token": "planted-token"})
    made, sought, token = client.call("GET", "/_sandbox/requests").json()["requests"]
    assert made["contents"]["body"].startswith('{"attributes": {"email": "ada@example.com"')
    assert len(made["contents"]["body"]) == 4000
    assert sought["contents"] == {"query": "email=ada%40example.com", "body": ""}
    assert token["contents"] is None
    assert "planted-token" not in client.call("GET", "/_sandbox/requests").text
    sandbox.reset("requests")
    sandbox.change(log_contents=False)
    client.create(email="eve@example.com")
    assert [found.contents for found in sandbox.requests()] == [None]


def test_the_log_forgets_the_oldest_and_the_counts_forget_nothing(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(rate_limit=0)
    kept = sandbox._server.control.api.log._newest.maxlen
    assert kept is not None
    for _ in range(3):
        client.call("GET", "/contacts/5")
    log = sandbox._server.control.api.log
    for _ in range(kept):
        log.add(
            at=0, method="GET", template="/x", path="/x", status=200, ms=0, organisation=0, contact_id=None, fault=""
        )
    assert len(sandbox.requests()) == kept
    assert sandbox.requests(path="/contacts/{id}") == []
    assert sandbox.counts() == {("GET", "/contacts/{id}", 404): 3, ("GET", "/x", 200): kept}


def test_the_summary_counts(sandbox: Sandbox, client: Client) -> None:
    contact_id = client.created(email="ada@example.com", tags=[{"name": "VIP"}])
    for _ in range(3):
        client.call("GET", f"/contacts/{contact_id}")
    assert client.call("GET", "/_sandbox/summary").json() == {
        "organisation": sandbox.organisation,
        "organisations": [sandbox.organisation],
        "contacts": 1,
        "tags": {"VIP": 1},
        "requests": [
            {"template": "/contacts", "method": "POST", "status": 200, "count": 1},
            {"template": "/contacts/{id}", "method": "GET", "status": 200, "count": 3},
        ],
        "totalRequests": 4,
        "peakRequests": 4,
        "peakAdmitted": 4,
    }


def test_control_calls_are_neither_limited_nor_logged(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(rate_limit=1)
    client.headers["Authorization"] = ""
    assert all(client.call("GET", path).status_code == 200 for path in ["/", "/_sandbox/summary"] * 3)
    assert (sandbox.requests(), sandbox.counts(), sandbox.summary().peak_requests) == ([], {}, 0)


@pytest.mark.parametrize(
    ("only", "kept", "nulls"),
    [
        ("", (0, 0), "ignore"),
        ("requests", (1, 0), "clear"),
        ("contacts", (0, 1), "clear"),
        ("behaviour", (1, 1), "ignore"),
    ],
)
def test_a_reset_goes_back_to_the_start(
    sandbox: Sandbox, client: Client, only: str, kept: tuple[int, int], nulls: str
) -> None:
    sandbox.change(nulls="clear")
    organisation, first = sandbox.organisation, client.created(email="ada@example.com", plan="pro")
    assert client.call("POST", "/_sandbox/reset", only=only).status_code == 200
    assert (len(sandbox.contacts()), len(sandbox.requests()), len(sandbox.counts())) == (*kept, kept[1])
    assert sandbox.change().nulls == nulls
    assert ("plan" in client.call("GET", "/contacts/attributes").text) is bool(kept[0])
    assert sandbox.organisation == organisation
    assert client.created(email="eve@example.com") > first


def test_a_reset_of_something_else_is_refused(client: Client) -> None:
    assert error_of(client.call("POST", "/_sandbox/reset", only="everything")) == (400, "validation_error")


def test_one_contact_is_found_by_its_email(sandbox: Sandbox) -> None:
    sandbox.seed([{"email": "Ada@example.com"}, {"email": "eve@example.com"}, {"email": "EVE@example.com"}])
    ada = sandbox.contact_by_email("ada@example.com")
    assert ada is not None
    assert ada.email == "Ada@example.com"
    assert sandbox.contact_by_email("nobody@example.com") is None
    with pytest.raises(LookupError, match="2 contacts"):
        sandbox.contact_by_email("eve@example.com")


def test_what_a_test_gets_is_a_copy(sandbox: Sandbox) -> None:
    sandbox.seed([{"email": "ada@example.com", "tags": ["VIP"]}])
    sandbox.contacts()[0].attributes.clear()
    sandbox.contacts()[0].tags.clear()
    contact = sandbox.contacts()[0]
    assert (contact.attributes, list(contact.tags)) == ({"email": "ada@example.com"}, ["VIP"])


@pytest.mark.parametrize(("method", "path"), [("GET", "nowhere"), ("POST", "contacts"), ("DELETE", "contacts/5")])
def test_there_are_no_other_control_calls(client: Client, method: str, path: str) -> None:
    assert error_of(client.call(method, f"/_sandbox/{path}")) == (404, "not_found")


def test_a_filter_that_is_no_number_is_refused(client: Client) -> None:
    assert error_of(client.call("GET", "/_sandbox/requests", status="ok")) == (400, "validation_error")
