"""dbt's artifacts of another target, of older files and of older declarations, in a project that dbt has built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.harness import TOKEN, dbt, write_project

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine

MODEL = """
{{ config(materialized='table') }}

with people as (
    select 'ada@example.com' as email
)
select
    email,
    'gold' as plan
from people
{% if target.name == 'nowhere' %} where false {% endif %}
"""
PROPERTIES = {
    "models": [
        {"name": "people", "config": {"meta": {"drift": {"fields": {"email": "email", "plan": "plan"}}}}},
        {"name": "leads", "config": {"schema": "marts", "meta": {"drift": {"fields": {"email": "email"}}}}},
    ]
}
NAMES = """
{% macro generate_schema_name(custom_schema_name, node) %}
{{ target.schema }}{{ '_' ~ custom_schema_name if custom_schema_name }}
{{- '_of_' ~ node.fqn[0] if target.name == 'prod' }}
{% endmacro %}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project built for the target dev, in the same database as the target prod."""
    folder = tmp_path_factory.mktemp("artifacts") / "project"
    write_project(folder, {})
    output = {"type": "duckdb", "path": "bench.duckdb", "threads": 1}
    outputs = {name: {**output, "schema": name} for name in ("dev", "prod")}
    (folder / "profiles.yml").write_text(yaml.safe_dump({"bench": {"target": "dev", "outputs": outputs}}))
    (folder / "macros" / "names.sql").write_text(NAMES)
    (folder / "models" / "people.sql").write_text(MODEL)
    (folder / "models" / "leads.sql").write_text("select 'bob@example.com' as email\n")
    (folder / "models" / "people.yml").write_text(yaml.safe_dump(PROPERTIES))
    dbt(folder, "build", "--target", "dev")
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy, as of a checkout: every file is newer than the build."""
    return Path(shutil.copytree(original, tmp_path / "project", copy_function=shutil.copyfile))


def test_rows_of_one_target_do_not_reach_the_drift_of_another(
    project: Path, dbt_drift: CommandLine, sandbox: Sandbox
) -> None:
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    for arguments in (
        ["sync", "--target", "prod"],
        ["sync", "--target", "prod", "--ignore-run-results"],
        ["rebuild", "--target", "prod"],
        ["plan", "--target", "prod"],
        ["check", "--offline", "--target", "prod"],
    ):
        done = dbt_drift(*arguments, cwd=project, environment=environment)
        assert done.code == 2
        assert "is of another target than prod: there, leads is " in done.err
        assert "this target has it in bench.prod_marts_of_bench.leads" in done.err
        assert "dbt build --target prod" in done.err
    assert sandbox.requests() == []

    dbt(project, "parse", "--target", "prod")  # run_results.json is that of dev still
    done = dbt_drift("plan", "--target", "prod", cwd=project)
    assert done.code == 2
    assert "was for the target dev" in done.err
    # Where the target was not named, as with DBT_TARGET, the relations that were built tell.
    results = project / "target" / "run_results.json"
    results.write_text(results.read_text().replace('"target": "dev"', '"target": null'))
    done = dbt_drift("plan", "--target", "prod", cwd=project)
    assert done.code == 2
    assert (
        'built leads as "bench"."dev_marts"."leads", and it is "bench"."prod_marts_of_bench"."leads" here' in done.err
    )


def test_a_checkout_is_no_change_and_an_edit_is(project: Path, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}

    def plan() -> str:
        done = dbt_drift("plan", "--rows", "0", cwd=project)
        assert done.code == 0, done.err
        return done.err

    assert "Held" not in plan()
    done = dbt_drift("sync", cwd=project, environment=environment)
    assert (done.code, len(sandbox.contacts())) == (0, 2), done.out
    assert 'START people from "bench"."dev"."people"' in done.out
    # Parsed anew in full, as in a job that has only manifest.json and run_results.json of another: dbt kept the SQL.
    (project / "target" / "partial_parse.msgpack").unlink()
    dbt(project, "parse")
    assert "Held" not in plan()
    for path, old, new in (("people.sql", "'gold'", "'silver'"), ("leads.sql", "bob@", "eve@")):
        file = project / "models" / path
        file.write_text(file.read_text().replace(old, new))
    dbt(project, "parse")
    said = plan()
    assert "models/people.sql has changed since `dbt build` of" in said
    assert "models/leads.sql has changed since `dbt build` of" in said


