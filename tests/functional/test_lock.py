"""One run at a time: two processes at once, a owner that is dead, one that is alive, one that has lost its lock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.delivery import pump
from dbt_drift.errors import LockedError
from dbt_drift.ledger import lock as lock_module
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of, start_process, start_program
from tests.support.harness import Bench, Recorder
from tests.support.ledgers import command, let_time_pass, lock_as, locked_by, people, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject
    from tests.support.warm import Process


def emails(bench: Bench) -> list[str]:
    return sorted(contact.attributes["email"] for contact in bench.sandbox.contacts())


def results_in(process: Process) -> tuple[int | None, Any, str]:
    out, err = process.communicate()
    return process.returncode, json.loads(out) if out else None, err


def test_two_first_runs_at_once_share_the_work_by_turns(bench: Bench) -> None:
    people(bench, 40)
    started = [
        start_process("sync", "--wait", "60", "--output", "json", *project_of(bench), environment=bench.environment)
        for _ in range(2)
    ]
    ended = [results_in(process) for process in started]

    assert [code for code, _, _ in ended] == [0, 0], [err for _, _, err in ended]
    assert sorted(document["results"][0]["rows"]["sent"] for _, document, _ in ended) == [0, 40]
    assert emails(bench) == sorted(f"p{i}@example.com" for i in range(1, 41))
    assert locked_by(bench) == []
    assert [run[0] for run in rows_of(bench, "drift_runs", "status", "started_at, finished_at")].count("success") == 2


def test_a_second_run_leaves_at_once_and_says_who_is_at_work(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 1)
    bench.sync()
    lock_as(bench, "other")
    bench.requests()

    done = command(bench, dbt_drift, "sync")
    assert done.code == 3
    assert "sync run other on elsewhere (process 7)" in done.err
    assert "--wait" in done.err
    assert bench.requests() == 0
    assert locked_by(bench) == ["other"]
    assert command(bench, dbt_drift, "plan", "--rows", "0").code == 0  # takes no lock


def test_a_run_that_waits_goes_on_when_the_other_has_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 1)
    bench.sync()
    lock_as(bench, "other")
    waited = Recorder()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            bench.warehouse.execute(f"update {bench.ledger}.drift_lock set invocation_id = null")

    monkeypatch.setattr("dbt_drift.delivery.run_session.time.sleep", sleep)
    (result,) = bench.run(waited, wait=60).results
    assert result.status == "success"
    assert ([owner.invocation_id for owner in waited.waited_for], len(slept)) == (["other"], 3)


def test_the_lock_of_a_run_that_gives_no_sign_of_life_expires(bench: Bench) -> None:
    people(bench, 1)
    bench.sync()
    lock_as(bench, "dead")
    with pytest.raises(LockedError, match="run dead on elsewhere"):
        bench.sync()
    let_time_pass(bench)
    assert bench.sync().status == "success"
    assert locked_by(bench) == []


def test_a_killed_run_of_this_machine_is_known_to_be_dead(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 30)
    bench.sandbox.change(faults=[Fault(effect="delay", delay_ms=60_000, skip=10)])
    killed = start_process("sync", "--threads", "4", *project_of(bench), environment=bench.environment)
    arrived = threading.Event()
    while bench.sandbox.summary().total_requests < 12 and killed.poll() is None:
        arrived.wait(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    bench.sandbox.change(faults=[])

    status = command(bench, dbt_drift, "status")
    assert (status.code, "That run is dead" in status.out, "died" in status.out) == (0, True, True), status
    result = bench.sync()
    assert result.status == "success"
    assert emails(bench) == sorted(f"p{i}@example.com" for i in range(1, 31))
    assert locked_by(bench) == []
    assert "died" in command(bench, dbt_drift, "status").out


@pytest.mark.parametrize("step", ["stage", "record", "finish"])
def test_a_run_that_has_lost_its_lock_writes_nothing_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    people(bench, 3)
    real = getattr(SyncLedger, step)

    def robbed(ledger: SyncLedger, *arguments: Any) -> Any:
        lock_as(bench, "thief")
        return real(ledger, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, step, robbed)
        result = bench.sync()
    assert result.status == "error"
    assert "lost the ledger's lock to the sync run thief" in result.message, result.message
    assert locked_by(bench) == ["thief"]  # nor does it release what is not its own
    answers = [seq for (seq,) in rows_of(bench, "people__journal", "seq") if seq]  # 0 says that sending has begun
    assert len(answers) == (3 if step == "finish" else 0)
    assert rows_of(bench, "people__accepted", "contact_key") == []

    bench.warehouse.execute(f"delete from {bench.ledger}.drift_lock")
    assert bench.sync().status == "success"
    assert emails(bench) == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert bench.sync().requests == 0


def test_while_drift_lets_it_wait_a_run_gives_signs_of_life(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 1)
    bench.sandbox.change(faults=[Fault(effect="delay", delay_ms=1500, method="POST")])
    monkeypatch.setattr(pump, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(lock_module, "SIGN_SECONDS", 0.1)
    seen: list[Any] = []
    real = SyncLedger.keep_lock

    def watched(ledger: SyncLedger) -> None:
        real(ledger)
        seen.extend(rows_of(bench, "drift_lock", "seen_at, expires_at"))

    monkeypatch.setattr(SyncLedger, "keep_lock", watched)
    assert bench.sync().status == "success"
    assert len(set(seen)) >= 2
    assert all((expires - at).total_seconds() == pytest.approx(120, abs=1) for at, expires in seen)


def test_staging_that_outlasts_the_lease_keeps_the_lock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 1)
    bench.sync()
    # What a killed run has left, to be folded.
    bench.warehouse.execute(
        f"insert into {bench.ledger}.people__journal (stage_id, seq, status) values ('x', 0, 'sending')"
    )
    real = lock_module.RunLock._renew
    signs: list[bool] = []

    monkeypatch.setattr(lock_module, "SIGN_SECONDS", 0.0)

    def slow(lock: lock_module.RunLock, session: Any, *, working: bool = False) -> None:
        real(lock, session, working=working)
        signs.append(working)
        if len(signs) in {1, 4}:  # as if an hour went by in the work that follows: folding, then staging
            ledger = f"{bench.ledger}.drift_lock"
            session._adapter.execute(f"update {ledger} set expires_at = expires_at - interval '1 hour'")

    monkeypatch.setattr(lock_module.RunLock, "_renew", slow)
    stage = SyncLedger.stage
    expired: list[Any] = []

    def watched(ledger: SyncLedger, *asked: Any) -> Any:
        found = stage(ledger, *asked)
        expired.extend(rows_of(bench, "drift_lock", "expires_at > seen_at"))
        return found

    monkeypatch.setattr(SyncLedger, "stage", watched)
    assert bench.sync().status == "success"
    assert expired == [(True,)]
    assert len(signs) >= 6


def test_nobody_takes_the_lock_from_a_transaction_that_is_under_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bench.warehouse.kind != "postgres":
        pytest.skip("DuckDB lets no other process open the file meanwhile")
    people(bench, 2)
    bench.sync()
    stage = SyncLedger.stage
    refused: list[str] = []

    def raced(ledger: SyncLedger, *asked: Any) -> Any:
        let_time_pass(bench)  # the last sign that others see is an hour old
        with ledger._project.connect("stage") as session, ledger._work(session):
            other = start_process("sync", *project_of(bench), environment=bench.environment)
            refused.append(other.communicate()[1])
        return stage(ledger, *asked)

    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, "stage", raced)
        assert bench.sync().status == "success"
    assert "Another run is at work" in refused[0]
    assert "The lock expired at" in refused[0]
    assert "a transaction of that run is still open" in refused[0]
    assert "`dbt-drift unlock` releases it" not in refused[0]


def test_a_run_waits_for_a_post_hook_that_stages(bench: Bench) -> None:
    if bench.warehouse.kind != "postgres":
        pytest.skip("DuckDB lets no other process open the file meanwhile")
    people(bench, 2)
    bench.sync()
    waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%drift_lock%'"
    with bench.prepared.project.connect("hook") as session, session.transaction():
        assert session.call("hold_free_lock", ledger=bench.prepared.location)
        running = start_process("sync", *project_of(bench), environment=bench.environment)
        while not bench.warehouse.rows(waiting):
            assert running.poll() is None, running.communicate()
    running.communicate()
    assert running.returncode == 0
    lock_as(bench, "other")
    with bench.prepared.project.connect("hook") as session, session.transaction():
        assert not session.call("hold_free_lock", ledger=bench.prepared.location)


def test_who_has_duckdbs_file_is_named_while_it_is_waited_for(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    people(bench, 1)
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    file = bench.warehouse.output["path"]
    with subprocess.Popen(
        [sys.executable, "-c", holding, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        running = start_program("sync", "--log-format", "json", *project_of(bench), environment=bench.environment)
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        owner.communicate()
    assert f"(PID {owner.pid}): waiting for it" in first["info"]["msg"]
    assert first["info"]["name"] == "Notice"
    running.communicate()
    assert running.returncode == 0


def test_unlock(bench: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlock(*flags: str) -> Any:
        return command(bench, dbt_drift, "unlock", *flags)

    people(bench, 1)
    assert "Nobody holds the lock" in unlock().out  # there is no ledger yet
    bench.sync()
    assert (unlock().code, locked_by(bench)) == (0, [])

    lock_as(bench, "alive")
    refused = unlock("--yes")
    assert (refused.code, locked_by(bench)) == (3, ["alive"])
    assert "signs of life" in refused.err
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert (unlock("--force").code, locked_by(bench)) == (130, ["alive"])
    forced = unlock("--force", "--yes")
    assert (forced.code, locked_by(bench)) == (0, [])
    assert "Warning" in forced.err

    lock_as(bench, "dead")
    let_time_pass(bench)
    assert (unlock("--yes").code, locked_by(bench)) == (0, [])


def test_ledgers_of_two_targets_do_not_meet(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 1)
    bench.sync()
    lock_as(bench, "other")
    elsewhere = [*project_of(bench)[:-1], f"{{dbt_drift: {{schema: {bench.ledger}_two}}}}"]
    assert dbt_drift("sync", *elsewhere, environment=bench.environment).code == 0
