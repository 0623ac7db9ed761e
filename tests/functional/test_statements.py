"""How many statements a run asks of the warehouse: on an engine where each is a job, this is what a sync costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dbt.adapters.sql.connections import SQLConnectionManager

from tests.support.ledgers import people

if TYPE_CHECKING:
    from tests.support.harness import Bench


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    add_query = SQLConnectionManager.add_query

    def add(self: Any, sql: str, *args: Any, **options: Any) -> Any:
        asked.append(" ".join(sql.split()))
        return add_query(self, sql, *args, **options)

    monkeypatch.setattr(SQLConnectionManager, "add_query", add)
    return asked


MOST = {"first": 81, "nothing": 17, "one": 41}


def test_a_run_asks_no_more_than_this(bench: Bench, statements: list[str]) -> None:
    people(bench, 3)

    def count(**expected: int) -> int:
        bench.forget_project()
        statements.clear()
        result = bench.sync()
        assert {name: getattr(result.rows, name) for name in expected} == expected
        return len(statements)

    found = {"first": count(sent=3), "nothing": count(unchanged=3)}
    bench.execute("update $.people set name = 'New' where name = 'Name 1'")
    found["one"] = count(sent=1)
    assert {name: number for name, number in found.items() if number > MOST[name]} == {}
