"""A ledger describes one Drift organisation, and only the targets that may write to Drift itself do so."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from dbt_drift.binding.prepare import prepare
from dbt_drift.delivery.results import ContactCounts
from dbt_drift.delivery.run import run_syncs
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.drift.engine import client
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.errors import ConfigurationError, DbtDriftError
from dbt_drift.sandbox.server import Sandbox
from tests.support.command_line import project_of, start_process
from tests.support.gateway import Gateway
from tests.support.harness import Bench, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dbt_drift.delivery.results import Results
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

ACME, GLOBEX = "acme-token", "globex-token"
SETUP = {
    "tokens": [{"token": ACME, "organisation": 11}, {"token": GLOBEX, "organisation": 22}],
    "organisations": [{"id": 11}, {"id": 22}],
}
ADA = "select 'ada@example.com' as email, 'Ada' as name"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with two organisations."""
    config = tmp_path / "sandbox.yml"
    config.write_text(yaml.safe_dump(SETUP))
    with Sandbox(config=config) as sandbox:
        yield sandbox


@pytest.fixture
def acme(parsed: ParsedProject, tmp_path: Path, two: Sandbox) -> Bench:
    """A project that has synced one contact to one of the organisations."""
    return synced(Bench(parsed, tmp_path, two), ACME)


def synced(bench: Bench, token: str) -> Bench:
    bench.environment["DRIFT_ACCESS_TOKEN"] = token
    bench.table("people", ADA)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    assert bench.sync().contacts.created == 1
    bench.forget_project()
    bench.execute("update $.people set name = 'Ada L.'")
    return bench


def refusal(bench: Bench) -> str:
    """Sync, and return why nothing was sent."""
    try:
        (result,) = bench.run().results
    except DbtDriftError as error:
        return str(error)
    finally:
        bench.forget_project()
    assert (result.status, result.contacts) == ("error", ContactCounts())
    return result.message


def written(sandbox: Sandbox) -> list[str]:
    """Return the writes that came, whatever the organisation."""
    return [
        f"{one.method} {one.path}"
        for one in sandbox.requests()
        if one.method != "GET" and one.path != "/app/token_info"
    ]


def test_a_token_of_another_organisation_writes_nothing(acme: Bench, two: Sandbox) -> None:
    before = written(two)
    acme.environment["DRIFT_ACCESS_TOKEN"] = GLOBEX

    said = refusal(acme)

    assert written(two) == before
    assert two.contacts(organisation=22) == []
    assert "The token opens the Drift organisation 22" in said
    assert (
        f"the ledger in the schema {acme.ledger} describes the organisation 11 (pinned by a run on the target" in said
    )
    assert "`dbt-drift sync --repin 22`" in said
    assert acme.warehouse.rows(f"select status from {acme.ledger}.drift_runs order by started_at")[-1] == ("error",)
    # The right token goes on where it was.
    acme.environment["DRIFT_ACCESS_TOKEN"] = ACME
    assert acme.sync().contacts.updated == 1


def test_a_plan_and_a_check_with_a_token_of_another_organisation_are_refused(
    acme: Bench, dbt_drift: CommandLine
) -> None:
    acme.environment["DRIFT_ACCESS_TOKEN"] = GLOBEX
    for command in (["plan"], ["check"]):
        done = dbt_drift(*command, *project_of(acme), environment=acme.environment)
        assert done.code == 2
        assert "The token opens the Drift organisation 22" in done.err


def test_a_new_id_of_the_organisation_is_pinned_by_its_name_alone(acme: Bench, two: Sandbox) -> None:
    before = written(two)
    acme.environment["DRIFT_ACCESS_TOKEN"] = GLOBEX
    with pytest.raises(ConfigurationError, match="--repin names the Drift organisation 33, and the token opens 22"):
        acme.sync(repin="33")
    assert written(two) == before

    reporter = Recorder()
    acme.run(reporter, repin="22", full_refresh=True)
    (notice,) = reporter.notices
    assert notice == (
        "The ledger describes the Drift organisation 22 from now on. What it calls accepted was accepted by 11: "
        "`dbt-drift sync --full-refresh` sends everything again."
    )
    acme.forget_project()
    assert acme.sync().status == "success"


def test_a_ledger_without_a_pin_is_pinned_by_the_next_run(acme: Bench) -> None:
    acme.warehouse.execute(f"drop table {acme.ledger}.drift_organisation")
    acme.forget_project()
    acme.sync()
    assert acme.warehouse.rows(f"select organisation, target from {acme.ledger}.drift_organisation") == [("11", "dev")]


