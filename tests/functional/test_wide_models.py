"""Models that map hundreds of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.errors import DeclarationError

if TYPE_CHECKING:
    from tests.support.harness import Bench


def _wide(bench: Bench, columns: int) -> None:
    values = ", ".join(f"{number} as c{number}" for number in range(columns - 1))
    bench.table("people", f"select 'ada@example.com' as email, {values}")
    bench.declare(
        "people", {"fields": {"email": "email"} | {f"a{number}": f"c{number}" for number in range(columns - 1)}}
    )


def test_as_many_columns_as_there_are(bench: Bench) -> None:
    _wide(bench, 500 if bench.warehouse.kind == "duckdb" else 795)
    assert bench.sync().contacts.created == 1
    bench.execute("update $.people set c400 = -1")
    (change,) = bench.plan().changes
    assert change.attributes == {"a400": ("400", "-1")}


def test_each_text_column_adds_little_to_the_comparison(bench: Bench) -> None:
    """DuckDB planned 2 MB of SQL for 60 of them, which took 11 seconds for each sync, whatever the rows."""
    names = [f"c{number}" for number in range(60)]
    bench.table("people", "select 'ada@example.com' as email, " + ", ".join(f"'x' as {name}" for name in names))
    bench.declare("people", {"fields": {"email": "email"} | {name: name for name in names}})
    project, (sync,) = bench.prepared.project, bench.prepared.syncs
    with project.connect("length") as session:
        compared = session.call("difference_sql", sync=sync, has_duplicates=False, everyone_left=False)
    assert len(compared) / len(names) < 2000


@pytest.mark.parametrize("parsed", ["postgres"], indirect=True)
def test_more_than_postgres_compares_is_said_before_anything_is_sent(bench: Bench) -> None:
    _wide(bench, 796)
    with pytest.raises(DeclarationError, match="at most 795 of both together"):
        bench.sync()
