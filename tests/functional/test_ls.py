"""`ls` and `check --parse`: what is declared, without a warehouse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from tests.support.command_line import project_of
from tests.support.harness import write_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

AWAY = {"type": "postgres", "host": "127.0.0.1", "port": 1, "user": "x", "password": "x", "dbname": "x", "schema": "s"}


def test_the_declared_syncs_are_listed(people: Bench, dbt_drift: CommandLine) -> None:
    people.declare(
        "people",
        {
            "fields": {"email": "email", "name": "name"},
            "audiences": [
                {"tag": "VIP", "mode": "mirror", "when": "vip"},
                {"attribute": "is_paying", "mode": "mirror", "when": "pays"},
            ],
        },
    )
    people.declare("leads", {"fields": {"email": "address"}, "audiences": [{"tag_from": "plan", "mode": "add"}]})
    done = dbt_drift("ls", *project_of(people))
    assert done.code == 0, done.err
    leads, everybody = done.out.splitlines()
    assert leads.startswith("leads  ")
    assert leads.endswith(f'."{people.schema}"."leads"  attributes email; audiences from plan (add)')
    assert everybody.endswith('"people"  attributes email, name; audiences VIP (mirror), is_paying (mirror)')

    document = json.loads(dbt_drift("ls", "--output", "json", *project_of(people)).out)
    assert document["ls_version"] == 1
    first, both = document["syncs"]
    assert first["attributes"] == [{"attribute": "email", "column": "address"}]
    assert both["audiences"][0] == {"tag": "VIP", "tag_from": None, "attribute": None, "mode": "mirror", "when": "vip"}
    assert both["unique_id"] == "model.bench.people"
    assert people.requests() == 0


def test_a_project_is_listed_and_checked_without_its_warehouse(tmp_path: Path, dbt_drift: CommandLine) -> None:
    project = tmp_path / "project"
    write_project(project, AWAY)
    (project / "models" / "stg.sql").write_text("select 'ada@example.com' as email")
    (project / "models" / "people.sql").write_text("select email from {{ ref('stg') }}")
    declared = {"name": "people", "config": {"meta": {"drift": {"fields": {"email": "email"}}}}}
    properties = project / "models" / "people.yml"
    properties.write_text(yaml.safe_dump({"models": [declared]}))

    assert "There is no" in dbt_drift("ls", cwd=project).err  # nobody has parsed it
    checked = dbt_drift("check", "--offline", "--parse", cwd=project)
    assert checked.code == 0, checked.err
    (listed,) = json.loads(dbt_drift("ls", "--output", "json", cwd=project).out)["syncs"]
    assert (listed["name"], listed["path"], listed["upstream"]) == ("people", "models/people.yml", ["model.bench.stg"])

    declared["config"]["meta"]["drift"]["feilds"] = {}  # type: ignore[index]
    properties.write_text(yaml.safe_dump({"models": [declared]}))
    wrong = dbt_drift("check", "--offline", "--parse", cwd=project)
    assert wrong.code == 2
    assert "feilds" in wrong.err
