"""A run's request counts, and whether Drift is reachable at all."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.drift.http.retry_policy import Verdict

if TYPE_CHECKING:
    from dbt_drift.drift.engine.contact_task import ContactTask
    from dbt_drift.drift.http.exchange import Attempt

RATE_SECONDS = 10
"""Number of seconds over which the rate is measured."""

_GIVEN_UP = 10


class Statistics(msgspec.Struct, frozen=True):
    """A run's statistics at one moment.

    Attributes:
        requests: Requests that ended, with or without an answer.
        statuses: How many of these got each HTTP status.
        unanswered: How many of these got no usable answer.
        throttled: How many of these got 429.
        retries: Requests sent again after a fault. Those sent again after a 429 are in `throttled`.
        sending: Requests under way.
        rate: Requests per second over the last `RATE_SECONDS`, or since the first request.
        quota: Requests per second that the quota allows in the long run; 0 for any number.
        waiting: Why nothing can be sent at the moment, in words, or "".
    """

    requests: int
    statuses: dict[int, int]
    unanswered: int
    throttled: int
    retries: int
    sending: int
    rate: float
    quota: float
    waiting: str


class Meter:
    """Counts tries. Not thread-safe: the dispatcher calls it under its lock."""

    def __init__(self) -> None:
        self._statuses: Counter[int] = Counter()
        self._unanswered = 0
        self._retries = 0
        self._seconds: deque[tuple[int, int]] = deque(maxlen=RATE_SECONDS + 1)
        self._heard = -math.inf
        self._served = -math.inf
        self._given_up = 0
        self.problem = ""

    def count(self, attempt: Attempt, now: float, *, again: bool) -> None:
        """Count a try; `again` says that a retry for a fault follows."""
        if attempt.verdict is Verdict.UNSENT:
            return
        if attempt.response is None:
            self._unanswered += 1
        else:
            self._statuses[attempt.response.status] += 1
        self._retries += again
        second = int(now)
        before = self._seconds.pop()[1] if self._seconds and self._seconds[-1][0] == second else 0
        self._seconds.append((second, before + 1))
        self.problem = attempt.problem or self.problem
        if attempt.heard:
            self._heard = now
        if attempt.verdict is Verdict.ANSWERED:
            self._served = now
            self._given_up = 0

    def outage(self, task: ContactTask) -> bool:
        """Return whether a contact that was given up shows that Drift itself is down.

        It does if nothing has answered since its trouble began, if every answer was 429, or if it is one of several
        contacts in a row that were given up with no request served in between.
        """
        since = task.troubled_since
        if since is None or self._served >= since:
            return False
        self._given_up += 1
        return self._heard < since or task.gave_up_throttled or self._given_up >= _GIVEN_UP

    def statistics(self, now: float, *, sending: int, quota: float, waiting: str) -> Statistics:
        """Return the statistics."""
        recent = [(second, count) for second, count in self._seconds if now - RATE_SECONDS <= second]
        seconds = min(now - recent[0][0], RATE_SECONDS) if recent else RATE_SECONDS
        return Statistics(
            requests=self._statuses.total() + self._unanswered,
            statuses=dict(self._statuses),
            unanswered=self._unanswered,
            throttled=self._statuses[429],
            retries=self._retries,
            sending=sending,
            rate=sum(count for _, count in recent) / max(seconds, 1.0),
            quota=quota,
            waiting=waiting,
        )
