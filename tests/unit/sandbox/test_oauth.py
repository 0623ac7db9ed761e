"""Signing in to the sandbox, as a browser and an app do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dbt_drift.sandbox.calls.grants import App
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox

REDIRECT = "http://127.0.0.1:9999/back"
APP = {"client_id": "app-1", "client_secret": "app-secret"}


def consent(sandbox: Sandbox, **differences: str) -> dict[str, str]:
    """Go to the authorize page; returns what the browser is sent back with."""
    asked = {"response_type": "code", "client_id": "app-1", "redirect_uri": REDIRECT, "state": "1234zyx"} | differences
    answer = requests.get(f"{sandbox.url}/authorize", params=asked, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def grant(sandbox: Sandbox, **form: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/oauth2/token", data=APP | form, timeout=30)


def signed_in(sandbox: Sandbox) -> dict[str, Any]:
    answer = grant(sandbox, grant_type="authorization_code", code=consent(sandbox)["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def test_a_code_buys_tokens_that_open_the_api(sandbox: Sandbox) -> None:
    sandbox.change(undeclared_tokens="refuse")
    back = consent(sandbox)
    assert back["state"] == "1234zyx"
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    answer = grant(sandbox, **form)
    tokens = answer.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "orgId"}
    assert (tokens["expires_in"], tokens["orgId"]) == (7200, sandbox.organisation)
    with Client(sandbox.url, tokens["access_token"]) as client:
        client.created(email="ada@example.com")
        info = client.call("POST", "/app/token_info", {"access_token": tokens["access_token"]}).json()
        assert 7_100_000 < info["expires_in"] <= 7_200_000  # milliseconds, here
    assert error_of(grant(sandbox, **form)) == (400, "validation_error")  # a code is good once


def test_refresh_tokens_are_used_up_unless_they_are_kept(sandbox: Sandbox) -> None:
    first = signed_in(sandbox)
    second = grant(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert error_of(grant(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"]))[0] == 400
    sandbox.change(refresh_tokens="keep")
    third = grant(sandbox, grant_type="refresh_token", refresh_token=second["refresh_token"]).json()
    assert third["refresh_token"] == second["refresh_token"]
    sandbox.revoke_token(third["refresh_token"])
    assert error_of(grant(sandbox, grant_type="refresh_token", refresh_token=third["refresh_token"]))[0] == 400


def test_the_older_form_is_answered_in_its_own_case(sandbox: Sandbox) -> None:
    asked = {"clientId": "app-1", "clientSecret": "app-secret", "grantType": "authorization_code"}
    code = consent(sandbox)["code"]
    answer = requests.post(f"{sandbox.url}/oauth2/token", json=asked | {"code": code}, timeout=30)
    assert set(answer.json()) == {"accessToken", "refreshToken", "orgId"}


def test_access_tokens_end(sandbox: Sandbox) -> None:
    sandbox.change(token_lifetime_s=0.0001)  # below a millisecond: it has ended when it arrives
    with Client(sandbox.url, signed_in(sandbox)["access_token"]) as client:
        assert error_of(client.create(email="ada@example.com")) == (401, "authentication_error")


def test_declared_apps_are_the_only_ones(sandbox: Sandbox) -> None:
    sandbox.declare_apps(App("app-1", "app-secret", organisation=77, scopes=("contact_read",)))
    tokens = signed_in(sandbox)
    assert tokens["orgId"] == 77
    with Client(sandbox.url, tokens["access_token"]) as client:
        assert error_of(client.create(email="ada@example.com"))[0] == 403
    other = requests.get(
        f"{sandbox.url}/authorize",
        params={"response_type": "code", "client_id": "app-2", "redirect_uri": REDIRECT},
        allow_redirects=False,
        timeout=30,
    )
    assert error_of(other) == (400, "validation_error")
    assert error_of(grant(sandbox, client_secret="wrong", grant_type="refresh_token"))[0] == 401


def test_everybody_can_be_denied(sandbox: Sandbox) -> None:
    sandbox.change(sign_in="deny")
    assert consent(sandbox)["error"] == "access_denied"


@pytest.mark.parametrize(
    "differences", [{"redirect_uri": "javascript:alert(1)"}, {"response_type": "token"}, {"client_id": ""}]
)
def test_what_is_no_request_for_a_code(sandbox: Sandbox, differences: dict[str, str]) -> None:
    asked = {"response_type": "code", "client_id": "app-1", "redirect_uri": REDIRECT} | differences
    answer = requests.get(f"{sandbox.url}/authorize", params=asked, allow_redirects=False, timeout=30)
    assert error_of(answer) == (400, "validation_error")


def test_a_reset_forgets_what_was_granted(sandbox: Sandbox) -> None:
    tokens = signed_in(sandbox)
    sandbox.reset()
    assert error_of(grant(sandbox, grant_type="refresh_token", refresh_token=tokens["refresh_token"]))[0] == 400
    sandbox.change(undeclared_tokens="refuse")
    with Client(sandbox.url, tokens["access_token"]) as client:
        assert error_of(client.create(email="ada@example.com"))[0] == 401
