"""Keeps requests within Drift's quota on the client side, so that Drift never has to refuse one.

Drift's limit is reported as about 1000 requests in 20 seconds, depending on the plan (its documentation gives no
number). Drift counts a request when it arrives. The client knows only when it sends a request and when the answer
arrives. A window counted from sending admits too much, because a slow request may arrive late and a later one fast. A
window counted from the answer is always safe, but loses one round trip per window: 9 % of the quota at 2 s. This
limiter counts from the answer minus the fastest round trip of the run, which loses nothing while latency is constant.

Proof. Request i is sent at s_i, arrives at a_i, and its answer arrives at r_i. Let U and D be the shortest times that
any request of the run takes up and down, and L = U + D the fastest round trip. A slot taken at s_i is free again at
f_i = r_i - L + W, where W is the window. Suppose j was sent on a freed slot, so s_j >= f_i. Then

    a_j - U  >=  s_j  >=  r_i - (U + D) + W  >=  a_i + D - (U + D) + W  =  a_i - U + W,

so a_j >= a_i + W: any two requests that Drift sees within one window were also counted together here, and there are
never more of these than the limit.

L is unknown at the start. It is 0 until the first round trip over an open connection (opening a connection takes more
round trips, which say nothing about the next request), and then the smallest value so far, which only decreases. When
the first slot becomes free, the answers of a whole window are known. The remaining risk is a request faster than all
before it, for instance after a routing change. `MARGIN` extends the window for this case.
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
"""Fraction of the window that is added to it, in case round trips become faster during the run."""

_FIRST_PAUSE = 1.0


class RateLimiter:
    """One quota, shared by all threads. Its methods never wait: they return how long to wait.

    All times are seconds of one monotonic clock, passed by the caller.

    Args:
        requests: Number of requests per window; None for no limit.
        seconds: Length of the window. No pause without a `Retry-After` is longer, because the window is empty then.
    """

    def __init__(self, requests: int | None = 1000, seconds: float = 20.0) -> None:
        self._requests = requests
        self._seconds = seconds
        self._lock = threading.Lock()
        self._in_flight = 0
        self._fastest = math.inf  # the fastest round trip seen
        self._slots: list[float] = []  # heap: when each slot becomes free if the fastest round trip is 0
        self._paused_until = -math.inf
        self._pauses: Iterator[float] | None = None  # set by a 429 until a later request is accepted

    @property
    def per_second(self) -> float:
        """The requests a second that the quota allows in the long run; 0 for any number."""
        return (self._requests or 0) / self._seconds

    def reserve(self, now: float) -> float:
        """Take a slot for a request that is sent now, or return how long to wait for one.

        Returns:
            0.0 if the slot is taken; release it with `answered`, `throttled` or `no_answer`. Otherwise the seconds
            until the next attempt, infinity if this depends on an answer under way.
        """
        with self._lock:
            wait = self._wait(now)
            if wait <= 0:
                self._in_flight += 1
                return 0.0
            return wait

    def answered(self, sent: float, now: float, *, reused: bool) -> None:
        """Release the slot of a request that Drift accepted.

        Args:
            sent: When the slot was reserved.
            now: When the answer arrived.
            reused: Whether the connection was already open.
        """
        with self._lock:
            if sent >= self._paused_until:
                self._pauses = None
            if reused:
                self._fastest = min(self._fastest, now - sent)
            self._give_back(now)

    def throttled(self, sent: float, now: float, asked: float | None) -> None:
        """Release the slot of a request answered with 429, and pause all requests.

        After the pause, requests go out one at a time until one is accepted. Answers to requests that were already
        under way when the pause began do not extend it, unless they contain a wait.

        Args:
            sent: When the slot was reserved.
            now: When the answer arrived.
            asked: Seconds that Drift asks to wait, or None.
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
        """Release the slot of a request that was given up without an answer: it may have arrived just now."""
        with self._lock:
            self._give_back(now + self._lead())

    def paused(self, now: float) -> float:
        """Return the remaining seconds of a pause after a 429."""
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
