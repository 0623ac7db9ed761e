"""What programs that run dbt-drift read of it is what the program prints; and they can stop it at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import msgspec
import pytest

from dbt_drift.errors import ConfigurationError
from dbt_drift.integrations.process import declared_syncs, run_sync
from dbt_drift.project.options import ProjectOptions
from tests.support.command_line import project_of, run_process
from tests.support.harness import Bench
from tests.support.ledgers import lock_as, locked_by, people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.integrations.process import Run
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.harness import ParsedProject

CALLER = """
import sys, msgspec
from dbt_drift.integrations.process import run_sync
from dbt_drift.project.options import ProjectOptions

project = msgspec.json.decode(sys.argv[1], type=ProjectOptions)
run_sync(project, tell=lambda level, message: print(level, message, flush=True))
"""
"""A program that does nothing about signals."""

STUBBORN = """
trap '' TERM
exec 3>"$FIFO"
sleep 600 &
echo ready >&2
wait
"""
"""A program, with one of its own, that does not end when it is asked to."""


@pytest.fixture
def bench(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    return Bench(duckdb_project, tmp_path, sandbox)


def ended(run: Run) -> tuple[int, str, bool]:
    return run.exit_code, run.kind, run.is_retryable


def test_a_run_with_its_counts_and_its_log(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_QUIET", "1")
    said: list[tuple[str, str]] = []

    def sync() -> Run:
        return run_sync(
            people.options(),
            select=["people"],
            fail_on="blocked",
            environment=people.environment,
            tell=lambda *line: said.append(line),
        )

    with ThreadPoolExecutor() as threads:  # a scheduler's task is often none of the main thread
        run = threads.submit(sync).result()
    assert ended(run) == (0, "", False)
    assert run.results is not None
    (result,) = run.results.results
    assert (result.unique_id, result.status, result.rows.read) == ("model.bench.people", "warn", 2)
    assert (result.contacts.created, result.rows.invalid, result.reasons) == (1, 1, {"malformed_email": 1})
    assert said[0] == ("info", "Syncing 1 model")
    assert said[-1] == ("info", run.message)
    assert any(level == "warn" and "1 created" in message for level, message in said)

    again = run_sync(people.options(), environment=people.environment)
    assert ended(again) == (1, "", False)
    assert again.results is not None
    assert again.results.results[0].rows.unchanged == 1


def test_a_run_that_could_not_start(people: Bench) -> None:
    away = run_sync(people.options(), environment={**people.environment, "DRIFT_API_URL": "http://127.0.0.1:9"})
    assert ended(away) == (4, "drift_away", True)

    run_process("sync", *project_of(people), environment=people.environment)
    lock_as(people, "other")
    locked = run_sync(people.options(), environment=people.environment)
    assert ended(locked) == (3, "locked", True)
    assert locked.results is None
    assert "elsewhere" in locked.message

    without_token = run_sync(people.options(), environment={**people.environment, "DRIFT_ACCESS_TOKEN": ""})
    assert ended(without_token) == (2, "configuration", False)
    assert "DRIFT_ACCESS_TOKEN" in without_token.message

    mistyped = run_sync(people.options(), wait=-1, environment=people.environment)
    assert ended(mistyped) == (2, "configuration", False)
    assert "'--wait'" in mistyped.message


def test_the_declared_syncs(people: Bench) -> None:
    audiences = [{"tag": "VIP", "mode": "mirror", "when": "vip"}]
    people.declare("people", {"fields": {"email": "email", "name": "full_name"}, "audiences": audiences})
    (sync,) = declared_syncs(people.options())
    assert (sync.unique_id, sync.name) == ("model.bench.people", "people")
    assert sync.relation.endswith('."people"')
    assert [(one.attribute, one.column) for one in sync.attributes] == [("email", "email"), ("name", "full_name")]
    assert [(one.tag, one.tag_from, one.attribute, one.mode) for one in sync.audiences] == [
        ("VIP", None, None, "mirror")
    ]

    people.declare("people", {"feilds": {}})
    with pytest.raises(ConfigurationError, match=r"^(?!Error)[\s\S]*feilds"):
        declared_syncs(people.options())


def test_sigterm_ends_the_run_in_order_and_the_next_one_goes_on(bench: Bench) -> None:
    people(bench, 300)
    bench.sandbox.change(latency_ms=50)
    project = msgspec.json.encode(bench.options()).decode()
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, project],
        env={**os.environ, **bench.environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(bench.sandbox.requests(method="POST")) < 40:
        assert caller.poll() is None, caller.communicate()
        time.sleep(0.02)
    # As a scheduler's time limit does: to the whole group, and then once more.
    os.killpg(caller.pid, signal.SIGTERM)
    time.sleep(0.1)
    caller.send_signal(signal.SIGTERM)
    said, _ = caller.communicate(timeout=60)
    assert caller.returncode == 128 + signal.SIGTERM
    assert "Interrupted." in said
    assert said.splitlines()[-1].startswith("info Done in")
    asked = len(bench.sandbox.requests())
    assert locked_by(bench) == []
    assert 0 < len(bench.sandbox.contacts()) < 300

    bench.sandbox.change(latency_ms=0)
    assert len(bench.sandbox.requests()) == asked
    rest = run_sync(bench.options(), environment=bench.environment)
    assert rest.exit_code == 0
    assert len(bench.sandbox.contacts()) == 300
    assert rest.results is not None
    assert 0 < rest.results.results[0].rows.unchanged < 300


def test_a_program_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def interrupt(_level: str, message: str) -> NoReturn:
        assert message == "ready"
        with pytest.raises(BlockingIOError):  # both hold it
            os.read(reading, 1)
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_sync(
            ProjectOptions(),
            executable=("sh", "-c", STUBBORN),
            environment={"FIFO": str(fifo)},
            grace=0.5,
            tell=interrupt,
        )
    assert 0.5 < time.monotonic() - started < 30
    assert os.read(reading, 1) == b""  # nobody has it
    os.close(reading)
