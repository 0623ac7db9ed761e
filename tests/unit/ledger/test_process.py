from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dbt_drift.ledger.process import has_ended, process_mark

pytestmark = pytest.mark.skipif(not process_mark(), reason="this system does not tell processes apart")
MARK = "from dbt_drift.ledger.process import process_mark as mark; print(mark(), flush=True); input()"


def test_a_process_has_ended_when_it_was_killed_even_if_nobody_has_asked_for_its_exit_code() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MARK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        mark = other.stdout.readline().strip()
        assert not has_ended(mark)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # a zombie from now on
        assert has_ended(mark)
    assert has_ended(mark)


def test_another_process_with_the_same_number_is_another_process() -> None:
    machine, pid, started = process_mark().split(" ")
    assert not has_ended(f"{machine} {pid} {started}")
    assert has_ended(f"{machine} {pid} {int(started) - 1}")


@pytest.mark.parametrize("mark", ["", "elsewhere", "elsewhere 1 1", "elsewhere/pid:[1] 999999999 1"])
def test_of_other_machines_nothing_is_known(mark: str) -> None:
    assert not has_ended(mark)
