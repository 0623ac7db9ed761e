"""How much the benchmarks do."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """The sizes of a run.

    Attributes:
        rows: Rows of the model in the benchmarks of the warehouse.
        repetitions: How often each figure is measured; the median counts.
        contacts: Contacts that a benchmark of sending sends.
        windows: Windows of the rate limit that its benchmark fills.
        requests: Requests that the sandbox is asked at once to answer.
    """

    rows: int = 1_000_000
    repetitions: int = 5
    contacts: int = 5_000
    windows: int = 3
    requests: int = 10_000


QUICK = Scale(rows=100_000, repetitions=2, contacts=1_000, windows=1, requests=3_000)
