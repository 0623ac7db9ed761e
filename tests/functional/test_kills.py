"""A run is killed, and the model changes before the next one. Many more of them: `make soak`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.kills import kill_and_change

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench


@pytest.mark.timeout(600)
def test_kills_and_a_model_that_changes(bench: Bench, tmp_path: Path) -> None:
    bench.sandbox.change(latency_ms=20)
    kill_and_change(bench, tmp_path / "log", kills=6, rows=200, number=1)
