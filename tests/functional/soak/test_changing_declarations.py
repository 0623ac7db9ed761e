"""Many more histories of `tests/functional/test_changing_declarations.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.changing import hold

if TYPE_CHECKING:
    from tests.support.harness import Bench


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_whatever_is_declared_drift_follows(bench: Bench) -> None:
    hold(bench, 100)
