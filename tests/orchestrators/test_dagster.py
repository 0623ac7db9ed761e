"""The definitions of docs/how-to/dagster.md, run by Dagster itself on a project that dagster-dbt builds."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

dg = pytest.importorskip("dagster", reason="Dagster has an environment of its own: make test-orchestrators")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "dagster.md"
(DEFINITIONS,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
COUNT = 200
PEOPLE = f"""
select 'p' || i || '@example.com' as email, 'Name ' || i as name from generate_series(1, {COUNT}) as g(i)
union all
select 'bad', 'Bad'
"""
LEADS = "select 'lead@example.com' as email, '555-0100' as phone"
LOCK = """
insert into main_drift.drift_lock
  (turn, invocation_id, command, host, pid, process, taken_at, seen_at, expires_at)
select 1000, 'other', 'sync', 'elsewhere', 7, '', now_utc, now_utc, now_utc + interval '1 hour'
from (select cast(current_timestamp at time zone 'UTC' as timestamp) as now_utc)
"""
"""Another run, on another machine, has the lock."""
FIELDS = {"people": {"email": "email", "name": "name"}, "leads": {"email": "email", "phone": "phone"}}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as running:
        yield running


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's definitions beside a project that dbt has built."""
    home = tmp_path_factory.mktemp("dagster")
    output = {"type": "duckdb", "path": "analytics.duckdb", "threads": 1}
    models = [{"name": name, "config": {"meta": {"drift": {"fields": fields}}}} for name, fields in FIELDS.items()]
    flags = {"send_anonymous_usage_stats": False}
    documents = {
        "dbt_project.yml": {"name": "analytics", "profile": "analytics", "flags": flags},
        "profiles.yml": {"analytics": {"target": "dev", "outputs": {"dev": output}}},
        "models/models.yml": {"models": models},
    }
    project = home / "analytics"
    (project / "models").mkdir(parents=True)
    for name, document in documents.items():
        (project / name).write_text(yaml.safe_dump(document))
    (project / "models" / "people.sql").write_text(PEOPLE)
    (project / "models" / "leads.sql").write_text(LEADS)
    (home / "definitions.py").write_text(DEFINITIONS)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    subprocess.run([Path(sys.executable).parent / "dbt", "--quiet", "build"], cwd=project, check=True)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, and the environment of Dagster's steps."""
    home = tmp_path / "home"
    shutil.copytree(built, home)
    monkeypatch.setenv("DRIFT_API_URL", sandbox.url)
    monkeypatch.setenv("DRIFT_ACCESS_TOKEN", "sandbox")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return home


