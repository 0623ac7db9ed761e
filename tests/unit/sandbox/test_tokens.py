from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.calls.store import now_ms
from dbt_drift.sandbox.calls.tokens import SCOPES, Token
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox

HOUR = 3_600_000


@pytest.mark.parametrize("header", ["Bearer x", "bearer x", "BEARER  x"])
def test_any_token_is_let_in_whatever_the_case_of_the_scheme(client: Client, header: str) -> None:
    client.headers["Authorization"] = header
    assert client.call("GET", "/contacts/attributes").status_code == 200


@pytest.mark.parametrize("header", ["", "x", "Bearer", "Bearer  ", "Basic eDp5"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_request_without_a_token_is_refused(sandbox: Sandbox, client: Client, header: str, status: int) -> None:
    sandbox.change(bad_token_status=status)
    client.headers["Authorization"] = header
    answer = client.call("GET", "/contacts/attributes")
    assert error_of(answer) == (status, "authentication_error")
    assert answer.json()["error"]["message"] == "The access token is invalid or has expired"


def test_undeclared_tokens_can_be_refused(sandbox: Sandbox, client: Client) -> None:
    sandbox.declare_tokens(Token("known"))
    sandbox.change(undeclared_tokens="refuse")
    assert client.call("GET", "/contacts/attributes").status_code == 401
    with Client(sandbox.url, "known") as known:
        assert known.call("GET", "/contacts/attributes").status_code == 200


def test_a_reset_forgets_the_declared_tokens(sandbox: Sandbox) -> None:
    with Client(sandbox.url, "one") as client:
        sandbox.declare_tokens(Token("one", 77))
        client.created(email="ada@example.com")
        sandbox.reset()
        client.created(email="ada@example.com")
    assert (len(sandbox.contacts(organisation=77)), len(sandbox.contacts())) == (0, 1)


def test_an_expired_token_is_refused(sandbox: Sandbox) -> None:
    sandbox.declare_tokens(Token("old", expires_at=now_ms() - 1), Token("new", expires_at=now_ms() + HOUR))
    with Client(sandbox.url, "old") as old, Client(sandbox.url, "new") as new:
        assert old.call("GET", "/contacts/attributes").status_code == 401
        assert new.call("GET", "/contacts/attributes").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/contacts/1", "contact_read"),
        ("GET", "/contacts?email=a@b.c", "contact_read"),
        ("GET", "/contacts/1/tags", "contact_read"),
        ("GET", "/contacts/attributes", "all_contact_read"),
        ("POST", "/contacts", "contact_write"),
        ("PATCH", "/contacts/1", "contact_write"),
        ("DELETE", "/contacts/1", "contact_write"),
        ("POST", "/contacts/1/tags", "contact_write"),
        ("DELETE", "/contacts/1/tags/x", "contact_write"),
        ("POST", "/contacts/1/tags/delete/_bulk", "contact_write"),
        ("POST", "/contacts/timeline", "contact_write"),
    ],
)
def test_a_call_needs_its_scope(sandbox: Sandbox, method: str, path: str, scope: str) -> None:
    sandbox.declare_tokens(Token("lacks", scopes=tuple(set(SCOPES) - {scope})), Token("has", scopes=(scope,)))
    with Client(sandbox.url, "lacks") as lacks, Client(sandbox.url, "has") as has:
        answer = lacks.call(method, path)
        assert error_of(answer) == (403, "authentication_error")
        assert scope in answer.json()["error"]["message"]
        assert has.call(method, path).status_code != 403


def test_token_info_tells_the_organisation_and_the_scopes(sandbox: Sandbox, client: Client) -> None:
    info = client.call("POST", "/app/token_info", {"access_token": "another"}).json()
    assert info["authenticated_userid"] == f"orgId:{sandbox.organisation}"
    assert info | {"access_token": "another", "token_type": "bearer", "expires_in": 0} == info
    assert info["scope"].split() == list(SCOPES)
    assert isinstance(info["created_at"], int)


def test_token_info_of_a_declared_token(sandbox: Sandbox, client: Client) -> None:
    body = [
        {"token": "a", "organisation": 77, "scopes": ["contact_read"], "expires_at": now_ms() + HOUR},
        {"token": "gone", "expires_at": 1},
    ]
    assert client.call("PUT", "/_sandbox/tokens", body).json() == {"tokens": 2}
    info = client.call("POST", "/app/token_info", {"access_token": "a"}).json()
    assert (info["authenticated_userid"], info["scope"]) == ("orgId:77", "contact_read")
    assert 0 < info["expires_in"] <= HOUR
    assert error_of(client.call("POST", "/app/token_info", {"access_token": "gone"})) == (400, "validation_error")
    assert sandbox.organisation != 77


@pytest.mark.parametrize("body", [{}, {"accessToken": "x"}, {"access_token": ""}, {"access_token": 5}, []])
def test_token_info_needs_a_token_in_its_body(client: Client, body: object) -> None:
    assert error_of(client.call("POST", "/app/token_info", body)) == (400, "validation_error")


def test_organisations_see_nothing_of_each_other(sandbox: Sandbox) -> None:
    sandbox.declare_tokens(Token("one", organisation=1), Token("two", organisation=2))
    sandbox.change(rate_limit=6)
    with Client(sandbox.url, "one") as one, Client(sandbox.url, "two") as two:
        first = one.created(email="ada@example.com", externalId="1", plan="pro", tags=[{"name": "VIP", "color": "1"}])
        second = two.created(email="ada@example.com", externalId="1")
        assert second > first
        assert two.call("GET", f"/contacts/{first}").status_code == 404
        assert len(two.call("GET", "/contacts", email="ada@example.com").json()["data"]) == 1
        assert "plan" not in two.call("GET", "/contacts/attributes").text
        assert "VIP" not in two.call("GET", "/contacts", idType="external", id="1").text
        assert [two.call("GET", f"/contacts/{second}").status_code for _ in range(2)] == [200, 429]
        assert one.call("GET", f"/contacts/{first}").status_code == 200
    assert sandbox.contacts() == []
    assert [contact.id for contact in sandbox.contacts(organisation=1)] == [first]


def test_a_token_stays_out_of_reprs_and_of_the_log(sandbox: Sandbox) -> None:
    token = Token("very-secret")
    assert "very-secret" not in repr(token)
    sandbox.declare_tokens(token)
    with Client(sandbox.url, "very-secret") as client:
        client.call("GET", "/contacts/5")
        assert "very-secret" not in client.call("GET", "/_sandbox/requests").text


@pytest.mark.parametrize("status", [401, 403])
def test_the_answer_to_a_missing_scope(sandbox: Sandbox, status: int) -> None:
    sandbox.change(missing_scope_status=status)
    sandbox.declare_tokens(Token("reader", scopes=("contact_read",)))
    with Client(sandbox.url, "reader") as reader:
        assert error_of(reader.create(email="ada@example.com")) == (status, "authentication_error")


@pytest.mark.parametrize(
    ("key", "taken"),
    [("access_token", {"access_token"}), ("accessToken", {"accessToken"}), ("either", {"access_token", "accessToken"})],
)
def test_the_key_of_a_token_to_look_at(sandbox: Sandbox, client: Client, key: str, taken: set[str]) -> None:
    sandbox.change(token_info_key=key)
    answers = {name: client.call("POST", "/app/token_info", {name: "t"}) for name in ("access_token", "accessToken")}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == taken
    assert {answer.status_code for name, answer in answers.items() if name not in taken} <= {400}
