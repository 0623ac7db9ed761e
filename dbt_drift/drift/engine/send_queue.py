"""Chooses the next request: contacts under way before new ones, and retries when their time comes.

Look-ups that can be joined wait until there are enough for one request. They wait only briefly, and not at all while
no request is under way.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from typing import TYPE_CHECKING

from dbt_drift.drift.http.endpoints import MOST_JOINED

if TYPE_CHECKING:
    from dbt_drift.drift.engine.contact_task import ContactTask


LINGER = 1.0
"""Maximum number of seconds that a look-up waits for others."""


class SendQueue:
    """The tasks that are not being sent at the moment. Not thread-safe: the dispatcher calls it under its lock."""

    def __init__(self) -> None:
        self._new: deque[ContactTask] = deque()
        self._begun: deque[ContactTask] = deque()
        self._joint: deque[tuple[float, ContactTask]] = deque()
        self._later: list[tuple[float, int, ContactTask]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._new) + len(self._begun) + len(self._joint) + len(self._later)

    def add(self, task: ContactTask, now: float) -> None:
        """Add a new task. It is sent after all tasks under way."""
        self._put(task, self._new, now)

    def resume(self, task: ContactTask, due: float) -> None:
        """Put back a task under way, to be sent at `due` or later."""
        heapq.heappush(self._later, (due, next(self._order), task))

    def due_in(self, now: float, *, idle: bool) -> float:
        """Return the seconds until something can be sent: 0.0 for now, infinity if the queue is empty.

        Args:
            now: The current time.
            idle: Whether no request is under way whose answer could lead to more look-ups.
        """
        while self._later and self._later[0][0] <= now:
            self._put(heapq.heappop(self._later)[2], self._begun, now)
        if self._begun or self._new:
            return 0.0
        return min(self._gathered_in(now, idle=idle), self._later[0][0] - now if self._later else math.inf)

    def take(self, now: float, *, idle: bool) -> list[ContactTask]:
        """Return the tasks to send now in one request. Call it only if `due_in` returned 0.0."""
        if self._begun:
            return [self._begun.popleft()]
        if self._joint and not self._gathered_in(now, idle=idle and not self._new):
            return [self._joint.popleft()[1] for _ in range(min(MOST_JOINED, len(self._joint)))]
        return [self._new.popleft()]

    def _put(self, task: ContactTask, place: deque[ContactTask], now: float) -> None:
        if task.next_request.joint is None:
            place.append(task)
        else:
            self._joint.append((now, task))

    def _gathered_in(self, now: float, *, idle: bool) -> float:
        if not self._joint:
            return math.inf
        if idle or len(self._joint) >= MOST_JOINED:
            return 0.0
        return max(0.0, self._joint[0][0] + LINGER - now)
