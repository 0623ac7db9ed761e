from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox
from tests.support import warm
from tests.support.adapters import make_adapters_cheap
from tests.support.command_line import CommandLine
from tests.support.harness import Bench, DuckDb, ParsedProject, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session", autouse=True)
def cheap_adapters() -> Iterator[None]:
    """Let the adapters of this process share what dbt finds out for each."""
    with pytest.MonkeyPatch.context() as patch:
        make_adapters_cheap(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def files_for_processes() -> None:
    """Let go of DuckDB's files before this process starts another one."""
    sys.addaudithook(lambda event, _: DuckDb.let_go() if event in ("subprocess.Popen", warm.STARTING) else None)


@pytest.fixture(autouse=True)
def files_of_test() -> Iterator[None]:
    """Let go of DuckDB's files at a test's end."""
    yield
    DuckDb.let_go()


@pytest.fixture(scope="session")
def duckdb_project(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    folder = tmp_path_factory.mktemp("duckdb")
    return ParsedProject(folder / "project", DuckDb(folder / "bench.duckdb"))


@pytest.fixture(scope="session")
def postgres_project(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> ParsedProject:
    return ParsedProject(tmp_path_factory.mktemp("postgres") / "project", Postgres(postgres_server))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as running:
        yield running


@pytest.fixture(params=["duckdb", "postgres"])
def parsed(request: pytest.FixtureRequest) -> ParsedProject:
    found: ParsedProject = request.getfixturevalue(f"{request.param}_project")
    return found


@pytest.fixture
def bench(parsed: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Iterator[Bench]:
    before = os.getcwd()  # noqa: PTH109 - dbt-drift works in the project's root, as dbt does
    yield Bench(parsed, tmp_path, sandbox)
    os.chdir(before)


@pytest.fixture
def dbt_drift(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def people(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    """A model of two rows, one of which cannot be sent."""
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table("people", "select * from (values ('ada@example.com', 'Ada'), ('bad', 'Bad')) as t(email, name)")
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    return bench
