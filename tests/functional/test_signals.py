"""The second signal ends a run at once, also where the main thread is in a long statement."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import project_of, start_process, start_program
from tests.support.harness import Bench
from tests.support.ledgers import people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.harness import ParsedProject

INTERRUPTED = "Interrupted."
SLEEPING = "from pg_stat_activity where wait_event = 'PgSleep'"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_in_staging_ends_it_at_once(
    postgres_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, number: signal.Signals
) -> None:
    bench = Bench(postgres_project, tmp_path, sandbox)
    people(bench, 5)
    # A view that takes a minute to read.
    bench.execute("alter table $.people rename to slow")
    bench.execute("create view $.people as select slow.* from $.slow, (select pg_sleep(60)) as asleep")
    running = start_program("sync", *project_of(bench), environment=bench.environment)
    while not bench.warehouse.rows(f"select pid {SLEEPING}"):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(number)
    assert running.stderr is not None
    while "Stopping" not in running.stderr.readline():
        assert running.poll() is None
    running.send_signal(number)
    running.communicate(timeout=30)
    assert running.returncode == 128 + number
    bench.warehouse.rows(f"select pg_terminate_backend(pid) {SLEEPING}")


def test_a_rebuild_that_is_interrupted_keeps_what_it_found(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    people(bench, 300)
    sandbox.seed({"email": f"p{number}@example.com", "name": f"Name {number}"} for number in range(1, 301))
    sandbox.change(latency_ms=50)
    running = start_process("rebuild", *project_of(bench), "--threads", "4", environment=bench.environment)
    while len(sandbox.requests()) < 40:
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=60)
    assert INTERRUPTED in out
    assert running.returncode == 1
    asked = len(sandbox.requests())
    sandbox.change(latency_ms=0)
    done = start_process("rebuild", *project_of(bench), environment=bench.environment)
    done.communicate(timeout=60)
    assert done.returncode == 0
    assert len(sandbox.requests()) - asked <= 300 - asked + 5
