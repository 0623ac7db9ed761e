"""`dbt-drift init` in projects that know nothing of Drift."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.harness import DuckDb, Postgres, dbt, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command_line import CommandLine
    from tests.support.postgres import PostgresServer

PEOPLE = "select 'ada@example.com' as email, 7 as id, 'Ada' as full_name, true as is_vip, 'team' as plan"
DESCRIBED = """\
version: 2
models:   # all of them
  - name: customers
    columns:
      - name: email
        description: "{{ doc('__overview__') }}"
      - name: is_vip
        data_type: boolean

  - name: leads
    latest_version: 2
    config:
      meta: {owner: sales}
    versions: [{v: 1}, {v: 2}]
"""
MODELS = {
    "customers.sql": PEOPLE,
    "leads_v1.sql": "select 'ada@example.com' as email",
    "leads_v2.sql": "select 'ada@example.com' as email, 'Ada' as nickname, true as is_vip",
    "orders.sql": "select 1 as order_id",
    "stg_people.sql": PEOPLE,
    "marts/visitors.sql": "select 'ada@example.com' as visitor_email, 9 as visits",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return written(tmp_path / "project", DuckDb(tmp_path / "bench.duckdb").output)


def written(folder: Path, output: dict[str, Any]) -> Path:
    write_project(folder, output)
    (folder / "models" / "marts").mkdir()
    for name, sql in MODELS.items():
        (folder / "models" / name).write_text(sql)
    (folder / "models" / "schema.yml").write_text(DESCRIBED)
    return folder


def drift_of(file: Path, model: str) -> object:
    entry = next(one for one in yaml.safe_load(file.read_text())["models"] if one["name"] == model)
    return entry["config"]["meta"]["drift"]


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_from_the_model_that_is_built(project: Path, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    dbt(project, "run")
    file = project / "models" / "schema.yml"

    shown = dbt_drift("init", "--dry-run", cwd=project)
    assert (shown.code, file.read_text()) == (0, DESCRIBED)
    assert "+            # plan: plan\n" in shown.out
    assert "+          #     when: is_vip\n" in shown.out

    answer(monkeypatch)
    unasked = dbt_drift("init", cwd=project)
    assert (unasked.code, "Nobody can answer" in unasked.err, file.read_text()) == (2, True, DESCRIBED)

    answer(monkeypatch, "1", "externalId", "VIP", "n")
    assert (dbt_drift("init", cwd=project).code, file.read_text()) == (1, DESCRIBED)

    answer(monkeypatch, "1", "externalId", "VIP", "y")
    done = dbt_drift("init", cwd=project)
    assert done.code == 0, done.err
    assert "1  customers: email, externalId, name\n" in done.out
    assert "stg_people" not in done.out
    assert "    dbt build\n    dbt-drift plan\n" in done.out
    assert drift_of(file, "customers") == {
        "match_on": "externalId",
        "fields": {"email": "email", "externalId": "id", "name": "full_name"},
        "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
    }
    assert dbt_drift("check", "--offline", cwd=project).code == 0

    declared = file.read_text()
    for arguments, said in (([], "Already declared: customers"), (["customers"], "nothing changes")):
        again = dbt_drift("init", "--yes", *arguments, cwd=project)
        assert (again.code, said in again.out, file.read_text()) == (0, True, declared)


def test_on_postgres(tmp_path: Path, dbt_drift: CommandLine, postgres_server: PostgresServer) -> None:
    project = written(tmp_path / "project", Postgres(postgres_server).output)
    dbt(project, "run")

    done = dbt_drift("init", "--yes", cwd=project)

    assert done.code == 0, done.err
    assert "+          #     when: is_vip\n" in done.out
    fields = {"email": "email", "name": "full_name"}
    assert drift_of(project / "models" / "schema.yml", "customers") == {"match_on": "email", "fields": fields}
    assert dbt_drift("check", "--offline", cwd=project).code == 0


def test_without_a_warehouse_what_is_described_counts(project: Path, dbt_drift: CommandLine) -> None:
    unknown = dbt_drift("init", "stg_people", "--yes", cwd=project)
    assert (unknown.code, "Run `dbt build --select stg_people` first" in unknown.err) == (2, True)

    done = dbt_drift("init", "--yes", cwd=project, environment={"DRIFT_ACCESS_TOKEN": "mine"})

    assert done.code == 0, done.err
    assert "sandbox" not in done.out
    assert drift_of(project / "models" / "schema.yml", "customers") == {
        "match_on": "email",
        "fields": {"email": "email"},
    }


def test_a_model_that_no_file_describes_gets_one(project: Path, dbt_drift: CommandLine) -> None:
    dbt(project, "run")
    assert dbt_drift("init", "visitors", "--yes", cwd=project).code == 0

    file = project / "models" / "marts" / "_visitors.yml"
    assert drift_of(file, "visitors") == {"match_on": "email", "fields": {"email": "visitor_email"}}

    file.write_text("models: []\n")
    refused = dbt_drift("init", "visitors", "--yes", cwd=project)
    assert (refused.code, "does not describe visitors" in refused.err) == (2, True)
    assert file.read_text() == "models: []\n"


def test_what_would_not_hold_is_taken_back(
    project: Path, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dbt(project, "run")
    file = project / "models" / "schema.yml"
    answer(monkeypatch, "email", "y", "y")
    asked = dbt_drift("init", "customers", cwd=project)
    assert (asked.code, "where is_vip is true? y for 'Vip'" in asked.out) == (0, True)
    assert drift_of(file, "customers")["audiences"] == [{"tag": "Vip", "mode": "mirror", "when": "is_vip"}]  # type: ignore[index]
    before = file.read_bytes()

    # One is described in that file, the other nowhere.
    for model, answers in (("leads.v2", ("VIP", "y")), ("stg_people", ("email", "VIP", "y"))):
        answer(monkeypatch, *answers)
        refused = dbt_drift("init", model, cwd=project)
        assert (refused.code, file.read_bytes()) == (2, before), refused.out
        assert "is left as it was, with nothing declared" in refused.err
        assert "customers" in refused.err
    assert not (project / "models" / "_stg_people.yml").exists()
    assert dbt_drift("check", "--offline", cwd=project).out.startswith("ok  customers:")

    assert dbt_drift("init", "leads.v2", "--yes", cwd=project).code == 0
    assert "sales" in file.read_text()
    assert "ok  leads.v2: 2 attributes" in dbt_drift("check", "--offline", cwd=project).out


def test_what_others_share_is_left_to_the_user(project: Path, dbt_drift: CommandLine) -> None:
    file = project / "models" / "schema.yml"
    shared = DESCRIBED.replace("    columns:", "    config: &c {tags: [a]}\n    columns:", 1)
    file.write_text(shared + "  - name: orders\n    config: *c\n")
    before = file.read_bytes()

    refused = dbt_drift("init", "customers", "--yes", cwd=project)

    assert (refused.code, file.read_bytes()) == (2, before)
    assert "by hand:\n\n    drift:\n      match_on: email\n" in refused.err


@pytest.mark.parametrize(("model", "why"), [("orders", "No column of orders looks"), ("custommers", "`customers`")])
def test_what_cannot_be_declared_is_said(project: Path, dbt_drift: CommandLine, model: str, why: str) -> None:
    dbt(project, "run")
    done = dbt_drift("init", model, "--yes", cwd=project)
    assert (done.code, why in done.err) == (2, True), done.err


def test_a_project_that_dbt_cannot_parse_keeps_its_words(project: Path, dbt_drift: CommandLine) -> None:
    (project / "models" / "orders.sql").write_text("select * from {{ ref('nothing') }}")
    done = dbt_drift("init", cwd=project)
    assert (done.code, "dbt cannot parse the project" in done.err, "nothing" in done.err) == (2, True, True)


def with_production(project: Path) -> Path:
    """Give the profile a target for production, beside that of the laptop."""
    file = project / "profiles.yml"
    profiles = yaml.safe_load(file.read_text())
    outputs = profiles["bench"]["outputs"]
    outputs["prod"] = outputs["dev"]
    file.write_text(yaml.safe_dump(profiles))
    return project / "dbt_project.yml"


def test_only_the_target_for_production_may_write_to_drift(project: Path, dbt_drift: CommandLine) -> None:
    file = with_production(project)
    before = file.read_text()
    done = dbt_drift("init", "customers", "--yes", cwd=project)

    assert done.code == 0, done.err
    assert file.read_text().startswith(before)
    assert yaml.safe_load(file.read_text()) == {
        **yaml.safe_load(before),
        "vars": {"dbt_drift": {"targets": ["prod"]}},
    }
    assert "+    targets: [prod]" in done.out


@pytest.mark.parametrize(
    ("variables", "is_asked_for"), [("{start: 2020-01-01}", True), ("{dbt_drift: {targets: [dev]}}", False)]
)
def test_variables_that_the_project_has_are_left_as_they_are(
    project: Path, dbt_drift: CommandLine, variables: str, *, is_asked_for: bool
) -> None:
    file = with_production(project)
    file.write_text(f"{file.read_text()}vars: {variables}\n")
    before = file.read_text()
    done = dbt_drift("init", "customers", "--yes", cwd=project)

    assert (done.code, file.read_text()) == (0, before)
    asked_for = "To let only the target prod write to Drift itself, add this to dbt_project.yml:" in done.out
    assert asked_for == is_asked_for
