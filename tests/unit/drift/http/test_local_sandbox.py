from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift import __version__
from dbt_drift.drift.http.local_sandbox import LocalSandbox, sandbox_at
from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer


def test_a_sandbox_says_what_it_is() -> None:
    with Sandbox() as sandbox:
        sandbox.seed([{"email": "ada@example.com"}])
        sandbox.seed([{"email": "eve@example.com"}], organisation=7)
        found = sandbox_at(sandbox.url)
        assert found is not None
        assert (found.sandbox, found.contacts) == (__version__, 2)
        assert 0 <= found.running_s < 60
        assert (sandbox.requests(), sandbox.counts()) == ([], {})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (12, "12 s"), (119.0, "119 s"), (1800, "30 minutes"), (90_000, "25 hours")],
)
def test_it_is_told_in_words(seconds: float, text: str) -> None:
    assert str(LocalSandbox("0", 1, seconds)) == f"a sandbox with 1 contact, started {text} ago"
    assert str(LocalSandbox("0", 1200, seconds)) == f"a sandbox with 1,200 contacts, started {text} ago"


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"sandbox": 5, "contacts": 1, "runningS": 1}', "<html>", "[" * 9999])
def test_anything_else_on_this_machine_is_none(httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/_sandbox/about").respond_with_data(body, content_type="application/json")
    assert sandbox_at(httpserver.url_for("").rstrip("/")) is None
    (request, _), *_ = httpserver.log
    assert "Authorization" not in request.headers


def test_nobody_on_this_machine_is_none() -> None:
    with Sandbox() as sandbox:
        url = sandbox.url
    assert sandbox_at(url) is None


def test_drift_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt_drift.drift.http.local_sandbox.Transport", None)
    assert sandbox_at("https://driftapi.com") is None
