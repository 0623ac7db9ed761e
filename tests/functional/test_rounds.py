"""Round after round of random change: a sync counts and Drift holds what the documentation says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.rounds import hold

if TYPE_CHECKING:
    from tests.support.harness import Bench


def test_any_rounds_end_as_the_documentation_says(bench: Bench) -> None:
    hold(bench, examples=4 if bench.warehouse.kind == "duckdb" else 2, number=1)
