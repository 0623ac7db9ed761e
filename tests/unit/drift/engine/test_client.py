"""The calls that stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.endpoints import Attribute
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.errors import DriftUnavailableError
from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.sandbox.calls.tokens import Token
from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def drift(sandbox: Sandbox) -> Iterator[DriftClient]:
    policy = RetryPolicy(tries=3, first_delay=0.001, longest_delay=0.01)
    with DriftClient(sandbox.url, AccessToken("s3cret-token"), limiter=RateLimiter(100, 0.1), policy=policy) as client:
        yield client


def test_attributes(drift: DriftClient) -> None:
    listed = {attribute.name: attribute for attribute in drift.attributes()}
    assert listed["alias"] == Attribute("alias", "Alias", "STRING")


def test_token_info(sandbox: Sandbox, drift: DriftClient) -> None:
    info = drift.token_info()
    assert info.organisation == f"orgId:{sandbox.organisation}"
    assert "contact_write" in info.scope.split()


def test_each_try_is_one_line_of_the_log_without_secrets(
    sandbox: Sandbox, drift: DriftClient, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.change(faults=[Fault(status=500, count=1)])
    with caplog.at_level("DEBUG", "dbt_drift.drift"):
        drift.attributes()
    first, second = caplog.messages
    assert first.startswith("GET /contacts/attributes: 500 in ")
    assert second.startswith("GET /contacts/attributes: 200 in ")
    assert "s3cret-token" not in caplog.text


def test_a_missing_scope(sandbox: Sandbox, drift: DriftClient) -> None:
    sandbox.declare_tokens(Token(token="s3cret-token", scopes=("contact_read",)))
    with pytest.raises(DriftUnavailableError, match="scope all_contact_read"):
        drift.attributes()


def test_faults_are_tried_again(sandbox: Sandbox, drift: DriftClient) -> None:
    sandbox.change(faults=[Fault(status=500, count=2)])
    assert drift.attributes()
    sandbox.change(faults=[Fault(status=500)])
    with pytest.raises(DriftUnavailableError, match=r"/contacts/attributes: status 500"):
        drift.attributes()


def test_a_limit_is_waited_for(sandbox: Sandbox, drift: DriftClient) -> None:
    sandbox.change(faults=[Fault(status=429, count=1, retry_after=0)])
    assert drift.token_info().organisation


def test_a_refusal_in_drifts_words(sandbox: Sandbox, drift: DriftClient) -> None:
    words = '{"error":{"type":"validation_error","message":"s3cret-token is odd"}}'
    sandbox.change(faults=[Fault(status=400, body=words)])
    with pytest.raises(DriftUnavailableError, match=r"400 validation_error: \*\*\* is odd"):
        drift.token_info()
