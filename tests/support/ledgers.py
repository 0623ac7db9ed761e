"""What tests of runs do to a ledger from outside: look at its lock, let time pass, be another run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_drift.ledger.versions import bring_forward
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

FIELDS = {"email": "email", "name": "name"}
VIP = [{"tag": "VIP", "mode": "mirror", "when": "vip"}]


def people(bench: Bench, count: int) -> None:
    """Declare a model of so many people, all of them members of a mirrored audience."""
    bench.table(
        "people",
        "select 'p' || i || '@example.com' as email, 'Name ' || i as name, true as vip "
        f"from generate_series(1, {count}) as g(i)",
    )
    bench.declare("people", {"fields": FIELDS, "audiences": VIP})


def command(bench: Bench, dbt_drift: CommandLine, *arguments: str) -> Done:
    """Run a command on the bench's project, in this process, where dbt keeps one adapter: the bench makes a new one."""
    done = dbt_drift(*arguments, *project_of(bench), environment=bench.environment)
    bench.forget_project()
    return done


def locked_by(bench: Bench) -> list[str]:
    """Return the run that has the lock, if one has it."""
    owners = bench.warehouse.rows(
        f"select invocation_id from {bench.ledger}.drift_lock where invocation_id is not null"
    )
    return [run for (run,) in owners]


def lock_as(bench: Bench, invocation_id: str) -> None:
    """Be a run on another machine that has the lock, its last sign of life a moment ago."""
    bench.warehouse.execute(f"delete from {bench.ledger}.drift_lock")
    now = "cast(current_timestamp at time zone 'UTC' as timestamp)"
    bench.warehouse.execute(
        f"insert into {bench.ledger}.drift_lock "
        "(turn, invocation_id, command, host, pid, process, taken_at, seen_at, expires_at) "
        f"values (1000, '{invocation_id}', 'sync', 'elsewhere', 7, '', {now}, {now}, {now} + interval '120 seconds')"
    )


def let_time_pass(bench: Bench) -> None:
    """Let an hour pass since the last sign of life."""
    aged = ", ".join(f"{column} = {column} - interval '1 hour'" for column in ("taken_at", "seen_at", "expires_at"))
    bench.warehouse.execute(f"update {bench.ledger}.drift_lock set {aged}")


def rows_of(bench: Bench, table: str, columns: str, order: str = "1") -> list[tuple[Any, ...]]:
    """Return columns of a table of the ledger."""
    return bench.warehouse.rows(f"select {columns} from {bench.ledger}.{table} order by {order}")


def bring_ledger(bench: Bench) -> None:
    """Create the ledger's shared tables, as a run does that is killed before it says which Drift it writes to."""
    prepared = bench.prepared
    with prepared.project.connect("test") as session:
        bring_forward(session, prepared.location, prepared.registry)
    bench.forget_project()