@pytest.mark.parametrize("fields", [{"email": "email", "name": "name"}, {"email": "email", "nickname": "name"}])
def test_a_drift_that_tells_no_organisation_is_said_once(bench: Bench, fields: Mapping[str, str]) -> None:
    bench.sandbox.change(faults=[{"path": "/app/token_info", "status": 403}])
    bench.table("people", ADA)
    bench.declare("people", {"fields": fields})
    said = []
    for name in ("Ada", "Ada L.", "Ada King"):
        bench.execute(f"update $.people set name = '{name}'")
        reporter = Recorder()
        bench.run(reporter)
        bench.forget_project()
        said.append([notice for notice in reporter.notices if "does not say which organisation" in notice])
    assert [len(notices) for notices in said] == [1, 0, 0]
    assert "so later runs cannot notice a token of another one. Drift refuses POST /app/token_info (403" in said[0][0]

    # A token that may ask pins it, and then nobody is told less without a word.
    bench.sandbox.change(faults=[])
    bench.sync(full_refresh=True)
    bench.forget_project()
    bench.sandbox.change(faults=[{"path": "/app/token_info", "status": 403}])
    for _ in range(2):
        reporter = Recorder()
        bench.run(reporter, full_refresh=True)
        bench.forget_project()
        assert any(
            f"nobody knows whether it is {bench.sandbox.organisation}, which the ledger describes" in notice
            for notice in reporter.notices
        )


def test_a_drift_that_does_not_answer_about_the_token_gets_no_contact(
    acme: Bench, two: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RetryPolicy", lambda: RetryPolicy(tries=2))
    before = written(two)
    two.change(faults=[{"path": "/app/token_info", "status": 500}])
    assert "Drift does not answer /app/token_info" in refusal(acme)
    assert written(two) == before


def test_a_run_killed_between_pinning_and_sending_leaves_a_ledger_that_the_next_run_understands(
    bench: Bench,
) -> None:
    bench.table("people", ADA)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    bench.sandbox.change(faults=[{"path": "/contacts*", "effect": "delay", "delay_ms": 60000}])
    run = start_process("sync", *project_of(bench), environment=bench.environment)
    while not any(one.path.startswith("/contacts") for one in bench.sandbox.requests()) and run.poll() is None:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert bench.warehouse.rows(f"select organisation from {bench.ledger}.drift_organisation") == [
        (str(bench.sandbox.organisation),)
    ]
    bench.sandbox.change(faults=[])
    assert bench.sync().contacts.created == 1
    assert len(bench.sandbox.contacts()) == 1


def test_targets_keep_the_others_from_drift_itself(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table("people", ADA)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    with Gateway(sandbox.url) as gateway:
        bench.environment["DRIFT_API_URL"] = gateway.url
        with pytest.raises(ConfigurationError) as refused:
            run(bench, targets=["prod"])
        assert str(refused.value) == (
            f"The target dev may not write to Drift ({gateway.url}): `vars: {{dbt_drift: {{targets}}}}` names prod.\n"
            "  Look with `dbt-drift plan`, set DRIFT_API_URL to a sandbox, or name a target with --target."
        )
        assert sandbox.requests() == []
        run(bench, targets=["prod", "dev"])
        assert len(sandbox.contacts()) == 1


def test_targets_let_every_target_sync_to_a_sandbox(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table("people", ADA)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    run(bench, targets=["prod"])
    assert len(sandbox.contacts()) == 1


def test_a_second_ledger_for_the_same_organisation_is_refused(bench: Bench, two: Sandbox) -> None:
    bench.table("people", ADA)
    bench.declare("people", {"fields": {"email": "email", "name": "name"}})
    with Gateway(two.url) as gateway:
        bench.environment |= {"DRIFT_API_URL": gateway.url, "DRIFT_ACCESS_TOKEN": ACME}
        run(bench)
        before = written(two)
        laptop = bench.ledger + "_laptop"
        (result,) = run(bench, schema=laptop).results
        assert written(two) == before
        said = f"The ledger in the schema {bench.ledger} (target dev) already describes the Drift organisation 11."
        assert result.status == "error"
        assert result.message.startswith(said)
        assert "`vars: {dbt_drift: {targets: [...]}}`" in result.message
        # Another organisation, and a target that the settings name, are not kept away.
        run(bench, schema=laptop, targets=["dev"])


def run(bench: Bench, **settings: object) -> Results:
    """Sync with these settings, over the test's own."""
    return run_syncs(prepare(bench.options(**settings)), bench.environment, Recorder(), RunOptions())
