"""A warehouse that goes away in mid-run: the run waits for it, or ends in order."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dbt_drift.ledger import patience
from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import Bench, ParsedProject, Postgres, Recorder
from tests.support.ledgers import let_time_pass, people
from tests.support.postgres import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.drift.engine.statistics import Statistics
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.postgres import PostgresServer

ROWS = 400


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, which may be stopped."""
    with run_server() as running:
        yield running


@pytest.fixture
def bench(server: PostgresServer, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target").mkdir()
    made = Bench(ParsedProject(tmp_path / "project", Postgres(server)), tmp_path / "target", sandbox)
    people(made, ROWS)
    sandbox.change(faults=[Fault(effect="delay", delay_ms=20)])
    return made


class Saboteur(Recorder):
    """Does something to the warehouse once a share of the contacts is done."""

    def __init__(self, deed: object, *, after: int = 50) -> None:
        super().__init__()
        self._deed = deed
        self._after = after
        self.notices: list[str] = []

    def noticed(self, notice: str) -> None:
        self.notices.append(notice)

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        super().progress(sync, done, total, rejected, statistics)
        if done >= self._after and callable(self._deed):
            deed, self._deed = self._deed, None
            deed()


def complete(bench: Bench) -> bool:
    contacts = bench.sandbox.contacts()
    emails = {contact.attributes["email"] for contact in contacts}
    return len(contacts) == len(emails) == ROWS and all(set(contact.tags) == {"VIP"} for contact in contacts)


def test_a_restart_in_mid_run_is_waited_for(bench: Bench, server: PostgresServer) -> None:
    def restart() -> None:
        server.stop()
        threading.Timer(1.0, server.start).start()

    saboteur = Saboteur(restart)
    (result,) = bench.run(saboteur).results
    assert (result.status, result.rows.sent) == ("success", ROWS), result.message
    assert any("away" in notice for notice in saboteur.notices)
    assert complete(bench)
    assert bench.sync().requests == 0


def test_connections_that_are_cut_are_made_anew(bench: Bench, server: PostgresServer) -> None:
    def cut() -> None:
        with closing(server.connect()) as connection:
            connection.cursor().execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
            )

    stop = threading.Event()

    def keep_cutting() -> None:
        while not stop.wait(0.02):
            cut()

    cutting = threading.Thread(target=keep_cutting)

    def cut_for_a_while() -> None:
        cutting.start()
        threading.Timer(0.5, stop.set).start()

    saboteur = Saboteur(cut_for_a_while)
    (result,) = bench.run(saboteur).results
    cutting.join()
    assert (result.status, result.rows.sent) == ("success", ROWS), result.message
    assert complete(bench)
    assert bench.sync().requests == 0


def test_a_warehouse_that_stays_away_ends_the_run_in_order(
    bench: Bench, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AWAY_SECONDS", 1.0)
    results = bench.run(Saboteur(server.stop))
    (result,) = results.results
    assert (result.status, results.exit_code) == ("error", 1)
    assert "could not be journaled" in result.message
    rows = result.rows
    assert rows.read == rows.unchanged + rows.sent + rows.rejected + rows.unfinished

    server.start()
    let_time_pass(bench)  # its process would be gone by now, and is this one
    assert bench.sync().status == "success"
    assert complete(bench)