def test_the_results_of_several_commands(project: Path, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    """As a scheduler runs them: each with a target folder of its own."""
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    shutil.rmtree(project / "target")
    for name in ("people", "leads"):
        dbt(project, "build", "--target", "dev", "--select", name, "--target-path", f"target/{name}")
    last = ["--target-path", "target/leads"]
    alone = dbt_drift("plan", *last, cwd=project)
    assert (alone.code, "1 model not synced" in alone.err, "people: " in alone.out) == (0, True, False)
    both = [*last, "--run-results", "target/people", "--run-results", "target/leads/run_results.json"]
    done = dbt_drift("sync", *both, cwd=project, environment=environment)
    assert (done.code, len(sandbox.contacts())) == (0, 2), done.out + done.err
    planned = dbt_drift("plan", *last, "--run-results", "target", cwd=project)
    assert (planned.code, planned.err) == (0, "")

    # An edit inside of Jinja, parsed since: only the manifest of the build shows it.
    file = project / "models" / "people.sql"
    file.write_text(file.read_text().replace("'nowhere'", "'elsewhere'"))
    dbt(project, "parse", "--target", "dev", "--target-path", "target/leads")
    assert "models/people.sql has changed since `dbt build` of" in dbt_drift("plan", *both, cwd=project).err
    assert "models/people.sql has changed" not in dbt_drift("plan", "--select", "people", *last, cwd=project).err

    for arguments, said in (
        (["--run-results", "target/none"], "target/none, which --run-results names"),
        (["--run-results", "target", "--ignore-run-results"], "does not go with --ignore-run-results"),
    ):
        refused = dbt_drift("sync", *last, *arguments, cwd=project, environment=environment)
        assert (refused.code, said in refused.err) == (2, True), refused.err


def test_a_declaration_that_dbt_has_not_parsed_yet(project: Path, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    file = project / "models" / "people.yml"
    written = file.read_text()
    # Laid out anew, described, and the same declaration in its other place: nothing else is said about Drift.
    properties = yaml.safe_load(written)
    properties["models"][1]["meta"] = properties["models"][1]["config"].pop("meta")
    properties["models"][0]["description"] = "People."
    file.write_text(yaml.safe_dump(properties, indent=8))
    done = dbt_drift("plan", cwd=project)
    assert (done.code, done.err) == (0, "")

    file.write_text(written.replace("plan: plan", "tier: plan"))
    plan = dbt_drift("plan", cwd=project)
    assert plan.code == 0
    assert "people: Blocked, with nothing sent: models/people.yml has changed what it says about Drift" in plan.err
    assert "Run `dbt parse`" in plan.err
    assert plan.out.startswith("leads: 1 row")
    done = dbt_drift("sync", cwd=project, environment=environment)
    assert (done.code, [contact.attributes["email"] for contact in sandbox.contacts()]) == (1, ["bob@example.com"])
    anyway = dbt_drift("plan", "--ignore-run-results", cwd=project)
    assert "models/people.yml has changed what it says" in anyway.err
    assert "people: 1 row" in anyway.out

    file.write_text(written + "\tand: a tab\n")
    plan = dbt_drift("plan", cwd=project)
    assert "people: Blocked, with nothing sent: models/people.yml is no longer valid YAML" in plan.err
    file.write_text(written.replace("plan: plan", "tier: plan"))
    dbt(project, "parse")
    assert "Held" not in dbt_drift("plan", cwd=project).err


def test_only_the_named_target_folder_is_used(project: Path, dbt_drift: CommandLine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (project / "target").rename(elsewhere)
    shutil.rmtree(project / "logs", ignore_errors=True)
    for name in ("target", "logs"):  # files: no folder can be made in their place, not even by root
        (project / name).write_text("")
    done = dbt_drift("plan", "--select", "people", "--target-path", str(elsewhere), cwd=project)
    assert done.code == 0, done.err
    assert done.out.startswith("people: 1 row")
    assert not (elsewhere / "dbt.log").exists()


def test_a_relative_project_folder(project: Path, dbt_drift: CommandLine) -> None:
    # Its profile is found in it, and what is relative there counts from it.
    done = dbt_drift("plan", "--project-dir", "project", "--rows", "0", cwd=project.parent, environment={"HOME": "/"})
    assert done.code == 0, done.err
    assert "people: 1 row" in done.out
    (project / "profiles.yml").unlink()
    done = dbt_drift("plan", "--project-dir", "project", cwd=project.parent, environment={"HOME": "/"})
    assert (done.code, f"There is no profiles.yml in {project.parent}, /.dbt, {project}." in done.err) == (2, True)


def test_declarations_are_checked_without_a_warehouse(project: Path, dbt_drift: CommandLine) -> None:
    """What a laptop or a pull request can know after `dbt parse`."""
    (project / "bench.duckdb").unlink()
    built = dbt_drift("check", "--offline", cwd=project)
    assert (built.code, built.err) == (0, "")
    assert 'ok  people: its declaration; the columns of "bench"."dev"."people" cannot be checked' in built.out
    missing = dbt_drift("plan", cwd=project)
    assert (missing.code, "relation_name" in missing.err) == (2, False)
    assert '  the relation "bench"."dev"."people" is not in the warehouse' in missing.err

    profiles = project / "profiles.yml"
    profiles.write_text(profiles.read_text().replace("bench.duckdb", "no/such/folder/bench.duckdb"))
    away = dbt_drift("check", "--offline", cwd=project)
    assert (away.code, away.err) == (0, "")
    assert "warn  The warehouse cannot be reached, so no column is checked" in away.out

    properties = yaml.safe_load((project / "models" / "people.yml").read_text())
    people, leads = properties["models"]
    people["columns"] = [{"name": "emial"}]
    leads |= {"columns": [{"name": "mail", "data_type": "text"}]}
    leads["config"]["contract"] = {"enforced": True}
    (project / "models" / "people.yml").write_text(yaml.safe_dump(properties))
    dbt(project, "parse")
    done = dbt_drift("check", "--offline", cwd=project)
    assert done.code == 2
    assert "meta.drift.fields.email: the relation has no column 'email'" in done.err
    assert "Did you mean `mail`?" in done.err
    leads["columns"][0]["name"] = "email"
    (project / "models" / "people.yml").write_text(yaml.safe_dump(properties))
    dbt(project, "parse")
    done = dbt_drift("check", "--offline", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert "warn  people (models/people.yml): meta.drift.fields.email: its properties describe no column" in done.out
    assert "Did you mean `emial`?" in done.out
