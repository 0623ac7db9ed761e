"""What is retried, when, and how often. The dispatcher does the waiting, so a retry occupies no worker.

| answer                                   | what happens                                                              |
|------------------------------------------|---------------------------------------------------------------------------|
| 429                                      | everything pauses (see `limiter`); the request is not counted as a try    |
| 408, 425, 5xx, no answer, unreadable     | the request is sent again after a delay; if it is not repeatable, its     |
|                                          | steps receive `steps.UnconfirmedError`                                    |
| 401, 403                                 | a sign-in renews its token, and the request is sent again with it         |
| 401, 403, redirect otherwise             | the run stops: every other request would fail the same way                |
| anything else                            | the contact's steps decide                                                |
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
    """The token was refused and has been replaced: the request is sent again with the new one."""
    UNSENT = enum.auto()
    """The request was not sent: the run must check first that it still holds the ledger lock."""


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
    """Limits for retries. With the defaults, a contact is given up after at most two minutes.

    Attributes:
        tries: Maximum number of faults per contact.
        first_delay: Maximum delay after the first fault, in seconds; it doubles with each further fault.
        longest_delay: Maximum delay after any fault, in seconds.
        patience: Seconds during which a request may receive nothing but 429.
    """

    tries: int = 8
    first_delay: float = 1.0
    longest_delay: float = 60.0
    patience: float = 900.0

    def delays(self) -> Iterator[float]:
        """Return the delays of one contact, in seconds."""
        return delays(self.first_delay, self.longest_delay)


def classify(status: int) -> Verdict:
    """Return what an HTTP status means for the run."""
    if status in _SERVER_ERRORS:
        return Verdict.FAULT
    if status in _REDIRECTS:
        return Verdict.FATAL
    return _STATUS.get(status, Verdict.ANSWERED)


def delays(first: float, longest: float) -> Iterator[float]:
    """Yield delays in seconds: random between 0 and a bound that doubles, so that retries do not coincide."""
    bounds = backoff.expo(base=2, factor=first, max_value=longest)
    next(bounds)  # backoff's generators take one call to start
    return (backoff.full_jitter(bound) for bound in bounds)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait, or None.

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
