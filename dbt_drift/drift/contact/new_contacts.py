"""Decides for contacts with an unknown Drift id whether to look them up first or to create them at once.

Both ways have the same result at a different cost. Let p be the share of contacts that Drift already has, and d the
share of these that differ from the model:

| | Drift has it | Drift does not | on average |
|---|---|---|---|
| look up first | look-up, PATCH if it differs: 1 + d | look-up, POST: 2 | 2 - p + pd |
| create first | POST refused, look-up, PATCH if it differs: 2 + d | POST: 1 | 1 + p + pd |

Creating first is cheaper by 1 - 2p, so exactly if p is below one half, for any d. p is unknown at the start and changes
during the run (a table sorted by age has its unknown contacts at the end), so it is estimated by a moving average: each
contact that turned out to be known or unknown, by either way, moves the estimate by 1/16 of its error. This covers
about the last thirty contacts. If p differs from one half by a fifth, the estimate is on the right side nineteen times
out of twenty; closer to one half, a wrong choice costs almost nothing.

The estimate starts at one half, and a tie means look-up, which only reads: the first contacts are looked up, and the
first one that Drift does not have switches to creating. Few contacts start at once and each that ends lets two more
start, so that hundreds are not under way before anything is known.
"""

from __future__ import annotations

import threading

import msgspec

_EVEN = 0.5
_WEIGHT = 1 / 16
_SCOUTS = 8


class NewContactCounts(msgspec.Struct, frozen=True):
    """Counts of contacts whose Drift id was unknown when they were sent.

    Attributes:
        resolved: Contacts for which it is certain whether Drift already had them.
        already_in_drift: Contacts that Drift already had.
        created_without_lookup: Contacts that were created without a look-up.
    """

    resolved: int = 0
    already_in_drift: int = 0
    created_without_lookup: int = 0


class NewContacts:
    """Estimates how many contacts Drift already has, to choose the way for the next one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rate = _EVEN
        self._counts = NewContactCounts()
        self._under_way = 0
        self._ended = 0

    @property
    def counts(self) -> NewContactCounts:
        """The current counts."""
        return self._counts

    @property
    def room(self) -> bool:
        """Whether another contact that could be created at once may start."""
        with self._lock:
            return self._under_way < _SCOUTS + self._ended

    def begin(self) -> bool:
        """Count the start of a contact that could be created at once.

        Returns:
            Whether to create it without a look-up, because Drift probably does not have it.
        """
        with self._lock:
            self._under_way += 1
            return self._rate < _EVEN

    def end(self) -> None:
        """Count the end of a contact that `begin` counted, whatever its outcome."""
        with self._lock:
            self._under_way -= 1
            self._ended += 1

    def learn(self, *, known: bool, without_lookup: bool = False) -> None:
        """Update the estimate with one contact.

        Args:
            known: Whether Drift already had it.
            without_lookup: Whether it was created without a look-up.
        """
        with self._lock:
            self._rate += (known - self._rate) * _WEIGHT
            counts = self._counts
            self._counts = NewContactCounts(
                counts.resolved + 1, counts.already_in_drift + known, counts.created_without_lookup + without_lookup
            )
