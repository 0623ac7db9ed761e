"""Whole projects, built by dbt and synced: the public jaffle_shop, and our own on two days."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.project.bundled import integration_project
from tests.functional.harness import TOKEN, DuckDb, Postgres, dbt
from tests.functional.jaffle import write_jaffle_shop

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.functional.postgres import PostgresServer


def _sync(folder: Path, sandbox: Sandbox, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "dbt_drift", "sync", "--quiet", "--output", "json",
         "--vars", "{dbt_drift: {rate_limit: {requests: 0}}}"],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | environment | {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return done.returncode, results


@pytest.fixture(params=["duckdb", "postgres"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "duckdb":
        return DuckDb(tmp_path / "jaffle.duckdb").output
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return Postgres(server).output


def test_jaffle_shop(output: dict[str, Any], tmp_path: Path, sandbox: Sandbox) -> None:
    folder = tmp_path / "jaffle"
    write_jaffle_shop(folder, output)
    dbt(folder, "build")

    code, (result,) = _sync(folder, sandbox)

    assert (code, result["rows"]["sent"], result["contacts"]["created"]) == (0, 100, 100)
    assert len(sandbox.contacts()) == 100
    assert sum("Ordered again" in contact.tags for contact in sandbox.contacts()) == 29
    code, (again,) = _sync(folder, sandbox)
    assert (code, again["requests"], again["rows"]["unchanged"]) == (0, 0, 100)


def test_two_days_of_the_integration_project(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fernhill"
    shutil.copytree(integration_project(), folder, ignore=shutil.ignore_patterns("target", "logs"))
    monkeypatch.setenv("FERNHILL_DUCKDB_PATH", str(tmp_path / "fernhill.duckdb"))
    dbt(folder, "build")
    code, (churned, contacts) = _sync(folder, sandbox)
    assert code == 1  # five rows are wrong on purpose
    assert churned["rows"]["sent"] == 40
    assert contacts["rows"] == {
        "read": 482, "unchanged": 0, "sent": 477, "invalid": 5, "rejected": 0, "unfinished": 0, "departed": 0,
    }  # fmt: skip
    assert contacts["reasons"] == {"missing_key": 1, "malformed_email": 2, "duplicate_key": 2}
    assert sum("Customers" in contact.tags for contact in sandbox.contacts()) == 235

    dbt(folder, "build", "--vars", "demo_day: 2")
    _, (churned, contacts) = _sync(folder, sandbox)
    assert churned["contacts"]["updated"] == 5
    assert contacts["contacts"]["created"] == 3
    assert contacts["rows"]["departed"] == 1
    assert sum("Customers" in contact.tags for contact in sandbox.contacts()) == 239
    assert sum("Trial ending" in contact.tags for contact in sandbox.contacts()) == 47

    _, results = _sync(folder, sandbox)
    assert [result["requests"] for result in results] == [0, 0]
