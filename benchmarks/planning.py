"""What finding the differences costs, beside SQL that was written by hand to compare the same tables."""

from __future__ import annotations

import time
import uuid
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contacts import CHANGED_SHARE, WAREHOUSES, contacts_project
from benchmarks.report import Figure, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.contacts import Contacts
    from benchmarks.scale import Scale
    from tests.functional.harness import Warehouse

_MODEL, _BEFORE, _SNAPSHOT = "analytics.contacts", "analytics.contacts_before", "ledger.contacts__snapshot"

# The attributes in the form in which the snapshot holds them, as somebody would write it who knows these columns.
_HELD = {
    "email": "'\"' || trim(email)",
    "name": "'\"' || full_name",
    "externalid": "'\"' || customer_id",
    "plan_tier": "'\"' || plan",
    "seats": "cast(seats as varchar)",
    "is_paying": "cast(is_paying as varchar)",
}
_HELD_BY_ENGINE = {
    "duckdb": {
        "lifetime_value": "rtrim(rtrim(cast(lifetime_value as varchar), '0'), '.')",
        "signed_up_at": "cast(epoch_ms(signed_up_at) as varchar)",
    },
    "postgres": {
        "lifetime_value": "trim_scale(lifetime_value)::text",
        "signed_up_at": "(extract(epoch from signed_up_at) * 1000)::bigint::text",
    },
}
# The macros set these for their own transaction: what is compared is the work, not the settings.
_SETTINGS = {"duckdb": "", "postgres": "set local jit = off; set local work_mem = '64MB';"}


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of both warehouses."""
    for kind in WAREHOUSES:
        with contacts_project(kind) as project:
            yield from _measure(kind, project, scale)


def _measure(kind: str, project: Contacts, scale: Scale) -> Iterator[Figure]:
    project.build(scale.rows)
    ledger = project.remember_all()
    project.warehouse.execute(f"create table {_BEFORE} as select * from {_MODEL}")
    project.build(scale.rows, edition=2)
    if kind == "postgres":
        # What autovacuum does some time after a build; left to it, it could fall into one of the runs.
        for table in (_MODEL, _BEFORE, _SNAPSHOT):
            project.warehouse.execute(f"analyze {table}")
    snapshot_columns = {row[0].lower() for row in project.warehouse.rows(_COLUMNS_SQL)}
    bare_sql = _SETTINGS[kind] + _bare_sql(kind, snapshot_columns)
    cheapest_sql = _SETTINGS[kind] + _CHEAPEST_SQL
    expected = scale.rows // CHANGED_SHARE

    def ours() -> None:
        counts = ledger.stage(uuid.uuid4().hex)
        assert counts.sendable == expected, counts

    contestants: dict[str, Callable[[], None]] = {
        "ours": ours,
        "bare": lambda: _compare(project.warehouse, bare_sql, expected),
        "cheapest": lambda: _compare(project.warehouse, cheapest_sql, expected),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(scale.repetitions + 1):
        for name, run in contestants.items():
            took = _timed(run)
            if round_:  # the first round warms the caches, for all alike
                times[name].append(took)
    took = {name: median(found) for name, found in times.items()}
    what = f"{kind}, {scale.rows:,} rows, {expected:,} changed"
    yield Figure(
        f"{what}: staging / the same comparison in bare SQL",
        took["ours"] / took["bare"],
        at_most=2.0,
        detail=f"{seconds(took['ours'])} / {seconds(took['bare'])}",
    )
    yield Figure(
        f"{what}: staging / comparing typed columns on the raw key",
        took["ours"] / took["cheapest"],
        detail=f"{seconds(took['ours'])} / {seconds(took['cheapest'])}; not the same work",
    )


def _timed(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _compare(warehouse: Warehouse, sql: str, expected: int) -> None:
    """Run a comparison on a connection of its own, as staging does, and count what it found."""
    warehouse.execute(f"drop table if exists {_FOUND}")
    warehouse.execute(sql)
    assert warehouse.rows(f"select count(*) from {_FOUND}") == [(expected,)]  # noqa: S608 - a constant


_FOUND = "analytics.found"
_COLUMNS_SQL = (
    "select column_name from information_schema.columns"
    " where table_schema = 'ledger' and table_name = 'contacts__snapshot'"
)


def _bare_sql(kind: str, snapshot_columns: set[str]) -> str:
    """Return a full outer join of model and snapshot on the normalised key, each attribute in the snapshot's form."""
    held = _HELD | _HELD_BY_ENGINE[kind]
    stored = {name: next(c for c in snapshot_columns if c.startswith(f"attr_{name}")) for name in held}
    wanted = ", ".join(f"{expression} as {name}" for name, expression in held.items())
    both = ", ".join(f"wanted.{name}, held.{column} as old_{name}" for name, column in stored.items())
    differs = " or ".join(f"wanted.{name} is distinct from held.{column}" for name, column in stored.items())
    return f"""
        create table {_FOUND} as
        select coalesce(wanted.key, held.contact_key) as key, {both}
        from (select lower(trim(email)) as key, {wanted} from {_MODEL}) as wanted
        full outer join {_SNAPSHOT} as held on held.contact_key = wanted.key
        where {differs}
    """  # noqa: S608 - constants and the ledger's own column names


_COLUMNS = ("full_name", "customer_id", "plan", "seats", "lifetime_value", "is_paying", "signed_up_at")
_CHEAPEST_SQL = f"""
    create table {_FOUND} as
    select wanted.*
    from {_MODEL} as wanted
    full outer join {_BEFORE} as held on held.email = wanted.email
    where wanted.email is null or held.email is null
       or {" or ".join(f"wanted.{name} is distinct from held.{name}" for name in _COLUMNS)}
"""  # noqa: S608 - constants
