"""What is tried again, when, and how often. The waiting itself is the dispatcher's: a retry holds no worker.

| answer                                   | what happens                                                              |
|------------------------------------------|---------------------------------------------------------------------------|
| 429                                      | everything pauses (see `limiter`); the request is not counted as a try    |
| 408, 425, 5xx, no answer, unreadable     | the request is sent again after a delay; where it must not be repeated,   |
|                                          | its flow is told that nothing is known (`contacts.UnconfirmedError`)      |
| 401, 403                                 | a sign-in gets another token, and the request is sent again with that     |
| 401, 403, redirect otherwise             | the run stops: every other request would end the same way                 |
| anything else                            | the flow decides                                                          |
"""

from __future__ import annotations

import email.utils
import enum
import math
import time
from typing import TYPE_CHECKING

import backoff
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Verdict(enum.Enum):
    """What an answer's status means for the run."""

    ANSWERED = enum.auto()
    THROTTLED = enum.auto()
    FAULT = enum.auto()
    FATAL = enum.auto()
    RENEWED = enum.auto()
    """The token was refused and there is another now: the same request is sent again with it."""
    UNSENT = enum.auto()
    """It did not go out: the run has to ask its ledger first whether it still may send."""


_STATUS = {
    401: Verdict.FATAL,
    403: Verdict.FATAL,
    408: Verdict.FAULT,
    425: Verdict.FAULT,
    429: Verdict.THROTTLED,
}
_REDIRECTS = range(300, 400)
_SERVER_ERRORS = range(500, 600)


class RetryPolicy(msgspec.Struct, frozen=True):
    """How patient the client is; as it stands, a contact is given up after two minutes at most.

    Attributes:
        tries: How many faults one contact may meet.
        first_delay: The most seconds to wait after the first fault; it doubles with each further one.
        longest_delay: The most seconds to wait after any.
        patience: How many seconds one request may meet nothing but 429.
    """

    tries: int = 8
    first_delay: float = 1.0
    longest_delay: float = 60.0
    patience: float = 900.0

    def delays(self) -> Iterator[float]:
        """Return the delays of one contact."""
        return delays(self.first_delay, self.longest_delay)


def classify(status: int) -> Verdict:
    """Say what an HTTP status means for the run."""
    if status in _SERVER_ERRORS:
        return Verdict.FAULT
    if status in _REDIRECTS:
        return Verdict.FATAL
    return _STATUS.get(status, Verdict.ANSWERED)


def delays(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to wait: between 0 and a bound that doubles, so that many waiters do not return at once."""
    bounds = backoff.expo(base=2, factor=first, max_value=longest)
    next(bounds)  # backoff's generators take one call to start
    return (backoff.full_jitter(bound) for bound in bounds)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds an answer asks to wait, or None.

    `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3). `RateLimit-Reset` is seconds, but some gateways send
    epoch seconds. Drift documents neither header.
    """
    for name in ("Retry-After", "RateLimit-Reset"):
        value = headers.get(name)
        if value is not None and (seconds := _seconds(value.strip())) is not None:
            return seconds
    return None


_EPOCH_SECONDS = 1e9
"""No wait is this long, so a larger number is a point in time."""


def _seconds(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        try:
            number = email.utils.parsedate_to_datetime(value).timestamp()
        except (ValueError, OverflowError):
            return None
    if not math.isfinite(number):
        return None
    return max(0.0, number - time.time() if number >= _EPOCH_SECONDS else number)
