"""How many requests an organisation may make: 1000 in 20 seconds, as Drift's partners report it.

All times are seconds of a clock that never goes back, given by the caller.
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
        peak: The most that it has ever held.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.peak = 0

    def add(self, now: float) -> None:
        """Note a request."""
        self._times.append(now)
        self.peak = max(self.peak, len(self._times))

    def held(self, now: float, length: float) -> int:
        """Return how many requests lie in the window that ends now; older ones are forgotten."""
        times, oldest = self._times, now - length
        while times and times[0] <= oldest:
            times.popleft()
        return len(times)

    def free_in(self, now: float, length: float, limit: int) -> float:
        """Return in how many seconds fewer than `limit` of the requests now held will be left."""
        return max(0.0, self._times[-limit] + length - now) if len(self._times) >= limit else 0.0


class RateLimit:
    """The limit of one organisation. A request that is refused does not count against it."""

    def __init__(self) -> None:
        self._arrived = SlidingWindow()
        self._admitted = SlidingWindow()
        self._started = -math.inf
        self._count = 0

    @property
    def peak(self) -> int:
        """The most requests that arrived in any window, refused ones included."""
        return self._arrived.peak

    @property
    def admitted_peak(self) -> int:
        """The most requests that were let in within any window."""
        return self._admitted.peak

    def admit(self, now: float, behaviour: Behaviour, limit: int) -> float:
        """Let a request in, or not.

        Args:
            now: The time.
            behaviour: The switches: the window is theirs.
            limit: How many requests a window takes; 0 for any number.

        Returns:
            0, or the seconds after which the next request would be let in.
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
    """Return the header that tells the seconds to wait; whole seconds, rounded up, so that nobody comes too early."""
    seconds = math.ceil(wait)
    moment = math.ceil(time.time() + wait)
    headers: dict[str, tuple[str, str]] = {
        "retry-after": ("Retry-After", str(seconds)),
        "retry-after-date": ("Retry-After", formatdate(moment, usegmt=True)),
        "ratelimit-reset": ("RateLimit-Reset", str(seconds)),
        "ratelimit-reset-at": ("RateLimit-Reset", str(moment)),
    }
    return (headers[kind],) if kind in headers else ()
