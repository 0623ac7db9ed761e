"""dbt-drift in a process of somebody else's: a scheduler's thread, a notebook, a script that runs dbt too."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dbt.adapters.factory import FACTORY
from dbt.cli.main import dbtRunner

from dbt_drift.cli.main import group
from tests.support.harness import TOKEN, DuckDb, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox

HANDLED = (signal.SIGINT, signal.SIGTERM)
MODEL = "select 'p' || i || '@example.com' as email, cast(i as integer) as score from range(40) as numbers(i)"


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "project"
    write_project(folder, DuckDb(tmp_path / "bench.duckdb").output)
    meta = {"drift": {"fields": {"email": "email", "score": "score"}}}
    properties = {"models": [{"name": "people", "config": {"materialized": "table", "meta": meta}}]}
    (folder / "models" / "people.yml").write_text(yaml.safe_dump(properties))
    (folder / "models" / "people.sql").write_text(MODEL)
    monkeypatch.setenv("DRIFT_API_URL", sandbox.url)
    monkeypatch.setenv("DRIFT_ACCESS_TOKEN", TOKEN)
    monkeypatch.chdir(folder)
    yield folder
    FACTORY.reset_adapters()  # type: ignore[no-untyped-call]


def dbt(project: Path, *arguments: str) -> Any:
    heard: list[Any] = []
    os.chdir(project)
    outcome = dbtRunner(callbacks=[heard.append]).invoke([*arguments])
    assert outcome.success, outcome.exception
    assert heard
    return outcome.result


def dbt_drift(project: Path, *arguments: str) -> Any:
    flags = ["--project-dir", str(project), "--profiles-dir", str(project)]
    return group.main([*arguments, *flags], standalone_mode=False)


def test_dbt_before_and_after(project: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    dbt(project, "build")
    os.chdir(tmp_path)
    handlers = [signal.getsignal(number) for number in HANDLED]
    adapters = dict(FACTORY.adapters)
    assert dbt_drift(project, "sync") == 0
    assert len(sandbox.contacts()) == 40
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109 - what is tested
    assert [signal.getsignal(number) for number in HANDLED] == handlers
    assert adapters == FACTORY.adapters
    dbt(project, "build")
    assert dbt_drift(project, "sync") == 0


def test_in_a_thread_while_dbt_is_at_work(project: Path, sandbox: Sandbox) -> None:
    dbt(project, "build")
    sandbox.change(latency_ms=100)
    ended: list[Any] = []

    def sync() -> None:
        try:
            ended.append(dbt_drift(project, "sync", "--threads", "1"))
        except BaseException as error:  # noqa: BLE001 - a thread's own are lost
            ended.append(error)

    thread = threading.Thread(target=sync)
    thread.start()
    while not sandbox.requests():
        assert thread.is_alive(), ended
    builds = 0
    while thread.is_alive():
        dbt(project, "build")
        builds += 1
    thread.join()
    assert (ended, builds > 0) == ([0], True)
    assert len(sandbox.contacts()) == 40
    assert len({contact.attributes["email"] for contact in sandbox.contacts()}) == 40
