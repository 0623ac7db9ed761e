"""What planning costs, as a ratio to the bare SQL comparison of the same two tables, and how much memory it takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.people import prepared_people, write_people
from benchmarks.table import Figure
from dbt_drift.ledger.registry import read_registry
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.ledger.versions import bring_forward
from tests.support.postgres import run_server

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.project.gateway import DbtProject

CHANGED = 1000
MEMORY_LIMIT = "256MB"

# The staging sets these for its transaction: what is compared is the work, not the settings.
SETTINGS = {"duckdb": (), "postgres": ("set local jit = off", "set local work_mem = '64MB'")}


def measure(given: argparse.Namespace) -> list[Figure]:
    """Plan a model of which 1,000 rows changed, on both warehouses, and a tenth of it for the growth of memory."""
    figures = []
    with tempfile.TemporaryDirectory() as folder, run_server() as server:
        duckdb: dict[str, Any] = {"type": "duckdb", "path": f"{folder}/bench.duckdb", "threads": 2}
        duckdb["settings"] = {"memory_limit": MEMORY_LIMIT}
        for output in (duckdb, server.profile_output(server.create_database())):
            for rows in (given.rows // 10, given.rows):
                project = Path(folder) / f"{output['type']}{rows}"
                write_people(project, {**output, "schema": f"bench{rows}"}, rows)
                ratios, bare = _ratios(project, output["type"], rows, given.rounds)
                figures += ratios if rows == given.rows else []
                figures.append(_memory(project, output, rows, bare))
    return figures


def _ratios(folder: Path, kind: str, rows: int, rounds: int) -> tuple[list[Figure], tuple[str, ...]]:
    with prepared_people(folder) as prepared:
        project, sync = prepared.project, prepared.syncs[0]
        execute = _executor(project, SETTINGS[kind])
        _accept_everything(prepared, execute)
        execute(f"update {project.schema}.people set plan = 'changed' where seats % {rows // CHANGED} = 0")
        for table in ("people", "people_copy"):
            execute(f"analyze {project.schema}.{table}")  # else autovacuum may do it, in the middle of a round
        bare = _bare_comparison(prepared)
        cheapest = _cheapest_comparison(project.schema)
        times: dict[str, list[float]] = {"stage": [], "bare": [], "cheapest": []}
        with project.holding():  # a plan's delta is temporary
            with project.connect("registry") as session:
                registry = read_registry(session, prepared.location)
            ledger = SyncLedger(project, sync, registry, delta="plan")
            ledger.open()

            def stage() -> None:
                assert ledger.stage("bench").changed == CHANGED

            for _ in range(rounds):
                times["stage"].append(_timed(stage))
                times["bare"].append(_timed(lambda: execute(*bare)))
                times["cheapest"].append(_timed(lambda: execute(*cheapest)))
    median = {name: statistics.median(found) for name, found in times.items()}
    ratio = median["stage"] / median["bare"]
    figures = [
        Figure(
            f"{kind}, {rows:,} rows, {CHANGED:,} changed: planning / bare SQL comparison of model and accepted values",
            f"{ratio:.2f} ({median['stage']:.2f} s / {median['bare']:.2f} s)",
            "at most 2",
            ratio <= 2,
        ),
        Figure(
            "the same / the cheapest comparison of all: typed copy, raw key, no normalisation",
            f"{median['stage'] / median['cheapest']:.2f} ({median['cheapest']:.2f} s)",
        ),
    ]
    return figures, bare


def _accept_everything(prepared: Prepared, execute: Callable[..., None]) -> None:
    """Bring the ledger to where a first sync of all rows would leave it, without a million requests."""
    sync, schema = prepared.syncs[0], prepared.location.schema
    with prepared.project.connect("bench") as session:
        bring_forward(session, prepared.location, prepared.registry)
        with session.transaction():
            session.call("open_ledger", sync=sync)
            session.call("fix_transaction")
            session.call("stage", sync=sync, stage_id="first")
    states = ", ".join(one.state for one in sync.attributes)
    model = f"{prepared.project.schema}.people"
    execute(
        f"insert into {schema}.people__accepted (contact_key, {states}) "
        f"select contact_key, {states} from {schema}.people__delta",
        f"insert into {schema}.drift_contacts (match_on, contact_key, contact_id) "
        f"select 'email', contact_key, seq from {schema}.people__delta",
        f"create table {prepared.project.schema}.people_copy as select * from {model}",
        f"analyze {schema}.people__accepted",
        f"analyze {schema}.drift_contacts",
    )


def _bare_comparison(prepared: Prepared) -> tuple[str, ...]:
    """What somebody would write by hand to compare the two tables: the same key, the same values, a full join."""
    sync, project = prepared.syncs[0], prepared.project
    parts = [one for one in sync.attributes if not one.is_key]
    states = [part.state for part in parts]
    with project.connect("bare") as session:
        wires = [f"{session.call('wire', attribute=part)} as {part.state}" for part in parts]
    wanted = ", ".join(f"m.{state}" for state in states)
    different = " or ".join(f"m.{state} is distinct from s.{state}" for state in states)
    return (
        "drop table if exists bare",
        (
            f"create table bare as select coalesce(m.k, s.contact_key) as k, {wanted} "
            f"from (select lower(trim(email)) as k, {', '.join(wires)} from {project.schema}.people) as m "
            f"full join {prepared.location.schema}.people__accepted as s on s.contact_key = m.k "
            f"where m.k is null or s.contact_key is null or {different}"
        ),
    )


def _cheapest_comparison(schema: str) -> tuple[str, ...]:
    columns = ("name", "seats", "value", "paying", "seen", "plan", "customer")
    different = " or ".join(f"m.{column} is distinct from c.{column}" for column in columns)
    return (
        "drop table if exists cheapest",
        (
            f"create table cheapest as select m.* from {schema}.people as m full join {schema}.people_copy as c "
            f"on m.email = c.email where m.email is null or c.email is null or {different}"
        ),
    )


def _executor(project: DbtProject, settings: tuple[str, ...]) -> Callable[..., None]:
    def execute(*statements: str) -> None:
        with project.connect("bench") as session, session.transaction():
            for statement in (*settings, *statements):
                session.call("execute", sql=statement)

    return execute


def _memory(folder: Path, output: dict[str, Any], rows: int, bare: tuple[str, ...]) -> Figure:
    """Peak memory of `dbt-drift plan`; DuckDB lives in the process, so what it takes for the same SQL is taken off."""
    plan = _peak([sys.executable, "-m", "dbt_drift", "plan", "--rows", "0"], folder)
    what = f"{output['type']}, {rows:,} rows: peak memory of the Python process"
    if output["type"] != "duckdb":
        return Figure(what, f"{plan} MB", "under 200 MB", plan < 200)
    script = (
        f"import sys, duckdb; c = duckdb.connect(sys.argv[1]); c.execute(\"set memory_limit = '{MEMORY_LIMIT}'\"); "
        "c.execute('set threads = 2'); [c.execute(sql) for sql in sys.argv[2:]]"
    )
    engine = _peak([sys.executable, "-c", script, output["path"], *bare], folder)
    idle = _peak([sys.executable, "-c", "import duckdb; duckdb.connect()"], folder)
    own = plan - (engine - idle)
    return Figure(
        f"{what} without DuckDB's buffers ({plan} MB with them; DuckDB alone, same SQL: {engine - idle} MB)",
        f"{own} MB",
        "under 200 MB",
        own < 200,
    )


def _peak(command: list[str], folder: Path) -> int:
    """Return a process's peak resident memory in MB; what the kernel tells of a finished child holds its parent's."""
    peak = 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
            time.sleep(0.01)
    assert process.returncode == 0, command
    return peak // 1024


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
