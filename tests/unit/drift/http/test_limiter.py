"""The quota as Drift sees it, in simulated time."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt_drift.drift.http.limiter import MARGIN, RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Delay = tuple[float, float]


def simulate(limiter: RateLimiter, *, workers: int, seconds: float, delays: Iterator[Delay]) -> list[float]:
    """Send as fast as the limiter allows; return when each request arrived at the server.

    Each request takes its own time up and down. Connections are open from the start.
    """
    now, arrivals, busy = 0.0, [], 0
    answers: list[tuple[float, float]] = []  # when it is back, when it was sent
    while now <= seconds:
        while answers and answers[0][0] <= now:
            limiter.answered(heapq.heappop(answers)[1], now, reused=True)
            busy -= 1
        wait = math.inf
        while busy < workers and (wait := limiter.reserve(now)) == 0:
            up, down = next(delays)
            arrivals.append(now + up)
            heapq.heappush(answers, (now + up + down, now))
            busy += 1
        now = max(math.nextafter(now, math.inf), min(now + wait, answers[0][0] if answers else math.inf))
    return sorted(arrivals)


def most_in_a_window(arrivals: list[float], window: float) -> int:
    most, first = 0, 0
    for last, arrival in enumerate(arrivals):
        while arrival - arrivals[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def constant(latency: float) -> Iterator[Delay]:
    return itertools.repeat((latency / 2, latency / 2))


@settings(max_examples=150)
@given(
    up=st.floats(0, 2),
    down=st.floats(0, 2),
    jitter=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=40),
    limit=st.integers(1, 30),
    workers=st.integers(1, 60),
)
def test_the_server_never_sees_more_than_the_limit(
    up: float, down: float, jitter: list[Delay], limit: int, workers: int
) -> None:
    # The first request meets no jitter, so that the fastest round trip is known; then anything goes.
    extra = itertools.chain([(0.0, 0.0)], itertools.cycle(jitter))
    delays = ((up + more_up, down + more_down) for more_up, more_down in extra)
    arrivals = simulate(RateLimiter(limit, 20.0), workers=workers, seconds=200, delays=delays)
    assert most_in_a_window(arrivals, 20.0) <= limit


@pytest.mark.parametrize("first", [(0.0, 9.0), (9.0, 0.0)])
def test_a_fastest_round_trip_not_yet_seen_costs_at_most_its_difference(first: Delay) -> None:
    """What the proof leaves open: until the fastest round trip is seen, the window is short by what it lacks."""
    delays = itertools.chain(itertools.repeat(first, 10), constant(0.0))
    arrivals = simulate(RateLimiter(10, 20.0), workers=10, seconds=100, delays=delays)
    assert most_in_a_window(arrivals, 20.0 * (1 + MARGIN) - 9.0) <= 10
    assert most_in_a_window([arrival for arrival in arrivals if arrival > 41], 20.0) <= 10


@pytest.mark.parametrize("latency", [0.0, 0.05, 0.5, 2.0])
def test_constant_latency_costs_no_quota(latency: float) -> None:
    arrivals = simulate(RateLimiter(1000, 20.0), workers=128, seconds=600, delays=constant(latency))
    assert most_in_a_window(arrivals, 20.0) <= 1000
    in_the_first_minute = sum(arrival < 60 for arrival in arrivals)
    assert in_the_first_minute >= 0.97 * 3000
    assert len(arrivals) >= 0.97 * 30_000


def test_round_trips_that_open_a_connection_say_nothing() -> None:
    limiter = RateLimiter(1, 20.0)
    assert limiter.reserve(0.0) == 0
    limiter.answered(0.0, 4.0, reused=False)
    assert limiter.reserve(23.9) > 0


def test_a_lost_request_is_held_from_when_it_was_given_up() -> None:
    limiter = RateLimiter(2, 20.0)
    assert limiter.reserve(0.0) == limiter.reserve(0.0) == 0
    limiter.answered(0.0, 2.0, reused=True)
    limiter.no_answer(30.0)
    assert limiter.reserve(30.0) == 0
    assert limiter.reserve(49.9) > 0
    assert limiter.reserve(50.3) == 0


def test_while_all_are_under_way_only_an_answer_tells() -> None:
    limiter = RateLimiter(1, 20.0)
    assert limiter.reserve(0.0) == 0
    assert limiter.reserve(1000.0) == math.inf


def test_no_limit() -> None:
    limiter = RateLimiter(None)
    assert Counter(limiter.reserve(0.0) for _ in range(5000)) == {0.0: 5000}


class TestThrottled:
    @pytest.fixture
    def limiter(self) -> RateLimiter:
        limiter = RateLimiter(100, 20.0)
        for _ in range(10):
            limiter.reserve(0.0)
        return limiter

    def test_everything_pauses_for_as_long_as_drift_asks(self, limiter: RateLimiter) -> None:
        limiter.throttled(0.0, 1.0, 7.0)
        assert limiter.reserve(2.0) == limiter.paused(2.0) == 6.0

    def test_many_refused_at_once_are_one_pause(self, limiter: RateLimiter) -> None:
        for _ in range(10):
            limiter.throttled(0.0, 1.0, None)
        assert limiter.paused(1.0) <= 1.0

    def test_then_one_goes_first(self, limiter: RateLimiter) -> None:
        for _ in range(10):
            limiter.throttled(0.0, 1.0, 5.0)
        assert limiter.reserve(6.0) == 0
        assert limiter.reserve(6.0) == math.inf
        limiter.answered(6.0, 7.0, reused=True)
        assert [limiter.reserve(7.0) for _ in range(20)] == [0.0] * 20

    def test_refused_again_it_waits_longer_but_never_longer_than_the_window(
        self, limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda _low, high: high)  # full jitter at its longest
        for _ in range(10):
            limiter.throttled(0.0, 0.0, None)
        now, pauses = 0.0, [limiter.paused(0.0)]
        for _ in range(6):
            now += pauses[-1]
            assert limiter.reserve(now) == 0
            limiter.throttled(now, now, None)
            pauses.append(limiter.paused(now))
        assert pauses == [1, 2, 4, 8, 16, 20, 20]

    def test_once_taken_the_next_pause_is_short_again(
        self, limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda _low, high: high)
        for _ in range(10):
            limiter.throttled(0.0, 0.0, None)
        for sent, end in ((1.0, limiter.throttled), (3.0, _taken(limiter)), (4.0, limiter.throttled)):
            assert limiter.reserve(sent) == 0
            end(sent, sent, None)
        assert limiter.paused(4.0) == 1.0


def _taken(limiter: RateLimiter) -> Callable[[float, float, None], None]:
    return lambda sent, now, _asked: limiter.answered(sent, now, reused=True)
