"""Kills with a model that changes between a kill and the next run, and histories held against the reference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.kills import kill_and_change
from tests.support.rounds import hold

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench

KILLS = int(os.environ.get("DBT_DRIFT_SOAK_CHANGED_KILLS", "200"))
HISTORIES = int(os.environ.get("DBT_DRIFT_SOAK_HISTORIES", "50"))
SEED = int(os.environ.get("DBT_DRIFT_SOAK_SEED", "1"))


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("faults", [[], [Fault(rate=0.05), Fault(effect="reset", rate=0.05)]], ids=["calm", "faults"])
def test_kills_and_a_model_that_changes(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], faults: list[Fault]
) -> None:
    def tell(kills: int, rounds: int) -> None:
        with capsys.disabled():
            print(f"{bench.warehouse.kind}: {kills} kills in {rounds} rounds")  # noqa: T201 - for who waits

    bench.sandbox.change(latency_ms=20)
    kill_and_change(bench, tmp_path / "log", kills=KILLS // 2, rows=1000, number=SEED, faults=faults, tell=tell)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_histories_end_as_the_documentation_says(bench: Bench) -> None:
    hold(bench, examples=HISTORIES, number=SEED)
