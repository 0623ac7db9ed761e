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


def test_what_a_change_takes_out_is_found_in_two_manifests(tmp_path: Path, dbt_drift: CommandLine) -> None:
    project = tmp_path / "project"
    write_project(project, AWAY)
    drift = {
        "fields": {"email": "email", "plan": "plan", "seats": "seats", "name": "name"},
        "audiences": [{"tag": "VIP", "mode": "add", "when": "vip"}, {"tag_from": "team", "mode": "add"}],
    }
    people = {
        "name": "people",
        "columns": [{"name": "email"}, {"name": "name"}, {"name": "vip"}],
        "config": {"meta": {"drift": drift}},
    }
    others = [
        {"name": name, "config": {"meta": {"drift": {"fields": {"email": "email", name: "x"}}}}}
        for name in ("leads", "users")
    ]
    for name in ("people", "leads", "users", "members"):
        (project / "models" / f"{name}.sql").write_text("select 1 as email")
    properties = project / "models" / "all.yml"

    def check(*arguments: str) -> list[str]:
        properties.write_text(yaml.safe_dump({"models": [people, *others]}))
        done = dbt_drift("check", "--offline", "--parse", *arguments, cwd=project)
        assert done.code == 0, done.err
        return [line for line in done.out.splitlines() if not line.startswith("ok") and "cannot be reached" not in line]

    check("--target-path", "prod")
    assert not [line for line in check("--state", "prod") if "no longer" in line or "any more" in line]
    drift["fields"] = {"email": "email", "seats": "licences", "name": "name"}
    drift["audiences"] = [{"tag": "VIP", "mode": "add", "when": "vip"}]
    people["columns"] = [{"name": "email"}, {"name": "names"}, {"name": "vip"}]
    others[1] = {**others[1], "name": "members"}
    del others[0]
    assert "\n".join(check("--state", "prod")).startswith(
        "warn  leads declares no sync any more. Drift keeps the values and the tags of its contacts.\n"
        "warn  people: the attribute plan is no longer mapped (column plan). Drift keeps its values.\n"
        "warn  people: the attribute seats is filled from the column licences instead of seats.\n"
        "warn  people: the tags that the column team names are no longer declared. Contacts keep what they have until "
        "`dbt-drift untag`.\n"
        "warn  people: the column name is gone from its properties, and name still needs it. Did you mean `names`?\n"
        "warn  users declares no sync any more, and members declares the same. If the model was renamed, run "
        "`dbt-drift rename users members` before the next sync."
    )
    missing = dbt_drift("check", "--offline", "--state", "none", cwd=project)
    assert (missing.code, "none/manifest.json" in missing.err) == (2, True)
