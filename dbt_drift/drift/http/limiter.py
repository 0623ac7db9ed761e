"""Drift's request quota, kept by the client so that Drift never has to refuse.

Drift's limit is said to be about 1000 requests in 20 seconds, by plan (its documentation gives no number), counted by
Drift when a request arrives there. The client sees only when it sends and when the answer is back. Counting the window
from the sending admits too much, because a slow request may arrive late and a later one fast. Counting it from the
answer is always safe, but gives away one round trip in each window: 9 % of the quota at 2 s. This limiter counts from
the answer less the fastest round trip of the run, which costs nothing as long as latency is constant.

Why that holds. Request i is sent at s_i, arrives at a_i, and its answer is back at r_i. Let U and D be the least time
that any request of the run takes up and down, and L = U + D the fastest round trip. A slot taken at s_i is free again
at f_i = r_i - L + W, with W the window. Suppose j was sent on a freed slot, so s_j >= f_i. Then

    a_j - U  >=  s_j  >=  r_i - (U + D) + W  >=  a_i + D - (U + D) + W  =  a_i - U + W,

so a_j >= a_i + W: whichever two requests Drift sees within one window were counted together here, and never more than
the limit are.

L is not known beforehand. It is 0 until a round trip over an open connection has been seen (setting up a connection
takes more round trips, which says nothing about the next request) and then the smallest seen, which only falls. By the
time the first slot comes free, the answers of a whole window have been seen. What remains is a request faster than all
before it, by changed routing for instance: `MARGIN` is added to the window for that.
"""

from __future__ import annotations

import heapq
import math
import threading
from typing import TYPE_CHECKING

from dbt_drift.drift.http.retry_policy import delays

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN = 0.01
"""The part of the window that is added to it, against round trips that get faster during the run."""

_FIRST_PAUSE = 1.0


class RateLimiter:
    """One quota, shared by all threads. It never waits itself: it says how long to wait.

    Times are seconds of one monotonic clock, given by the caller.

    Args:
        requests: How many requests the window takes; None for no limit.
        seconds: The window's length. Without a `Retry-After`, no pause is longer: the window is empty by then.
    """

    def __init__(self, requests: int | None = 1000, seconds: float = 20.0) -> None:
        self._requests = requests
        self._seconds = seconds
        self._lock = threading.Lock()
        self._in_flight = 0
        self._fastest = math.inf  # the fastest round trip seen
        self._slots: list[float] = []  # heap: when each slot comes free, were the fastest round trip 0
        self._paused_until = -math.inf
        self._pauses: Iterator[float] | None = None  # set from a 429 until a later request is taken

    def reserve(self, now: float) -> float:
        """Take a slot for a request that is sent now, or say how long there is none.

        Returns:
            0.0 when the slot is taken; it must be given back with `answered`, `throttled` or `lost`. Otherwise the
            seconds to wait before asking again, infinite while only an answer under way can tell.
        """
        with self._lock:
            wait = self._wait(now)
            if wait <= 0:
                self._in_flight += 1
                return 0.0
            return wait

    def answered(self, sent: float, now: float, *, reused: bool) -> None:
        """Give back the slot of a request that Drift took.

        Args:
            sent: When the slot was reserved.
            now: When the answer was back.
            reused: Whether the connection was open before.
        """
        with self._lock:
            if sent >= self._paused_until:
                self._pauses = None
            if reused:
                self._fastest = min(self._fastest, now - sent)
            self._give_back(now)

    def throttled(self, sent: float, now: float, asked: float | None) -> None:
        """Give back the slot of a request answered with 429, and pause everything.

        After the pause, requests go out one at a time until one is taken. The answers to those that were already under
        way when the pause began do not prolong it, unless they ask for it.

        Args:
            sent: When the slot was reserved.
            now: When the answer was back.
            asked: How many seconds Drift asks to wait, or None.
        """
        with self._lock:
            self._give_back(now)
            if sent >= self._paused_until:
                self._pauses = self._pauses or delays(_FIRST_PAUSE, self._seconds)
                pause = next(self._pauses) if asked is None else asked
            else:
                pause = asked or 0.0
            self._paused_until = max(self._paused_until, now + pause)

    def no_answer(self, now: float) -> None:
        """Give back the slot of a request that was given up without an answer: it may have arrived just now."""
        with self._lock:
            self._give_back(now + self._lead())

    def paused(self, now: float) -> float:
        """Return for how many more seconds a 429 keeps everything from being sent."""
        with self._lock:
            return max(0.0, self._paused_until - now)

    def _wait(self, now: float) -> float:
        if now < self._paused_until:
            return self._paused_until - now
        if self._pauses is not None and self._in_flight:
            return math.inf
        if self._requests is None:
            return 0.0
        lead = self._lead()
        while self._slots and self._slots[0] - lead <= now:
            heapq.heappop(self._slots)
        if self._in_flight + len(self._slots) < self._requests:
            return 0.0
        return self._slots[0] - lead - now if self._slots else math.inf

    def _lead(self) -> float:
        return self._fastest if math.isfinite(self._fastest) else 0.0

    def _give_back(self, answered: float) -> None:
        self._in_flight -= 1
        if self._requests is not None:
            heapq.heappush(self._slots, answered + self._seconds * (1 + MARGIN))
