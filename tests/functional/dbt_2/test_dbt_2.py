"""What dbt 2 has built is checked, planned and synced as if dbt-core had built it.

Tried on recorded artifacts, and on a build where the variable DBT_2 names a dbt of version 2: `make test-dbt-2`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from dbt_drift.binding.run_results import read_builds
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.syncs import declare
from tests.functional.dbt_2.record import RECORDED
from tests.support.harness import TOKEN, dbt

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine, Done

    Command = Callable[..., Done]

DBT_2 = os.environ.get("DBT_2")
PROJECT = Path(__file__).parents[3] / "integration_project"
UNLIMITED = ["--vars", "{dbt_drift: {rate_limit: {requests: 0}}}"]
LONG_AGO = 1_000_000_000
"""Before the recording, in seconds since 1970: the files have not changed since."""


@pytest.fixture(scope="module", params=["recorded", "built"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose artifacts are those of dbt 2; what dbt-core wrote of it lies in the folder `core`."""
    if request.param == "built" and not DBT_2:
        pytest.skip("DBT_2 does not name a dbt of version 2")
    folder = tmp_path_factory.mktemp("dbt_2") / "fernhill"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("target", "logs"))
    for file in folder.rglob("*.sql"):
        os.utime(file, (LONG_AGO, LONG_AGO))
    dbt(folder, "build" if request.param == "recorded" else "parse", "--target", "duckdb")
    shutil.copytree(folder / "target", folder / "core", ignore=shutil.ignore_patterns("*.duckdb"))
    if request.param == "recorded":
        shutil.copytree(RECORDED, folder / "target", dirs_exist_ok=True)
    else:
        dbt_2(folder, "build", "--target", "duckdb")
    return folder


def dbt_2(folder: Path, *arguments: str) -> str:
    command = [str(DBT_2), *arguments, "--profiles-dir", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "fernhill"))


@pytest.fixture
def command(project: Path, sandbox: Sandbox, dbt_drift: CommandLine) -> Command:
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    return lambda *arguments: dbt_drift(*arguments, cwd=project, environment=environment)


def results_of(done: Done) -> dict[str, Any]:
    return {result["name"]: result for result in json.loads(done.out)["results"]}


def test_the_declarations_are_those_that_dbt_core_finds(project: Path) -> None:
    manifest = read_manifest(project / "target" / "manifest.json")
    assert manifest.metadata.dbt_version.startswith("2.")

    found = declare(manifest)

    assert found == declare(read_manifest(project / "core" / "manifest.json")), "record anew: see README.md"
    assert [sync.name for sync in found] == ["dim_churned_contacts", "dim_contacts"]
    (build,) = read_builds(project / "target")
    assert build.run.command == "build"


def test_what_dbt_2_built_is_synced(sandbox: Sandbox, command: Command) -> None:
    assert command("check").code == 0
    assert "477 new" in command("plan", "--rows", "0").out

    first = results_of(command("sync", "--output", "json", "--allow-removals", *UNLIMITED))
    assert sum(result["contacts"]["created"] for result in first.values()) == len(sandbox.contacts()) == 477
    assert sum("Customers" in contact.tags for contact in sandbox.contacts()) == 235

    again = results_of(command("sync", "--output", "json"))
    assert {name: result["rows"]["sent"] for name, result in again.items()} == dict.fromkeys(first, 0)


def test_what_dbt_2_found_to_be_bad_is_given_up(project: Path, command: Command) -> None:
    file = project / "target" / "run_results.json"
    artifact = json.loads(file.read_text())
    for result in artifact["results"]:  # the words that dbt 2 has for them
        if result["unique_id"] == "model.fernhill.dim_contacts":
            result["status"] = "skipped"
        if "not_null_dim_churned_contacts_email" in result["unique_id"]:
            result["status"] = "fail"
    file.write_text(json.dumps(artifact))

    held = results_of(command("sync", "--output", "json"))

    assert {name: result["status"] for name, result in held.items()} == dict.fromkeys(held, "blocked")
    assert "it was skipped" in held["dim_contacts"]["message"]
    assert "not_null_dim_churned_contacts_email" in held["dim_churned_contacts"]["message"]


def test_selectors_take_the_manifest_of_dbt_2_but_not_its_results(project: Path, command: Command) -> None:
    graph = command("plan", "--rows", "0", "--select", "stg_billing__subscriptions+,fernhill.marts")
    assert (graph.code, "dim_contacts" in graph.out) == (0, True), graph.err

    unread = command("plan", "--select", "result:success", "--state", "target")
    assert unread.code == 2
    assert "it cannot read the run_results.json that --state names" in unread.err
    assert len(unread.err) < 500

    (project / "state").mkdir()
    shutil.copy(project / "target" / "manifest.json", project / "state")
    same = command("plan", "--rows", "0", "--select", "state:modified", "--state", "state")
    assert (same.code, "No selected model" in same.err) == (2, True)


@pytest.mark.skipif(not DBT_2, reason="DBT_2 does not name a dbt of version 2")
def test_the_post_hook_stages_in_dbt_2(tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine) -> None:
    folder = Path(shutil.copytree(PROJECT, tmp_path / "fernhill", ignore=shutil.ignore_patterns("target", "logs")))
    project = yaml.safe_load((folder / "dbt_project.yml").read_text())
    project["models"]["fernhill"]["marts"]["+post-hook"] = "{{ dbt_drift.stage_sync() }}"
    project |= {"on-run-end": ["{{ dbt_drift.print_waiting() }}"]}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(PROJECT.parent)}]}))
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}

    def sync() -> dict[str, Any]:
        arguments = ["--output", "json", "--allow-removals", *UNLIMITED]
        return dict(results_of(dbt_drift("sync", *arguments, cwd=folder, environment=environment))["dim_contacts"])

    dbt_2(folder, "deps")
    dbt_2(folder, "build", "--target", "duckdb")
    sync()
    said = dbt_2(folder, "build", "--target", "duckdb", "--vars", "demo_day: 2")

    assert "dbt-drift: dim_contacts: 3 new, 88 changed, 1 leaving" in said
    with closing(duckdb.connect(str(folder / "target" / "fernhill.duckdb"))) as connection:
        staged = connection.execute("select slug, left(stage_id, 4) from analytics_drift.drift_staged order by 1")
        assert staged.fetchall() == [("dim_churned_contacts", "dbt-"), ("dim_contacts", "dbt-")]
    assert sync()["contacts"]["created"] == 3
    assert sync()["rows"]["sent"] == 0
