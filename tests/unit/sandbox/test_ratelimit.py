from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox
from dbt_drift.sandbox.traffic.ratelimit import RateLimit, SlidingWindow
from tests.support.sandbox_client import Client, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator

GAPS = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, 10.0]), max_size=80)


def times(gaps: list[float]) -> Iterator[float]:
    now = 0.0
    for gap in gaps:
        now += gap
        yield now


@given(GAPS, st.integers(1, 5), st.sampled_from([1.0, 2.5, 20.0]))
def test_no_window_ever_holds_more_than_the_limit(gaps: list[float], limit: int, length: float) -> None:
    rate = RateLimit()
    behaviour = Behaviour(rate_window_s=length)
    admitted: list[float] = []
    for now in times(gaps):
        full = sum(now - length < other <= now for other in admitted) >= limit
        wait = rate.admit(now, behaviour, limit)
        # It refuses no request that it could let in, and tells when the next one would be.
        assert (wait > 0) is full
        if wait:
            assert sum(now + wait - length < other for other in admitted) < limit
        else:
            admitted.append(now)
    busiest = max((sum(end - length < other <= end for other in admitted) for end in admitted), default=0)
    assert rate.admitted_peak == busiest <= limit


@given(GAPS, st.integers(1, 5), st.sampled_from([1.0, 2.5, 20.0]))
def test_the_fixed_window_counts_from_each_multiple_of_its_length(gaps: list[float], limit: int, length: float) -> None:
    rate = RateLimit()
    behaviour = Behaviour(rate_window_s=length, rate_window="fixed")
    admitted: dict[float, int] = {}
    for now in times(gaps):
        window = now // length
        wait = rate.admit(now, behaviour, limit)
        assert (wait > 0) is (admitted.get(window, 0) >= limit)
        if wait:
            assert now + wait == (window + 1) * length
        else:
            admitted[window] = admitted.get(window, 0) + 1


@given(GAPS, st.sampled_from([1.0, 20.0]))
def test_the_peak_counts_refused_requests_too(gaps: list[float], length: float) -> None:
    rate = RateLimit()
    arrived = list(times(gaps))
    for now in arrived:
        rate.admit(now, Behaviour(rate_window_s=length), 1)
    expected = max(
        (sum(end - length < other <= end for other in arrived[: place + 1]) for place, end in enumerate(arrived)),
        default=0,
    )
    assert rate.peak == expected


def test_zero_lifts_the_limit() -> None:
    rate = RateLimit()
    assert [rate.admit(0.0, Behaviour(), 0) for _ in range(5000)] == [0.0] * 5000
    assert rate.peak == 5000


def test_a_limit_that_is_lowered_holds_at_once() -> None:
    rate = RateLimit()
    for now in (0.0, 5.0, 10.0):
        rate.admit(now, Behaviour(), 3)
    # One in twenty seconds: the request at 10 has to leave the window first, not only the one at 0.
    assert rate.admit(11.0, Behaviour(), 1) == 19.0


def test_a_window_forgets_what_has_left_it() -> None:
    window = SlidingWindow()
    window.add(0.0)
    assert window.held(19.999, 20) == 1
    assert window.held(20.0, 20) == 0


def test_the_default_is_a_thousand_requests_in_twenty_seconds(sandbox: Sandbox, client: Client) -> None:
    # Far more than a thousand take far less than twenty seconds on loopback; were it slower, fewer would be refused.
    answers = [client.call("GET", "/contacts/5").status_code for _ in range(1010)]
    assert answers.count(404) >= 1000
    assert sandbox.summary().peak_admitted == 1000
    assert sandbox.counts()["GET", "/contacts/{id}", 429] == answers.count(429)


@pytest.mark.parametrize(
    ("hint", "header"), [("none", None), ("retry-after", "Retry-After"), ("ratelimit-reset", "RateLimit-Reset")]
)
def test_a_refused_request_does_nothing_and_may_tell_when(hint: str, header: str | None) -> None:
    start = Behaviour(rate_limit=1, rate_window_s=3600).changed({"rate_hint": hint})
    with Sandbox(behaviour=start) as sandbox, Client(sandbox.url) as client:
        client.created(email="ada@example.com")
        answer = client.create(email="eve@example.com")
        assert error_of(answer) == (429, "rate_limit")
        assert len(sandbox.contacts()) == 1
        told = {name: answer.headers[name] for name in ("Retry-After", "RateLimit-Reset") if name in answer.headers}
        assert list(told) == ([header] if header else [])
        assert all(0 < int(seconds) <= 3600 for seconds in told.values())


def test_a_request_without_a_good_token_is_not_counted(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(rate_limit=1)
    client.headers["Authorization"] = ""
    assert [client.call("GET", "/contacts/5").status_code for _ in range(3)] == [401] * 3
    assert sandbox.summary().peak_requests == 0
