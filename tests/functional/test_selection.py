"""dbt's selection grammar, whole, and what dbt's last command built: on a project that dbt itself has built."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from dbt_drift.project.gateway import DbtProject
from dbt_drift.project.options import ProjectOptions, Selection
from tests.support import warm
from tests.support.harness import TOKEN, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine

DECLARED = {"meta": {"drift": {"fields": {"email": "email"}}}}
FILES = {
    "models/staging/stg_people.sql": "select 'ada@example.com' as email",
    "models/marts/dim_crm.sql": "{{ config(tags=['crm']) }} select * from {{ ref('stg_people') }}",
    "models/marts/dim_all.sql": "{{ config(materialized='table') }} select * from {{ ref('dim_crm') }}",
    "models/marts/dim_src.sql": "select * from {{ source('raw', 'nowhere') }}",
    "models/marts/dim_after.sql": "select * from {{ ref('dim_src') }}",
    "models/marts/dim_untrue.sql": "select 'bob@example.com' as email",
}
PROPERTIES = {
    "models": [
        {"name": name, "config": DECLARED} for name in ("dim_crm", "dim_all", "dim_src", "dim_after")
    ] + [{"name": "dim_untrue", "config": DECLARED,
          "columns": [{"name": "email", "data_tests": [{"accepted_values": {"values": ["x"]}}]}]}],
    "unit_tests": [{"name": "crm_is_all", "model": "dim_crm", "given": [{"input": "ref('stg_people')", "rows": []}],
                    "expect": {"rows": []}}],
    "sources": [{"name": "raw", "tables": [{"name": "nowhere"}]}],
    "exposures": [{"name": "board", "type": "dashboard", "owner": {"email": "a@example.com"},
                   "depends_on": ["ref('dim_all')"]}],
}  # fmt: skip
SELECTORS = {"selectors": [{"name": "crm", "definition": {"method": "tag", "value": "crm"}}]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose last build went badly in parts; its artifacts are in `state`. Since then, dim_all has changed."""
    folder = tmp_path_factory.mktemp("selection") / "project"
    write_project(folder, {"type": "duckdb", "path": str(folder / "bench.duckdb"), "schema": "analytics", "threads": 1})
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "models" / "properties.yml").write_text(yaml.safe_dump(PROPERTIES))
    (folder / "selectors.yml").write_text(yaml.safe_dump(SELECTORS))
    dbt(folder, "build", code=1)
    shutil.copytree(folder / "target", folder / "state")
    (folder / "models/marts/dim_all.sql").write_text(FILES["models/marts/dim_all.sql"] + " where true")
    dbt(folder, "parse")
    return folder


