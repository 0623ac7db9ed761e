"""An adapter that dbt-drift has not been tried on: refused, also where it inherits the macros of one that it has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dbt.adapters.base.plugin import AdapterPlugin
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter

from tests.support.harness import Bench
from tests.support.ledgers import command, people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject


class _Connections(PostgresConnectionManager):
    TYPE = "greenhouse"


@dataclass
class _Credentials(PostgresCredentials):
    @property
    def type(self) -> str:
        return "greenhouse"


class _Adapter(PostgresAdapter):
    ConnectionManager = _Connections


@pytest.fixture
def greenhouse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An adapter that is Postgres' own by another name, as many are; dbt finds adapters by their module."""
    package = tmp_path / "greenhouse"
    package.mkdir()
    (package / "dbt_project.yml").write_text(
        yaml.safe_dump({"config-version": 2, "name": "dbt_greenhouse", "version": "1.0"})
    )
    adapter: Any = _Adapter
    module: Any = ModuleType("dbt.adapters.greenhouse")
    module.Plugin = AdapterPlugin(adapter, _Credentials, str(package), dependencies=["postgres"])
    monkeypatch.setitem(sys.modules, "dbt.adapters.greenhouse", module)
    return "greenhouse"


def test_an_adapter_that_inherits_from_postgres_is_refused(
    greenhouse: str, postgres_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(postgres_project, tmp_path, sandbox)
    people(bench, 1)
    file = bench.project / "profiles.yml"
    profiles = yaml.safe_load(file.read_text())
    profiles["bench"]["outputs"]["dev"]["type"] = greenhouse
    file.write_text(yaml.safe_dump(profiles))
    for arguments in (["plan"], ["sync"], ["check", "--offline"], ["status"]):
        done = command(bench, dbt_drift, *arguments)
        assert done.code == 2
        assert "dbt-drift does not support the adapter greenhouse" in done.out + done.err
    assert bench.requests() == 0
