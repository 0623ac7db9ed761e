"""`dbt-drift artifacts`, over HTTP from a server that plays dbt Cloud's Administrative API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Response

from tests.support.harness import TOKEN, dbt, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine, Done

SECRET = "dbtc_secret"
RUNS = "/api/v2/accounts/12/runs/"
SIGNED = {"Authorization": f"Token {SECRET}"}
ARTIFACTS = {name: {"metadata": {"invocation_id": "one"}, "of": name} for name in ("manifest.json", "run_results.json")}


class Cloud:
    """Plays dbt Cloud, and runs the command against it."""

    def __init__(self, server: HTTPServer, dbt_drift: CommandLine, project: Path) -> None:
        self.server = server
        self.project = project
        self.environment = {
            "DBT_CLOUD_API_TOKEN": SECRET,
            "DBT_CLOUD_ACCOUNT_ID": "12",
            "DBT_CLOUD_HOST": server.url_for("/").rstrip("/"),
        }
        self._dbt_drift = dbt_drift

    def has_run(self, status: int) -> None:
        answer = {"status": {"code": 200}, "data": {"id": 7, "status": status, "job_definition_id": 3}}
        self.server.expect_request(f"{RUNS}7/", headers=SIGNED).respond_with_json(answer)

    def has_artifact(self, name: str, content: object, **query: str) -> None:
        self.server.expect_request(f"{RUNS}7/artifacts/{name}", headers=SIGNED, query_string=query).respond_with_json(
            content
        )

    def artifacts(self, *arguments: str, **environment: str) -> Done:
        done = self._dbt_drift("artifacts", *arguments, cwd=self.project, environment=self.environment | environment)
        assert SECRET not in done.out + done.err
        return done

    @property
    def written(self) -> list[str]:
        return sorted(path.name for path in (self.project / "target").glob("*"))


@pytest.fixture
def cloud(httpserver: HTTPServer, dbt_drift: CommandLine, tmp_path: Path) -> Cloud:
    project = tmp_path / "project"
    write_project(project, {"type": "duckdb", "path": "bench.duckdb"})
    return Cloud(httpserver, dbt_drift, project)


def test_the_artifacts_of_a_run(cloud: Cloud) -> None:
    cloud.has_run(10)
    for name, content in ARTIFACTS.items():
        cloud.has_artifact(name, content)
        cloud.has_artifact(name, {**content, "step": 2}, step="2")
    done = cloud.artifacts("--run", "7")
    assert (done.code, "of the run 7 are in" in done.out) == (0, True), done.err
    assert cloud.written == sorted(ARTIFACTS)
    for name, content in ARTIFACTS.items():
        assert json.loads((cloud.project / "target" / name).read_text()) == content
    assert cloud.artifacts("--run", "7", "--step", "2", "--target-path", "elsewhere").code == 0
    assert json.loads((cloud.project / "elsewhere" / "manifest.json").read_text())["step"] == 2


def test_the_last_run_of_a_job(cloud: Cloud) -> None:
    for name, content in ARTIFACTS.items():
        cloud.has_artifact(name, content)
    for job, runs in (("3", [{"id": 7, "status": 10}]), ("4", [])):
        query = {"job_definition_id": job, "order_by": "-id", "limit": "1"}
        cloud.server.expect_request(RUNS, query_string=query, headers=SIGNED).respond_with_json({"data": runs})
    assert cloud.artifacts("--job", "3").code == 0
    none = cloud.artifacts("--job", "4")
    assert (none.code, "no run of the job 4" in none.err) == (2, True)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(1, 4, "has not ended"), (3, 4, "has not ended"), (20, 2, "failed"), (30, 2, "was cancelled")],
)
def test_a_run_that_has_not_succeeded(cloud: Cloud, status: int, code: int, said: str) -> None:
    cloud.has_run(status)
    done = cloud.artifacts("--run", "7")
    assert (done.code, f"The run 7 of dbt Cloud {said}" in done.err, cloud.written) == (code, True, [])


def test_half_of_the_artifacts_is_none(cloud: Cloud) -> None:
    cloud.has_run(10)
    (cloud.project / "target").mkdir()
    (cloud.project / "target" / "manifest.json").write_text("{}")
    cloud.has_artifact("manifest.json", ARTIFACTS["manifest.json"])
    cloud.server.expect_request(f"{RUNS}7/artifacts/run_results.json").respond_with_data("", status=404)
    done = cloud.artifacts("--run", "7")
    assert (done.code, "has no run_results.json of the run 7 in the account 12" in done.err) == (2, True)
    assert (cloud.project / "target" / "manifest.json").read_text() == "{}"
    cloud.server.clear()
    cloud.has_run(10)
    cloud.server.expect_request(f"{RUNS}7/artifacts/manifest.json").respond_with_data("<html>")
    done = cloud.artifacts("--run", "7")
    assert (done.code, "answers something else than manifest.json" in done.err) == (2, True)


def test_a_cloud_that_is_busy_is_asked_again(cloud: Cloud) -> None:
    busy = [Response("", 503), Response("", 429, {"Retry-After": "0"})]
    answer = json.dumps({"data": {"id": 7, "status": 10}})
    cloud.server.expect_request(f"{RUNS}7/").respond_with_handler(
        lambda _: busy.pop() if busy else Response(answer, 200)
    )
    for name, content in ARTIFACTS.items():
        cloud.has_artifact(name, content)
    assert cloud.artifacts("--run", "7").code == 0


def test_refusals(cloud: Cloud) -> None:
    cloud.server.expect_request(f"{RUNS}7/").respond_with_data("", status=401)
    for arguments, environment, code, said in (
        (["--run", "7"], {}, 2, "refuses the token (401)"),
        ([], {}, 2, "Name a run with --run"),
        (["--run", "7"], {"DBT_CLOUD_API_TOKEN": ""}, 2, "DBT_CLOUD_API_TOKEN is not set"),
        (["--run", "7"], {"DBT_CLOUD_ACCOUNT_ID": ""}, 2, "account of dbt Cloud is not named"),
        (["--run", "7"], {"DBT_CLOUD_HOST": "http://example.com"}, 2, "is no host and no https URL"),
    ):
        done = cloud.artifacts(*arguments, **environment)
        assert (done.code, said in done.err) == (code, True), done.err


def test_a_sync_of_what_dbt_cloud_has_built(cloud: Cloud, dbt_drift: CommandLine, sandbox: Sandbox) -> None:
    models = cloud.project / "models"
    (models / "people.sql").write_text(
        "{{ config(meta={'drift': {'fields': {'email': 'email'}}}) }} select 'ada@example.com' as email"
    )
    dbt(cloud.project, "build", "--target-path", "cloud")
    cloud.has_run(10)
    for name in ARTIFACTS:
        cloud.has_artifact(name, json.loads((cloud.project / "cloud" / name).read_text()))
    assert cloud.artifacts("--run", "7").code == 0
    environment = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
    done = dbt_drift("sync", cwd=cloud.project, environment=environment)
    assert (done.code, len(sandbox.contacts())) == (0, 1), done.out + done.err
