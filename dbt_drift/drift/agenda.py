"""What is to be sent next: contacts under way before new ones, and those waiting for a retry when their time comes."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt_drift.drift.conversation import Conversation


class Agenda:
    """The conversations that are not being sent right now. Not thread-safe: the dispatcher calls it under its lock."""

    def __init__(self) -> None:
        self._new: deque[Conversation] = deque()
        self._begun: deque[Conversation] = deque()
        self._later: list[tuple[float, int, Conversation]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._new) + len(self._begun) + len(self._later)

    def add(self, conversation: Conversation) -> None:
        """Take a new conversation, to be sent when all that are under way have had their turn."""
        self._new.append(conversation)

    def resume(self, conversation: Conversation, due: float) -> None:
        """Take one back that is under way, to be sent at `due` or after."""
        heapq.heappush(self._later, (due, next(self._order), conversation))

    def due_in(self, now: float) -> float:
        """Return in how many seconds there is something to send: 0.0 for now, infinite where there is nothing."""
        while self._later and self._later[0][0] <= now:
            self._begun.append(heapq.heappop(self._later)[2])
        if self._begun or self._new:
            return 0.0
        return self._later[0][0] - now if self._later else math.inf

    def take(self) -> Conversation:
        """Hand out the one to be sent now; `due_in` has said that there is one."""
        return (self._begun or self._new).popleft()
