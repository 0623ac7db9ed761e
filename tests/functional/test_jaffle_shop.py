"""dbt's public example project, built by dbt and synced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.harness import TOKEN, DuckDb, Postgres, dbt
from tests.support.jaffle import write_jaffle_shop

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine


@pytest.fixture(params=["duckdb", "postgres"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "duckdb":
        return DuckDb(tmp_path / "jaffle.duckdb").output
    return Postgres(request.getfixturevalue("postgres_server")).output


def test_jaffle_shop(output: dict[str, Any], tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine) -> None:
    folder = tmp_path / "jaffle"
    write_jaffle_shop(folder, output)
    dbt(folder, "build")

    def sync() -> dict[str, Any]:
        drift = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
        done = dbt_drift("sync", "--output", "json", cwd=folder, environment=drift)
        assert done.code == 0, done.err
        (result,) = json.loads(done.out)["results"]
        return dict(result)

    first = sync()
    assert (first["rows"]["sent"], first["contacts"]["created"]) == (100, 100)
    assert len(sandbox.contacts()) == 100
    assert sum("Ordered again" in contact.tags for contact in sandbox.contacts()) == 29
    michael = sandbox.contact_by_email("michael.p1@example.com")
    assert michael is not None
    expected = {"first_name": "Michael", "last_name": "P.", "number_of_orders": 2, "customer_lifetime_value": 33}
    assert michael.attributes.items() >= {**expected, "externalId": "1", "first_order": 1514764800000}.items()
    again = sync()
    assert (again["requests"], again["rows"]["unchanged"]) == (0, 100)