def load(home: Path) -> Any:
    """Import the page's definitions."""
    spec = importlib.util.spec_from_file_location("definitions", home / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def materialize(module: Any, *assets: Any, selection: Any = None) -> Any:
    chosen = assets or (module.models, module.syncs)
    return dg.materialize(chosen, resources=module.defs.resources, selection=selection, raise_on_error=False)


def drift(name: str) -> Any:
    return dg.AssetKey(["drift", name])


def failure_of(result: Any) -> Any:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return failed.step_failure_data.user_failure_data


def steps(result: Any, kind: str) -> int:
    return sum(event.event_type_value == kind for event in result.all_events)


def test_the_users_own_lines_are_few() -> None:
    own = [line for line in DEFINITIONS.splitlines() if "drift" in line or "syncs" in line]
    assert 0 < len(own) <= 10


def test_the_page_quotes_the_integrations_own_numbers() -> None:
    from dbt_drift.integrations.dagster import RETRIES, WAIT_SECONDS  # noqa: PLC0415 - imports Dagster

    page = " ".join(PAGE.read_text("utf-8").split())
    first, second, third = (RETRIES.calculate_delay(attempt) for attempt in (1, 2, 3))
    assert f"three times, after {first}, {second} and {third} seconds" in page
    assert RETRIES.max_retries == 3
    assert f"up to {WAIT_SECONDS:.0f} seconds" in page


def test_a_build_is_synced(home: Path, sandbox: Sandbox) -> None:
    module = load(home)
    graph = module.defs.resolve_asset_graph()
    for name in ("people", "leads"):
        assert graph.get(drift(name)).parent_keys == {dg.AssetKey([name])}

    result = materialize(module)
    assert result.success
    assert len(sandbox.contacts()) == COUNT + 1
    made = {one.asset_key: one.metadata for one in result.asset_materializations_for_node("drift_syncs")}
    assert set(made) == {drift("people"), drift("leads")}
    counts = {name: value.value for name, value in made[drift("people")].items()}
    assert counts["dagster/row_count"] == counts["rows_read"] == COUNT + 1
    assert (counts["rows_sent"], counts["rows_invalid"], counts["contacts_created"]) == (COUNT, 1, COUNT)
    assert counts["requests"] >= COUNT
    assert "example.com" not in str(made)

    checks = {one.asset_key: one for one in result.get_asset_check_evaluations()}
    assert checks[drift("leads")].passed
    failed = checks[drift("people")]
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert failed.metadata["reasons"].value == {"malformed_email": 1}
    assert failed.metadata["rejected_relation"].value.endswith("people__rejected")

    posts = len(sandbox.requests(method="POST"))
    one = materialize(module, selection=[drift("leads")])
    assert one.success
    assert [made.asset_key for made in one.asset_materializations_for_node("drift_syncs")] == [drift("leads")]
    assert len(sandbox.requests(method="POST")) == posts


def test_only_what_may_pass_is_tried_again(home: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(home)
    quick = module.drift_assets(
        [module.models], project=module.project, wait=0, retry_policy=dg.RetryPolicy(max_retries=1, delay=0.1)
    )
    assert materialize(module, module.models, quick, selection=[drift("leads")]).success
    with closing(duckdb.connect(str(home / "analytics" / "analytics.duckdb"))) as connection:
        connection.execute(f"delete from main_drift.drift_lock; {LOCK}")
    locked = materialize(module, module.models, quick, selection=[drift("leads")])
    assert not locked.success
    assert steps(locked, "STEP_RESTARTED") == 1
    assert failure_of(locked).metadata["kind"].value == "locked"

    posts = len(sandbox.requests(method="POST"))
    monkeypatch.setenv("DRIFT_ACCESS_TOKEN", "")
    forbidden = materialize(module, module.models, quick, selection=[drift("leads")])
    assert not forbidden.success
    assert steps(forbidden, "STEP_RESTARTED") == 0
    assert failure_of(forbidden).metadata["kind"].value == "configuration"
    assert "DRIFT_ACCESS_TOKEN" in failure_of(forbidden).description
    assert len(sandbox.requests(method="POST")) == posts


def test_a_blocked_sync_fails_and_the_others_are_materialized(home: Path, sandbox: Sandbox) -> None:
    module = load(home)
    assert materialize(module, selection=[drift("people")]).success
    with closing(duckdb.connect(str(home / "analytics" / "analytics.duckdb"))) as connection:
        # As a build does that has gone wrong.
        connection.execute("create or replace view main.people as select '' as email, '' as name where false")
    result = materialize(module, selection=[drift("people"), drift("leads")])
    assert not result.success
    assert steps(result, "STEP_RESTARTED") == 0
    assert "people: blocked" in failure_of(result).description
    made = [event.asset_key for event in result.get_asset_materialization_events()]
    assert made == [drift("leads")]
    assert len(sandbox.contacts()) == COUNT + 1


def test_a_check_alone_sends_nothing(home: Path, sandbox: Sandbox) -> None:
    module = load(home)
    result = materialize(module, selection=dg.AssetSelection.checks_for_assets(module.syncs))
    assert not result.success
    assert "materialize its asset" in failure_of(result).description
    assert sandbox.requests() == []


def test_a_step_that_is_terminated_ends_its_sync_in_order(home: Path, sandbox: Sandbox) -> None:
    sandbox.change(latency_ms=500)
    command = ["dagster", "asset", "materialize", "--select", "key:drift/people", "-f", "definitions.py"]
    with (home / "said.txt").open("w") as said:
        running = subprocess.Popen(command, cwd=home, stdout=said, stderr=said, start_new_session=True)
    while len(sandbox.requests(method="POST")) < 10:
        assert running.poll() is None, (home / "said.txt").read_text()
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGTERM)
    running.wait(100)
    assert (home / "analytics" / "target" / "drift_results.json").exists(), (home / "said.txt").read_text()
    (result,) = json.loads((home / "analytics" / "target" / "drift_results.json").read_text())["results"]
    assert (result["cause"], result["message"].partition(".")[0]) == ("interrupted", "Interrupted")
    assert result["rows"]["unfinished"] > 0
    sent = len(sandbox.requests())

    sandbox.change(latency_ms=0)
    assert len(sandbox.requests()) == sent  # nobody goes on
    rest = materialize(load(home), selection=[drift("people")])
    assert rest.success
    assert len(sandbox.contacts()) == COUNT
    (made,) = rest.asset_materializations_for_node("drift_syncs")
    assert made.metadata["rows_unchanged"].value > 0
