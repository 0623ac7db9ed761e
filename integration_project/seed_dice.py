"""Chance that comes out the same on every machine."""  # noqa: INP001 - a dbt project is no package

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import TypeVar

Choice = TypeVar("Choice")


class Dice:
    """Seeded choices, a sequence for each table, so that a change to one table leaves the others alone.

    All are made of ``random.random``, the one method whose sequence Python promises to keep.
    """

    def __init__(self, table: str) -> None:
        self._random = random.Random(f"fernhill {table}")  # noqa: S311 - chance that can be repeated, not a secret

    def chance(self, probability: float) -> bool:
        """Return True as often as the probability says."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, choices: list[Choice]) -> Choice:
        """Return one of the choices."""
        return choices[self.between(0, len(choices) - 1)]

    def day(self, first: date, last: date) -> date:
        """Return a day, both ends included; the first one if the last one lies before it."""
        return first + timedelta(days=self.between(0, max((last - first).days, 0)))

    def moment(self, day: date) -> datetime:
        """Return a time of that working day, to the millisecond."""
        return datetime.combine(day, time()) + timedelta(milliseconds=self.between(6 * 3_600_000, 21 * 3_600_000))
