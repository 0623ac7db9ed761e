"""The rate limit of an organisation: 1000 requests in 20 seconds, as Drift's partners report.

All times are seconds of a monotonic clock, passed by the caller.
"""

from __future__ import annotations

import math
import time
from collections import deque
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dbt_drift.sandbox.behaviour import Behaviour, Hint


class SlidingWindow:
    """The times of the requests of the last `length` seconds: the half-open interval (now - length, now].

    Attributes:
        peak: The maximum number of requests in it so far.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.peak = 0

    def add(self, now: float) -> None:
        """Add a request."""
        self._times.append(now)
        self.peak = max(self.peak, len(self._times))

    def held(self, now: float, length: float) -> int:
        """Return the number of requests in the window that ends now, and drop older ones."""
        times, oldest = self._times, now - length
        while times and times[0] <= oldest:
            times.popleft()
        return len(times)

    def free_in(self, now: float, length: float, limit: int) -> float:
        """Return the seconds until fewer than `limit` of the current requests are in the window."""
        return max(0.0, self._times[-limit] + length - now) if len(self._times) >= limit else 0.0


class RateLimit:
    """The limit of one organisation. Refused requests do not count against it."""

    def __init__(self) -> None:
        self._arrived = SlidingWindow()
        self._admitted = SlidingWindow()
        self._started = -math.inf
        self._count = 0

    @property
    def peak(self) -> int:
        """The maximum number of requests that arrived in one window, including refused ones."""
        return self._arrived.peak

    @property
    def admitted_peak(self) -> int:
        """The maximum number of requests that were admitted within one window."""
        return self._admitted.peak

    def admit(self, now: float, behaviour: Behaviour, limit: int) -> float:
        """Admit or refuse a request.

        Args:
            now: The current time.
            behaviour: The switches, which define the window.
            limit: Requests per window; 0 for no limit.

        Returns:
            0 if it is admitted, else the seconds until the next request would be admitted.
        """
        length = behaviour.rate_window_s
        self._arrived.held(now, length)
        self._arrived.add(now)
        held = self._admitted.held(now, length)
        wait = 0.0
        if limit and behaviour.rate_window == "fixed":
            wait = self._fixed_wait(now, length, limit)
        elif held >= limit > 0:
            wait = self._admitted.free_in(now, length, limit)
        if not wait:
            self._admitted.add(now)
        return wait

    def _fixed_wait(self, now: float, length: float, limit: int) -> float:
        started = now // length * length
        if started != self._started:
            self._started, self._count = started, 0
        if self._count >= limit:
            return started + length - now
        self._count += 1
        return 0.0


def hint(kind: Literal["none"] | Hint, wait: float) -> tuple[tuple[str, str], ...]:
    """Return the header with the seconds to wait, rounded up to whole seconds, so that no retry comes too early."""
    seconds = math.ceil(wait)
    moment = math.ceil(time.time() + wait)
    headers: dict[str, tuple[str, str]] = {
        "retry-after": ("Retry-After", str(seconds)),
        "retry-after-date": ("Retry-After", formatdate(moment, usegmt=True)),
        "ratelimit-reset": ("RateLimit-Reset", str(seconds)),
        "ratelimit-reset-at": ("RateLimit-Reset", str(moment)),
    }
    return (headers[kind],) if kind in headers else ()
