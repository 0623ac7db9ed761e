"""Rows that cannot be sent, rows that Drift refuses, and runs that break off."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of, start_process
from tests.support.harness import TOKEN, Recorder

if TYPE_CHECKING:
    from tests.support.harness import Bench

FIELDS = {"fields": {"email": "email", "name": "name"}}


def test_bad_keys_cost_their_rows_and_no_other(bench: Bench) -> None:
    bench.table(
        "people",
        "select * from (values ('ada@example.com', 'Ada'), ('DUP@example.com', 'One'), (' dup@example.com', 'Two'), "
        "(null, 'Nobody'), ('', 'Empty'), ('no-at.example.com', 'x'), ('two@@example.com', 'x'), "
        "('a b@example.com', 'x'), ('dotless@example', 'x')) as t(email, name)",
    )
    bench.declare("people", FIELDS)

    plan = bench.plan()
    results = bench.run()

    (result,) = results.results
    assert plan.counts.invalid == result.reasons == {"duplicate_key": 2, "missing_key": 2, "malformed_email": 4}
    assert (result.status, result.rows.read, result.rows.sent, result.rows.invalid) == ("warn", 9, 1, 8)
    assert results.exit_code == 1
    assert [contact.attributes["name"] for contact in bench.sandbox.contacts()] == ["Ada"]
    kept = bench.warehouse.rows(f"select reason, count(*) from {bench.ledger}.people__rejected group by reason")
    assert dict(kept) == result.reasons
    assert "dup@example.com" not in msgspec.json.encode(results).decode()  # the artifact masks keys


def test_a_twin_of_an_accepted_row_is_a_duplicate_and_untags_nobody(bench: Bench) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name, true as vip")
    bench.declare("people", FIELDS | {"audiences": [{"tag": "VIP", "mode": "mirror", "when": "vip"}]})
    bench.sync()
    bench.execute("insert into $.people values ('ADA@example.com', 'Ada', true)")

    result = bench.sync()

    assert (result.reasons, result.requests) == ({"duplicate_key": 2}, 0)
    assert bench.tags("ada@example.com") == {"VIP"}


def test_a_row_that_drift_refuses_costs_that_row(bench: Bench) -> None:
    bench.table("people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 20) as g(i)")
    bench.declare("people", FIELDS)
    bench.sandbox.change(faults=[Fault(status=400, method="POST", path="/contacts", skip=3, count=2)])

    results = bench.run()

    (result,) = results.results
    assert (result.status, result.rows.sent, result.rows.rejected, results.exit_code) == ("warn", 18, 2, 1)
    kept = bench.warehouse.rows(f"select status, reason, message from {bench.ledger}.people__rejected")
    assert [status for status, _, _ in kept] == ["rejected", "rejected"]
    assert all(message for _, _, message in kept)
    # The fault is over, but only a change or a retry sends a refused row again.
    bench.execute("update $.people set name = 'M'")
    assert (bench.sync().rows.sent, bench.sync().requests) == (20, 0)
    assert len(bench.sandbox.contacts()) == 20


def test_a_refused_token_ends_the_run_at_once_and_the_next_one_finishes(bench: Bench) -> None:
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 400) as g(i)"
    )
    bench.declare("people", FIELDS)
    bench.sandbox.change(faults=[Fault(status=401, method="POST", path="/contacts", skip=50)])

    results = bench.run()

    (result,) = results.results
    assert result.status == "error"
    assert "dev.drift.com" in result.message
    assert result.rows.read == result.rows.sent + result.rows.unfinished == 400
    assert results.exit_code == 1
    assert bench.requests() < 400
    bench.sandbox.change(faults=[])
    again = bench.sync()
    assert again.rows.unchanged == result.rows.sent
    assert len(bench.sandbox.contacts()) == 400


def test_faults_on_the_way_lose_and_double_nothing(bench: Bench) -> None:
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 200) as g(i)"
    )
    bench.declare("people", FIELDS | {"audiences": [{"tag": "All", "mode": "mirror"}]})
    bench.sandbox.change(
        faults=[
            Fault(status=503, rate=0.02),
            Fault(effect="reset", rate=0.02),
            Fault(effect="reset", applied=True, rate=0.02),
            Fault(effect="cut", rate=0.02),
        ]
    )

    assert bench.sync().rows.sent == 200

    emails = [contact.attributes["email"] for contact in bench.sandbox.contacts()]
    assert len(emails) == len(set(emails)) == 200
    assert all("All" in contact.tags for contact in bench.sandbox.contacts())
    assert bench.sync().requests == 0


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 1), (signal.SIGINT, 1)])
def test_a_run_that_is_ended_is_finished_by_the_next(bench: Bench, how: signal.Signals, code: int) -> None:
    bench.table(
        "people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 600) as g(i)"
    )
    bench.declare("people", FIELDS | {"audiences": [{"tag": "All", "mode": "mirror"}]})
    bench.sandbox.change(latency_ms=20)
    run = start_process("sync", "--threads", "4", *project_of(bench), environment=bench.environment)
    deadline = time.monotonic() + 60
    while len(bench.sandbox.contacts()) < 250 and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(how)
    assert run.wait() == code
    made = len(bench.sandbox.contacts())
    assert 250 <= made < 600
    if how is not signal.SIGKILL:
        (stopped,) = json.loads((bench.target / "drift_results.json").read_bytes())["results"]
        rows = stopped["rows"]
        assert (stopped["status"], stopped["message"].split(".")[0]) == ("error", "Interrupted")
        assert rows["sent"] + rows["unfinished"] == 600
        assert made - 4 <= rows["sent"] <= made  # four threads: a contact may be made and not tagged yet
    bench.sandbox.change(latency_ms=0)

    result = bench.sync()

    assert result.status == "success"
    emails = [contact.attributes["email"] for contact in bench.sandbox.contacts()]
    assert len(emails) == len(set(emails)) == 600
    assert all("All" in contact.tags for contact in bench.sandbox.contacts())
    assert result.rows.unchanged > 0  # what the killed run had journaled was not asked for again
    assert bench.sync().requests == 0


def test_a_ledger_is_not_taken_to_another_drift(bench: Bench) -> None:
    bench.table("people", "select 'ada@example.com' as email, 'Ada' as name")
    bench.declare("people", FIELDS)
    bench.sync()
    bench.environment = {"DRIFT_API_URL": "http://127.0.0.1:9", "DRIFT_ACCESS_TOKEN": TOKEN}
    with pytest.raises(ConfigurationError, match=r"describes http[\s\S]*Give each Drift a ledger"):
        bench.run()


def test_progress_is_told_and_ends_complete(bench: Bench) -> None:
    bench.table("people", "select 'p' || i || '@example.com' as email, 'N' as name from generate_series(1, 30) as g(i)")
    bench.declare("people", FIELDS)
    recorder = Recorder()
    bench.run(recorder)
    assert recorder.counts["people"].sendable == recorder.done[-1] == 30
    assert recorder.done == sorted(recorder.done)
