"""How often a command opens a connection to the warehouse, and when it holds none."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.engine.dispatcher import Dispatcher
from dbt_drift.errors import WarehouseError
from dbt_drift.project import gateway
from dbt_drift.project.session import open_patiently
from tests.support.harness import Bench
from tests.support.ledgers import people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt.adapters.sql.impl import SQLAdapter

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.harness import ParsedProject


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that are opened, by name."""
    names: list[str] = []

    def opening(adapter: SQLAdapter) -> None:
        names.append(str(adapter.connections.get_thread_connection().name))
        open_patiently(adapter)

    monkeypatch.setattr(gateway, "open_patiently", opening)
    return names


def test_a_command_shares_its_connections(bench: Bench, opened: list[str]) -> None:
    people(bench, 3)
    bench.sync()

    opened.clear()
    bench.forget_project()
    bench.sync()
    assert len(opened) == 2, opened  # one to compare the declarations, one for the run

    bench.execute("update $.people set name = 'New'")
    opened.clear()
    bench.forget_project()
    assert bench.sync().rows.sent == 3
    assert len(opened) == 4, opened  # a new one after each wait for Drift: for the organisation, and for the contacts

    opened.clear()
    bench.plan()
    assert len(opened) == 2, opened


def test_blocks_share_a_connection_until_it_is_let_go(bench: Bench) -> None:
    people(bench, 1)
    project = prepare(bench.options()).project
    with project.holding():
        with project.connect("first") as first:
            pass
        with project.connect("second") as second:
            assert second is first
        project.let_go()
        with project.connect("third") as third:
            assert third is not first
            assert list(third.rows("select 1")) == [(1,)]
    with project.connect("after") as after:
        assert after is not third


def test_a_connection_on_which_something_failed_is_not_kept(bench: Bench) -> None:
    people(bench, 1)
    project = prepare(bench.options()).project
    with project.holding():
        with pytest.raises(WarehouseError), project.connect("first") as first:
            list(first.rows("select nothing from nowhere"))
        with project.connect("second") as second:
            assert second is not first
            assert list(second.rows("select 1")) == [(1,)]


def test_a_connection_is_not_kept_in_a_transaction_that_dbt_began(bench: Bench) -> None:
    people(bench, 1)
    project = prepare(bench.options()).project
    place = {"database": project.database, "schema": bench.schema, "identifier": "people"}
    with project.holding():
        with project.connect("first") as first:
            assert first.call("model_columns", sync=place)
            assert first.in_transaction
        with project.connect("second") as second, second.transaction():
            assert second is not first
            assert list(second.rows("select 1")) == [(1,)]


@pytest.mark.parametrize("place", [(Dispatcher, "collect"), (DriftClient, "attributes")], ids=["sending", "listing"])
def test_while_drift_is_waited_for_another_process_can_open_the_file(
    duckdb_project: ParsedProject,
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[type, str],
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table("people", "select 'ada@example.com' as email, 'gold' as plan")
    bench.declare("people", {"fields": {"email": "email", "plan_tier": "plan"}})
    waiting = getattr(*place)
    done: list[int] = []

    def wait(*args: Any, **kwargs: Any) -> Any:
        opening = [
            sys.executable,
            "-c",
            "import duckdb, sys; duckdb.connect(sys.argv[1])",
            bench.warehouse.output["path"],
        ]
        done.append(subprocess.run(opening, check=False).returncode)
        return waiting(*args, **kwargs)

    monkeypatch.setattr(*place, wait)
    assert bench.sync().rows.sent == 1
    assert done
    assert set(done) == {0}
