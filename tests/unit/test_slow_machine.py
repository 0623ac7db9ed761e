from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=1)
@given(st.just(0.25))
def test_a_slow_machine_fails_no_property(seconds: float) -> None:
    time.sleep(seconds)  # longer than hypothesis allows an example by itself
