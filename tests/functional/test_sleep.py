"""A run that slept past its lease, while another one took the ledger: it sends nothing more when it wakes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.project import bundled
from tests.support.command_line import project_of
from tests.support.ledgers import FIELDS, VIP, lock_as, people

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench

LEASE = 8
"""Seconds, in the place of 120: the run is sure of its lock for six of them."""

WORKERS = 4
_WITH_SHORT_LEASE = """
import pathlib, sys
from dbt_drift.project import bundled
package = pathlib.Path(sys.argv.pop(1))
bundled.dbt_package = lambda: package
from dbt_drift.cli.main import main
main()
"""


def name(bench: Bench, names: str) -> None:
    """Give all people of the model another name."""
    bench.execute(f"update $.people set name = '{names} ' || email, vip = true")


def start(bench: Bench, folder: Path) -> subprocess.Popen[str]:
    """Start a sync of which the lock is good for a few seconds only."""
    package = folder / "dbt_package"
    package.mkdir()
    shutil.copy(bundled.dbt_package() / "dbt_project.yml", package)
    shutil.copytree(bundled.dbt_package() / "macros", package / "macros")
    lock = package / "macros" / "ledger" / "lock.sql"
    shorter = lock.read_text().replace("return(120)", f"return({LEASE})")
    assert shorter != lock.read_text()
    lock.write_text(shorter)
    flags = ["--threads", str(WORKERS), "--output", "json", *project_of(bench)]
    return subprocess.Popen(
        [sys.executable, "-c", _WITH_SHORT_LEASE, str(package), "sync", *flags],
        env={**os.environ, **bench.environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def stop_between_two_statements(bench: Bench, process: subprocess.Popen[str]) -> None:
    """Stop a process, where it does not keep everybody else from the warehouse."""
    while True:
        process.send_signal(signal.SIGSTOP)
        if not _in_the_warehouse(bench):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.1)


def _in_the_warehouse(bench: Bench) -> bool:
    if bench.warehouse.kind == "postgres":
        others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        return bool(bench.warehouse.rows(f"select pid {others} and backend_type = 'client backend'"))
    try:
        with closing(duckdb.connect(bench.warehouse.output["path"])):
            return False
    except duckdb.IOException:
        return True


def test_a_run_that_slept_past_its_lease_sends_nothing_more(bench: Bench, tmp_path: Path) -> None:
    people(bench, 200)
    bench.execute("update $.people set vip = false")
    bench.sync()
    name(bench, "Second")
    bench.sandbox.change(latency_ms=100)
    bench.requests()

    first = start(bench, tmp_path)
    try:
        while bench.sandbox.summary().total_requests < 200 + 60:
            assert first.poll() is None, first.communicate()
            time.sleep(0.05)
        stop_between_two_statements(bench, first)
        stopped = time.monotonic()
        bench.sandbox.change(latency_ms=0)
        name(bench, "Third")
        time.sleep(max(0.0, stopped + LEASE + 1 - time.monotonic()))
        second = bench.sync()
        assert (second.status, second.rows.sent) == ("success", 200), second
        sent = bench.sandbox.summary().total_requests
    finally:
        first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=60)

    (result,) = json.loads(out)["results"]
    assert result["status"] == "error", err
    assert "lost the ledger's lock" in result["message"]
    assert result["rows"]["unfinished"] > 0
    assert result["rows"]["sent"] + result["rows"]["unfinished"] == 200
    assert bench.sandbox.summary().total_requests == sent
    held = {contact.attributes["name"] for contact in bench.sandbox.contacts()}
    assert held == {f"Third p{number}@example.com" for number in range(1, 201)}
    assert bench.sync().requests == 0


def test_a_run_that_slept_and_has_its_lock_still_goes_on(bench: Bench, tmp_path: Path) -> None:
    people(bench, 200)
    bench.sync()
    name(bench, "Second")
    bench.sandbox.change(latency_ms=100)

    first = start(bench, tmp_path)
    before = bench.sandbox.summary().total_requests
    while bench.sandbox.summary().total_requests < before + 60:
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    stop_between_two_statements(bench, first)
    time.sleep(LEASE + 1)
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=60)

    (result,) = json.loads(out)["results"]
    assert (result["status"], result["rows"]["sent"]) == ("success", 200), err
    assert {contact.attributes["name"][:6] for contact in bench.sandbox.contacts()} == {"Second"}


@pytest.mark.parametrize("step", ["attributes", "tags"])
def test_where_the_ledger_is_not_asked_for_too_long_no_step_of_a_contact_goes_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """As the above with a clock that jumps, so that it strikes each step."""
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name, true as vip")
    bench.declare("people", {"fields": FIELDS, "audiences": VIP})
    path = "/contacts" if step == "attributes" else "/contacts/{id}/tags"
    real = SyncLedger.keep_lock

    def keep_lock(ledger: SyncLedger) -> None:
        lock_as(bench, "other")
        real(ledger)

    ahead = [0.0]
    now = time.clock_gettime

    def clock(which: int) -> float:
        seen = {
            request.template for request in bench.sandbox.requests(method="GET" if step == "attributes" else "POST")
        }
        if "/contacts" in seen:  # the contact has been looked up, or made: what comes next is another step
            ahead[0] = 100.0
        return now(which) + ahead[0]

    monkeypatch.setattr("dbt_drift.ledger.lock.time.clock_gettime", clock)
    monkeypatch.setattr(SyncLedger, "keep_lock", keep_lock)
    result = bench.sync()
    assert (result.status, result.rows.unfinished) == ("error", 1), result
    assert "lost the ledger's lock to the sync run other" in result.message
    assert not [request for request in bench.sandbox.requests(method="POST") if request.template == path]
    bench.warehouse.execute(f"delete from {bench.ledger}.drift_lock")
    monkeypatch.undo()
    assert bench.sync().status == "success"
    assert bench.tags("ada@example.com") == {"VIP"}


def test_a_lock_that_was_lost_is_not_certain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 3)
    certain: list[Any] = []
    real = SyncLedger.record

    def robbed(ledger: SyncLedger, *arguments: Any) -> Any:
        assert ledger._lock is not None
        certain.append(ledger._lock.is_certain())
        lock_as(bench, "thief")
        try:
            return real(ledger, *arguments)
        finally:
            certain.append(ledger._lock.is_certain())

    monkeypatch.setattr(SyncLedger, "record", robbed)
    assert bench.sync().status == "error"
    assert certain[:2] == [True, False]
