"""A hundred thousand changes while one request in twenty goes wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.people import expected, held, make_model

if TYPE_CHECKING:
    from tests.support.harness import Bench

CHANGES = int(os.environ.get("DBT_DRIFT_SOAK_CHANGES", "100000"))

FAULTS = [
    Fault(status=500, rate=0.01),
    Fault(status=503, rate=0.005, applied=True),
    Fault(status=429, rate=0.005),
    Fault(effect="reset", rate=0.01),
    Fault(effect="reset", rate=0.01, applied=True),
    Fault(effect="cut", rate=0.01),
]
"""Together one in twenty; those `applied`, and each cut answer, have taken effect although no answer says so."""


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_changes_under_faults(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.workers = 32
    make_model(bench, CHANGES // 2)
    before = expected(bench, {})
    bench.sandbox.change(faults=FAULTS)
    for changes in ("all new", "all changed"):
        result = bench.sync()
        rows = result.rows
        assert rows.read == rows.unchanged + rows.sent + rows.invalid + rows.rejected + rows.unfinished
        assert (rows.unchanged, rows.invalid, rows.unfinished) == (0, 0, 0)
        kept = bench.warehouse.rows(f"select contact_key from {bench.ledger}.people__rejected where reason is not null")
        assert len(kept) == rows.rejected
        lost = {key for (key,) in kept}
        after = expected(bench, before)
        found = held(bench)
        wrong = {email for email, person in after.items() if found.get(email) != person}
        assert wrong <= lost
        with capsys.disabled():
            print(  # noqa: T201 - the figures of the test
                f"{bench.warehouse.kind}, {changes}: {rows.sent} sent, {rows.rejected} rejected, "
                f"{result.requests} requests, {result.execution_time:.0f} s"
            )
        before = after
        bench.execute("update $.people set seats = seats + 1")
    bench.sandbox.change(faults=[])
    bench.sync()
    assert held(bench) == expected(bench, before)
    assert bench.sync().requests == 0
