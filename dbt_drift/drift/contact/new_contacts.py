"""Contacts whose Drift id is not known yet: whether to look one up first or to create it at once.

Both ways end the same, they only cost differently. Let p be the share of contacts that Drift has already, and d the
share of these that differ from the model:

| | Drift has it | Drift does not | on average |
|---|---|---|---|
| look up first | look-up, PATCH if it differs: 1 + d | look-up, POST: 2 | 2 - p + pd |
| create first | POST refused, look-up, PATCH if it differs: 2 + d | POST: 1 | 1 + p + pd |

Creating first is cheaper by 1 - 2p, so exactly where p is below one half, whatever d is. p is not known beforehand, and
it changes on the way (a table sorted by age has the unknown ones at its end), so it is estimated as it goes, as a
moving average: each contact that turned out to be known or unknown, by either way, moves the estimate by 1/16 of what
it was off. That remembers some thirty contacts. With p on either side of one half by a fifth the estimate is on the
right side nineteen times of twenty, and nearer to one half a wrong choice costs next to nothing.

The start is one half, and a draw goes to the look-up, which only reads: the first contacts are looked up, and the first
one that Drift does not have turns to creating. So that not hundreds are under way before anything is known, few begin
and each that ends lets two more in.
"""

from __future__ import annotations

import threading

import msgspec

_EVEN = 0.5
_WEIGHT = 1 / 16
_SCOUTS = 8


class NewContactCounts(msgspec.Struct, frozen=True):
    """Contacts whose Drift id was not known when they were sent.

    Attributes:
        resolved: How many of them Drift had, or did not have, for certain.
        already_in_drift: How many of them Drift had already.
        created_without_lookup: How many of them were created without a look-up.
    """

    resolved: int = 0
    already_in_drift: int = 0
    created_without_lookup: int = 0


class NewContacts:
    """How many contacts of one population Drift knows, and what follows for the next one. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rate = _EVEN
        self._counts = NewContactCounts()
        self._under_way = 0
        self._ended = 0

    @property
    def counts(self) -> NewContactCounts:
        """The figures of this moment."""
        return self._counts

    @property
    def room(self) -> bool:
        """Whether another contact may begin that could be created at once."""
        with self._lock:
            return self._under_way < _SCOUTS + self._ended

    def begin(self) -> bool:
        """Count in a contact that could be created at once.

        Returns:
            Whether it should be: whether it is likelier to be unknown to Drift than to be known.
        """
        with self._lock:
            self._under_way += 1
            return self._rate < _EVEN

    def end(self) -> None:
        """Count out a contact that was counted in, whatever came of it."""
        with self._lock:
            self._under_way -= 1
            self._ended += 1

    def learn(self, *, known: bool, without_lookup: bool = False) -> None:
        """Take in what a contact turned out to be.

        Args:
            known: Whether Drift had it.
            without_lookup: Whether it was created without a look-up.
        """
        with self._lock:
            self._rate += (known - self._rate) * _WEIGHT
            counts = self._counts
            self._counts = NewContactCounts(
                counts.resolved + 1, counts.already_in_drift + known, counts.created_without_lookup + without_lookup
            )
