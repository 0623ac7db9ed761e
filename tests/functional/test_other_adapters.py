"""An adapter that dbt-drift has not been tried on: refused, also where it inherits the macros of one that it has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dbt.adapters.base.plugin import AdapterPlugin
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter
from dbt.cli.main import dbtRunner

from tests.support.harness import Bench, Postgres, write_project
from tests.support.ledgers import command, people

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject
    from tests.support.postgres import PostgresServer


ROOT = Path(__file__).parents[2]


class _Connections(PostgresConnectionManager):
    TYPE = "greenhouse"


@dataclass
class _Credentials(PostgresCredentials):
    @property
    def type(self) -> str:
        return "greenhouse"


class GreenhouseAdapter(PostgresAdapter):
    ConnectionManager = _Connections


@pytest.fixture
def greenhouse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An adapter that is Postgres' own by another name, as many are; dbt finds adapters by their module."""
    package = tmp_path / "greenhouse"
    package.mkdir()
    (package / "dbt_project.yml").write_text(
        yaml.safe_dump({"config-version": 2, "name": "dbt_greenhouse", "version": "1.0"})
    )
    adapter: Any = GreenhouseAdapter
    module: Any = ModuleType("dbt.adapters.greenhouse")
    module.Plugin = AdapterPlugin(adapter, _Credentials, str(package), dependencies=["postgres"])
    monkeypatch.setitem(sys.modules, "dbt.adapters.greenhouse", module)
    version: Any = ModuleType("dbt.adapters.greenhouse.__version__")
    version.version = "1.0.0"
    monkeypatch.setitem(sys.modules, "dbt.adapters.greenhouse.__version__", version)
    return "greenhouse"


def use(project: Path, adapter: str) -> None:
    file = project / "profiles.yml"
    profiles = yaml.safe_load(file.read_text())
    profiles["bench"]["outputs"]["dev"]["type"] = adapter
    file.write_text(yaml.safe_dump(profiles))


def test_an_adapter_that_inherits_from_postgres_is_refused(
    greenhouse: str, postgres_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(postgres_project, tmp_path, sandbox)
    people(bench, 1)
    use(bench.project, greenhouse)
    for arguments in (["plan"], ["sync"], ["check", "--offline"], ["status"]):
        done = command(bench, dbt_drift, *arguments)
        assert done.code == 2
        assert "dbt-drift does not support the adapter greenhouse" in done.out + done.err
    assert bench.requests() == 0


NEEDS = "dbt-drift does not support the adapter greenhouse"


def test_the_dbt_package_judges_no_value_there(
    greenhouse: str, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    write_project(project, Postgres(postgres_server).output)
    use(project, greenhouse)
    (project / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    (project / "models" / "people.sql").write_text(
        "{{ config(post_hook='{{ dbt_drift.stage_sync() }}') }} select 'ada@example.com' as email, 1 as seats"
    )
    email = {"name": "email", "data_tests": ["dbt_drift.valid_contact_email", "dbt_drift.unique_contact_key"]}
    typed = {"dbt_drift.accepted_drift_attribute_type": {"type": "NUMERIC"}}
    seats = {"name": "seats", "data_tests": ["dbt_drift.finite_number", typed]}
    drift = {"fields": {"email": "email"}}
    model = {"name": "people", "config": {"meta": {"drift": drift}}, "columns": [email, seats]}
    (project / "models" / "people.yml").write_text(yaml.safe_dump({"version": 2, "models": [model]}))
    monkeypatch.chdir(project)

    said: list[str] = []

    def hear(event: Any) -> None:
        said.append(event.info.msg)

    runner = dbtRunner(callbacks=[hear])
    assert runner.invoke(["--log-level-file", "none", "deps"]).success
    built: Any = runner.invoke(["--log-level-file", "none", "build", "--profiles-dir", str(project)]).result
    ended = {one.node.name: (str(one.status), NEEDS in (one.message or "")) for one in built.results}
    assert ended.pop("people") == ("success", False)
    assert (len(ended), set(ended.values())) == (4, {("error", True)})
    assert any(f"people is not staged here: {NEEDS}" in line for line in said)
