from __future__ import annotations

import contextlib
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

import pytest
import requests

from dbt_drift.sandbox.behaviour import Behaviour, Fault
from dbt_drift.sandbox.traffic.faults import Faults
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit"), (401, "authentication_error"), (500, "internal_error"), (503, "internal_error")],
)
def test_a_status_strikes_the_next_requests_and_then_no_more(
    sandbox: Sandbox, client: Client, status: int, kind: str
) -> None:
    sandbox.change(faults=[Fault(status=status, count=2)])
    for _ in range(2):
        answer = client.create(email="ada@example.com")
        assert error_of(answer) == (status, kind)
        assert "Retry-After" not in answer.headers
    assert sandbox.contacts() == []
    client.created(email="ada@example.com")


def test_a_status_with_its_own_header_and_body(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(faults=[Fault(status=502, retry_after=7, body="<h1>Bad Gateway</h1>")])
    answer = client.call("GET", "/contacts/5")
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (502, "<h1>Bad Gateway</h1>", "7")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("effect", ["status", "reset"])
@pytest.mark.parametrize("applied", [False, True])
def test_a_write_is_lost_before_or_after_it_took_effect(
    sandbox: Sandbox, client: Client, effect: Literal["status", "reset"], *, applied: bool
) -> None:
    sandbox.change(faults=[Fault(effect=effect, applied=applied, count=1)])
    if effect == "reset":
        with pytest.raises(requests.ConnectionError, match="reset"):
            client.create(email="ada@example.com")
    else:
        assert client.create(email="ada@example.com").status_code == 500
    assert len(sandbox.contacts()) == applied
    assert client.create(email="ada@example.com").status_code == (409 if applied else 200)


def test_a_cut_answer_is_announced_whole_and_breaks_off(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(faults=[Fault(effect="cut", count=1)])
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="IncompleteRead"):
        client.create(email="ada@example.com")
    assert len(sandbox.contacts()) == 1
    assert client.create(email="ada@example.com").status_code == 409


def test_faults_are_logged_with_what_the_client_saw(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(faults=[Fault(effect="reset", count=1), Fault(status=503, count=1), Fault(effect="cut", count=1)])
    for _ in range(4):
        with contextlib.suppress(requests.RequestException):
            client.call("GET", "/contacts/attributes")
    seen = [(found.status, found.fault) for found in sandbox.requests()]
    assert seen == [(0, "reset"), (503, "status"), (200, "cut"), (200, "")]
    assert sandbox.counts()["GET", "/contacts/attributes", 0] == 1


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (Fault(), [True, True, True, True]),
        (Fault(method="POST"), [False, False, True, True]),
        (Fault(path="/contacts/{id}"), [False, True, False, False]),
        (Fault(path="/contacts/5/tags"), [False, False, True, False]),
        (Fault(path="/contacts/{id}/tags", method="POST"), [False, False, True, True]),
        (Fault(path="/contacts/*"), [False, True, True, True]),
        (Fault(path="/contacts/*/tags"), [False, False, True, True]),
        (Fault(path="*/6/*"), [False, False, False, True]),
        (Fault(path="/contacts/[56]"), [False, False, False, False]),
        (Fault(method="PATCH,POST"), [False, False, True, True]),
        (Fault(skip=3), [False, False, False, True]),
        (Fault(skip=1, method="POST"), [False, False, False, True]),
        (Fault(count=2), [True, True, False, False]),
        (Fault(rate=0), [False, False, False, False]),
    ],
)
def test_which_requests_a_fault_strikes(fault: Fault, struck: list[bool]) -> None:
    faults = Faults(Behaviour(faults=(fault,)))
    arriving = [
        ("GET", "/contacts", "/contacts"),
        ("GET", "/contacts/{id}", "/contacts/5"),
        ("POST", "/contacts/{id}/tags", "/contacts/5/tags"),
        ("POST", "/contacts/{id}/tags", "/contacts/6/tags"),
    ]
    assert [faults.strike(*request) is not None for request in arriving] == struck


def test_a_rate_strikes_its_share_and_the_same_ones_for_one_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(Behaviour(faults=(Fault(rate=0.2),), seed=seed))
        return [faults.strike("GET", "/contacts", "/contacts") is not None for _ in range(2000)]

    assert 300 < sum(struck(1)) < 500
    assert struck(1) == struck(1) != struck(2)


def test_faults_keep_their_counts_while_other_switches_change(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(faults=[Fault(count=1)])
    assert client.call("GET", "/contacts/5").status_code == 500
    sandbox.change(nulls="clear")
    assert client.call("GET", "/contacts/5").status_code == 404


def test_faults_given_again_strike_again(sandbox: Sandbox, client: Client) -> None:
    for _ in range(2):
        sandbox.change(faults=[Fault(count=1)])
        assert [client.call("GET", "/contacts/5").status_code for _ in range(2)] == [500, 404]


def test_latency_is_even_and_jitter_is_not() -> None:
    behaviour = Behaviour(latency_ms=50, latency_jitter_ms=10)
    faults = Faults(behaviour)
    waits = [faults.latency() for _ in range(200)]
    assert all(50 <= wait <= 60 for wait in waits)
    assert max(waits) - min(waits) > 5
    assert Faults(Behaviour()).latency() == 0


@pytest.mark.parametrize("switches", [{"latency_ms": 60_000}, {"faults": [Fault(effect="delay", delay_ms=60_000)]}])
def test_a_slow_request_takes_effect_before_its_answer(
    sandbox: Sandbox, client: Client, switches: dict[str, object]
) -> None:
    sandbox.change(**switches)
    with pytest.raises(requests.ReadTimeout):
        client.post(f"{sandbox.url}/contacts", json={"attributes": {"email": "ada@example.com"}}, timeout=0.2)
    assert len(sandbox.contacts()) == 1
    assert sandbox.requests()[0].ms >= 60_000


def test_the_control_calls_are_never_struck(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(faults=[Fault()], latency_ms=60_000)
    assert client.call("GET", "/_sandbox/summary").status_code == 200


@pytest.mark.parametrize("hint", ["retry-after", "retry-after-date", "ratelimit-reset", "ratelimit-reset-at"])
@pytest.mark.parametrize("told_by", ["fault", "limit"])
def test_the_wait_is_told_in_each_way(sandbox: Sandbox, client: Client, hint: str, told_by: str) -> None:
    if told_by == "fault":
        sandbox.change(faults=[{"status": 429, "retry_after": 60, "hint": hint}])
    else:
        sandbox.change(rate_limit=1, rate_window_s=60, rate_hint=hint)
        client.call("GET", "/contacts/5")
    answer = client.call("GET", "/contacts/5")
    assert error_of(answer) == (429, "rate_limit")
    header = "Retry-After" if hint.startswith("retry") else "RateLimit-Reset"
    value = answer.headers[header]
    if hint == "retry-after-date":
        assert value.endswith(" GMT")
        value = str(parsedate_to_datetime(value).timestamp() - time.time())
    elif hint == "ratelimit-reset-at":
        value = str(int(value) - time.time())
    assert 30 < float(value) <= 61
    assert len({"Retry-After", "RateLimit-Reset"} & set(answer.headers)) == 1
