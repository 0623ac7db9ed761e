"""The ledger's version: made once, migrated forward, refused where it is newer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from dbt_drift import __version__
from dbt_drift.binding.prepare import prepare
from dbt_drift.ledger.versions import bring_forward
from tests.support.ledgers import command, people, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.binding.prepared import Prepared
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench


def test_a_version_that_was_not_written_down_is(bench: Bench) -> None:
    people(bench, 1)
    bench.sync()
    bench.warehouse.execute(f"delete from {bench.ledger}.drift_ledger_version")
    assert bench.sync().requests == 0
    assert rows_of(bench, "drift_ledger_version", "version") == [(1,)]


def test_a_table_that_somebody_has_dropped_is_made_anew(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 3)
    bench.sync()
    for table in ("drift_lock", "drift_contacts", "drift_audiences", "drift_runs", "drift_destination"):
        bench.warehouse.execute(f"drop table {bench.ledger}.{table}")
        done = command(bench, dbt_drift, "status")
        assert (done.code, f"lacks {table}" in done.err) == (2, True)
        bench.forget_project()
        assert bench.sync().rows.unchanged == 3
        assert command(bench, dbt_drift, "status").code == 0
    assert len(rows_of(bench, "drift_ledger_version", "version")) == 1


def test_an_older_program_refuses_a_newer_ledger(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 1)
    bench.sync()
    bench.warehouse.execute(f"insert into {bench.ledger}.drift_ledger_version values (2, '9.8.7', null)")
    bench.requests()
    for asked in (["sync"], ["plan"], ["rebuild"], ["status"], ["unlock"]):
        done = command(bench, dbt_drift, *asked)
        assert done.code == 2, asked
        assert f"version 2, written by dbt-drift 9.8.7; this is dbt-drift {__version__}" in done.err
        assert "pip install 'dbt-drift>=9.8.7'" in done.err
    assert bench.requests() == 0
    assert len(rows_of(bench, "drift_ledger_version", "version")) == 2


def test_connections_that_come_first_at_once_make_one_ledger(bench: Bench) -> None:
    """Postgres' `if not exists` alone would let some of them fail. test_lock.py has two processes."""
    if bench.warehouse.kind != "postgres":
        pytest.skip("DuckDB lets one process at a time open its file")
    people(bench, 1)
    prepared = prepare(bench.options())

    def come() -> None:
        with prepared.project.connect("version") as session:
            bring_forward(session, prepared.location, prepared.registry)

    for _ in range(5):
        bench.warehouse.execute(f"drop schema if exists {bench.ledger} cascade")
        at_once(prepared, come)
        assert rows_of(bench, "drift_ledger_version", "version") == [(1,)]


def test_connections_that_open_a_wider_sync_at_once(bench: Bench) -> None:
    """A run that slept past its lease beside the next one: both add the columns and register the audiences, once."""
    if bench.warehouse.kind != "postgres":
        pytest.skip("DuckDB lets one process at a time open its file")
    people(bench, 1)
    bench.sync()
    audiences = [{"tag": f"T{number}", "mode": "add"} for number in range(20)]
    bench.declare("people", {"fields": {"email": "email", "name": "name"}, "audiences": audiences})
    prepared = prepare(bench.options())
    (sync,) = prepared.syncs

    def open_ledger() -> None:
        with prepared.project.connect("open") as session, session.transaction():
            session.call("open_ledger", sync=sync)
            session.call("register_audiences", sync=sync)

    for _ in range(5):
        bench.warehouse.execute(f"delete from {bench.ledger}.drift_audiences")
        for audience in sync.audiences:
            bench.warehouse.execute(
                f"alter table {bench.ledger}.people__accepted drop column if exists {audience.state}"
            )
        at_once(prepared, open_ledger)
        assert len(rows_of(bench, "drift_audiences", "state")) == 20


def at_once(prepared: Prepared, work: Callable[[], None]) -> None:
    """Do the work in four threads that begin at once; none of them may fail."""
    with prepared.project.connect("first"):
        pass  # makes the adapter
    failures: list[Exception] = []
    barrier = threading.Barrier(4)

    def come() -> None:
        barrier.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
