"""Exposures of a project of many shapes: what dbt makes of the file, and when it is not ours to write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support import warm
from tests.support.harness import write_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command_line import CommandLine

DRIFT = {"fields": {"email": "email", "plan tier": "plan"}, "audiences": [
    {"tag": "VIP {{ '{% x %}' }}", "mode": "mirror", "when": "is_vip"}, {"tag_from": "plan", "mode": "add"},
]}  # fmt: skip
GROUP = {"name": "sales", "owner": {"name": "Sales", "email": "sales@example.com"}}
PROPERTIES: dict[str, Any] = {
    "groups": [GROUP],
    "models": [
        {"name": "people", "config": {"group": "sales", "meta": {"drift": DRIFT}}},
        {"name": "leads", "latest_version": 2, "versions": [
            {"v": 1, "config": {"meta": {"drift": False}}}, {"v": 2},
        ], "config": {"meta": {"drift": {"fields": {"email": "email"}}, "owner": "Lee"}}},
    ],
    "seeds": [{"name": "raw", "config": {"meta": {"drift": {"fields": {"email": "email"}}}}}],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write_project(folder, {"type": "duckdb", "path": str(tmp_path / "bench.duckdb"), "schema": "analytics"})
    for name in ("people", "leads_v1", "leads_v2"):
        (folder / "models" / f"{name}.sql").write_text("select 'a@example.com' as email")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "raw.csv").write_text("email\na@example.com\n")
    # The seed's properties stand beside the models': dbt does not mind.
    (folder / "models" / "properties.yml").write_text(yaml.safe_dump(PROPERTIES, sort_keys=False))
    dbt(folder, "parse")
    return folder


def dbt(folder: Path, *arguments: str) -> str:
    done = warm.run("dbt", "--no-use-colors", *arguments, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dbt_takes_them_without_a_warning(project: Path, dbt_drift: CommandLine) -> None:
    outdated = dbt_drift("exposures", "--check", cwd=project)
    assert (outdated.code, "+- name: drift_people" in outdated.out) == (1, True)
    written = dbt_drift("exposures", "--owner-email", "data@example.com", cwd=project)
    assert (written.code, "3 exposures written" in written.out) == (0, True)
    file = project / "models" / "drift_exposures.yml"
    first = file.read_text()

    said = dbt(project, "--warn-error", "parse", "--no-partial-parse")

    assert "warn" not in said.lower().replace("--warn-error", "")
    exposures = json.loads((project / "target" / "manifest.json").read_text())["exposures"]
    found = {exposure["name"]: exposure for exposure in exposures.values()}
    assert {name: exposure["depends_on"]["nodes"] for name, exposure in found.items()} == {
        "drift_people": ["model.bench.people"], "drift_leads_v2": ["model.bench.leads.v2"],
        "drift_raw": ["seed.bench.raw"],
    }  # fmt: skip
    owners = {name: [exposure["owner"].get("name"), exposure["owner"].get("email")] for name, exposure in found.items()}
    assert owners == {
        "drift_people": ["Sales", "sales@example.com"], "drift_leads_v2": ["Lee", None],
        "drift_raw": [None, "data@example.com"],
    }  # fmt: skip
    people = found["drift_people"]
    assert "mirror the tag `VIP { % x %}`: rows where `is_vip`" in people["description"]
    audiences = people["config"]["meta"]["dbt_drift"]["audiences"]
    assert audiences[1] == {"tag_from": "plan", "mode": "add"}

    options = ["--owner-email", "data@example.com"]
    assert dbt_drift("exposures", "--check", *options, cwd=project).code == 0
    dbt_drift("exposures", *options, cwd=project)
    assert file.read_text() == first


def test_what_is_somebody_elses_is_left_alone(project: Path, dbt_drift: CommandLine) -> None:
    properties = project / "models" / "properties.yml"
    before = properties.read_text()
    for option in ([], ["--check"]):
        refused = dbt_drift("exposures", "--file", "models/properties.yml", *option, cwd=project)
        assert (refused.code, "left as it is" in refused.err) == (2, True)
    assert properties.read_text() == before

    own = {"name": "drift_people", "type": "application", "owner": {"name": "Me"}, "depends_on": ["ref('people')"]}
    (project / "models" / "own.yml").write_text(yaml.safe_dump({"exposures": [own]}))
    dbt(project, "parse")
    refused = dbt_drift("exposures", cwd=project)
    assert (refused.code, "models/own.yml" in refused.err) == (2, True)
    assert not (project / "models" / "drift_exposures.yml").exists()
