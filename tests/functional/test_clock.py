"""A clock that is set while a run is under way: nothing waits for a moment that does not come."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from dbt_drift.sandbox.behaviour import Fault
from tests.support.ledgers import people

if TYPE_CHECKING:
    import pytest

    from tests.support.harness import Bench

ROWS = 60


def test_a_clock_that_jumps(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, ROWS)
    bench.sandbox.change(faults=[Fault(status=503, rate=0.05), Fault(status=429, rate=0.02)])
    real = time.time
    days = itertools.cycle([0, 1, -1, 30, -30])
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + next(days) * 86_400)
        assert bench.sync().status == "success"
        bench.sandbox.change(faults=[])
        bench.requests()
        assert bench.sync().requests == 0
    assert len(bench.sandbox.contacts()) == ROWS
    assert all(set(contact.tags) == {"VIP"} for contact in bench.sandbox.contacts())
