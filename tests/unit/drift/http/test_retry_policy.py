"""Which answers are tried again, and when."""

from __future__ import annotations

import email.utils
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.drift.http.retry_policy import RetryPolicy, Verdict, asked_wait, classify, delays


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 201, 202, 204, 400, 404, 409, 422), Verdict.ANSWERED),
        ((408, 425, 500, 502, 503, 504, 520, 599), Verdict.FAULT),
        ((401, 403, 301, 302, 307), Verdict.FATAL),
        ((429,), Verdict.THROTTLED),
    ],
)
def test_verdicts(statuses: tuple[int, ...], verdict: Verdict) -> None:
    assert {classify(status) for status in statuses} == {verdict}


@given(st.floats(0.001, 10), st.floats(0.001, 100))
def test_delays_stay_below_a_doubling_bound(first: float, longest: float) -> None:
    for number, delay in enumerate(itertools.islice(delays(first, longest), 40)):
        assert 0 <= delay <= min(longest, first * 2**number)


def test_the_stated_patience() -> None:
    policy = RetryPolicy()
    bounds = [min(policy.longest_delay, policy.first_delay * 2**number) for number in range(policy.tries - 1)]
    assert sum(bounds) <= 125


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"RateLimit-Reset": "3"}, 3),
        ({"Retry-After": "2", "RateLimit-Reset": "3"}, 2),
        ({"Retry-After": "soon", "RateLimit-Reset": "3"}, 3),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_waits_that_drift_may_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers) == seconds


@pytest.mark.parametrize("point", [lambda at: email.utils.formatdate(at, usegmt=True), lambda at: str(int(at))])
def test_points_in_time(point: object) -> None:
    assert callable(point)
    wait = asked_wait({"Retry-After": point(time.time() + 3600)})
    assert wait is not None
    assert 1800 < wait <= 3600


@given(st.text(max_size=40))
def test_any_header_is_survived(value: str) -> None:
    wait = asked_wait({"Retry-After": value})
    assert wait is None or wait >= 0