def dbt(folder: Path, *arguments: str, code: int = 0) -> None:
    done = warm.run("dbt", "--quiet", *arguments, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr


@pytest.fixture(autouse=True)
def _working_folder() -> Iterator[None]:
    before = os.getcwd()  # noqa: PTH109 - dbt-drift works in the project's root, as dbt does
    yield
    os.chdir(before)


CASES = {
    "tag:crm": "dim_crm",
    "path:models/staging": "stg_people",
    "+dim_crm": "dim_crm stg_people",
    "dim_crm+": "dim_all dim_crm",
    "1+dim_all": "dim_all dim_crm",
    "@dim_src": "dim_after dim_src",
    "bench.marts.dim_a*": "dim_after dim_all",
    "file:dim_all.sql": "dim_all",
    "fqn:bench.staging.*": "stg_people",
    "bench.marts.dim_all": "dim_all",
    "config.materialized:table": "dim_all",
    "config.meta.drift.fields.email:email,path:models/marts,tag:crm": "dim_crm",
    "package:bench,path:models/staging": "stg_people",
    "source:raw.nowhere+": "dim_after dim_src",
    "+exposure:board": "dim_all dim_crm stg_people",
    "resource_type:model,dim_after": "dim_after",
    "tag:crm stg_people": "dim_crm stg_people",
    "tag:crm,path:models/staging": "",
    "state:modified": "dim_all",
    "state:modified.body": "dim_all",
    "1+state:modified": "dim_all dim_crm",
    "result:error": "dim_src",
    "result:error+": "dim_after dim_src",
    "result:success,path:models/marts": "dim_all dim_crm dim_untrue",
    "result:skipped": "dim_after",
}


@pytest.mark.parametrize("selector", CASES)
def test_select(project: Path, selector: str) -> None:
    assert selected(project, Selection(select=tuple(selector.split()), state="state")) == CASES[selector]


def test_the_rest_of_the_grammar(project: Path) -> None:
    assert selected(project, Selection(selector="crm")) == "dim_crm"
    assert selected(project, Selection(select=("dim_crm+",), exclude=("tag:crm",))) == "dim_all"
    assert selected(project, Selection(exclude=("path:models/marts",))) == "stg_people"


def selected(project: Path, selection: Selection) -> str:
    options = ProjectOptions(project_dir=str(project), profiles_dir=str(project))
    chosen = DbtProject.load(options).select(project / "target" / "manifest.json", selection)
    return " ".join(sorted(name.removeprefix("model.bench.") for name in chosen if name.startswith("model.")))


def test_the_options_and_the_variable(project: Path, dbt_drift: CommandLine) -> None:
    for arguments, environment in (
        (["--selector", "crm"], {}),
        (["--select", "1+state:modified", "--exclude", "dim_all", "--state", "state"], {}),
        (["--select", "1+state:modified", "--exclude", "dim_all"], {"DBT_STATE": "state"}),
    ):
        done = dbt_drift("check", "--offline", *arguments, cwd=project, environment=environment)
        well = [line.partition(":")[0] for line in done.out.splitlines() if line.startswith("ok  ")]
        assert well == ["ok  dim_crm", "ok  ledger"], done.err
    unknown = dbt_drift("check", "--offline", "--selector", "cmr", cwd=project)
    assert (unknown.code, "cmr" in unknown.err) == (2, True)
    nothing = dbt_drift("check", "--offline", "--select", "stg_people", cwd=project)
    assert (nothing.code, "No selected model declares a sync" in nothing.err) == (2, True)


def test_what_the_last_build_leaves(project: Path, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    plan = dbt_drift("plan", cwd=project)
    done = dbt_drift("sync", cwd=project, environment=environment)

    assert done.code == 1
    assert "OK=1 WARN=0 BLOCKED=4" in done.out
    for said in (
        "BLOCKED dim_src", "it failed in `dbt build` of",
        "BLOCKED dim_after", "it was skipped in `dbt build` of",
        "BLOCKED dim_untrue", "1 test of it failed in `dbt build` of",
        "BLOCKED dim_all", "models/marts/dim_all.sql has changed since `dbt build` of",
    ):  # fmt: skip
        assert said in done.out
        assert said.removeprefix("BLOCKED ") in plan.err
    assert plan.out.startswith("dim_crm: 1 row")
    assert [contact.attributes["email"] for contact in sandbox.contacts()] == ["ada@example.com"]

    unread = ["--select", "dim_untrue", "--ignore-run-results"]
    anyway = dbt_drift("sync", *unread, cwd=project, environment=environment)
    assert (anyway.code, len(sandbox.contacts())) == (0, 2), anyway.out
    missing = dbt_drift("sync", "--ignore-run-results", cwd=project, environment=environment)
    assert (missing.code, "dbt build --select dim_src" in missing.err) == (2, True)


def test_a_build_of_some_models(project: Path, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    dbt(project, "build", "--select", "stg_people", "dim_all")
    part = dbt_drift("plan", cwd=project)
    assert (part.code, part.out.startswith("dim_all: 1 row")) == (0, True)
    assert "4 models not synced, because `dbt build` of" in part.err
    named = dbt_drift("plan", "--select", "tag:crm", cwd=project)
    assert named.out.startswith("dim_crm: 1 row")

    dbt(project, "build", "--select", "stg_people")
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    nothing = dbt_drift("sync", *["--vars", "{dbt_drift: {schema: other_drift}}"], cwd=project, environment=environment)
    assert (nothing.code, sandbox.contacts()) == (0, [])
    assert "5 models not synced" in nothing.out
