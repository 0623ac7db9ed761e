"""Audiences declared, renamed, dropped and declared again: Drift holds what the rules say, after every sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changing import hold

if TYPE_CHECKING:
    from tests.support.harness import Bench


def test_whatever_is_declared_drift_follows(bench: Bench) -> None:
    hold(bench, 4 if bench.warehouse.kind == "duckdb" else 2)
