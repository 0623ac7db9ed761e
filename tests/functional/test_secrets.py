"""Tokens and secrets are in what is sent to Drift, a sign-in in its store too, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.browser import CLIENT_SECRET, log_in, signing_in
from tests.support.command_line import project_of
from tests.support.harness import TOKEN

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

QUOTED = f'{{"error": {{"type": "unauthorized", "message": "The token {TOKEN} has expired"}}}}'
ESCAPED = QUOTED.replace("token-", "\\u0074oken-")


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, ""), (400, QUOTED), (401, QUOTED), (403, QUOTED), (400, ESCAPED)],
)
def test_the_token_is_nowhere_whatever_drift_says(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, status: int, body: str
) -> None:
    people.sandbox.change(faults=[] if status == 200 else [Fault(status=status, body=body, method="POST")])
    for command in (["plan"], ["check"], ["sync", "--log-format", "json"], ["sync", "--output", "json"]):
        done = dbt_drift(*command, *project_of(people), environment=people.environment)
        assert TOKEN not in done.out + done.err
    places = [tmp_path, people.project, people.project.parent]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert {"drift_results.json", "profiles.yml", "bench.duckdb"} <= {path.name for path in files}
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    if status == 400:
        kept = people.warehouse.rows(f"select message from {people.ledger}.people__rejected where status = 'rejected'")
        assert kept == [("The token *** has expired",)]


@pytest.mark.parametrize("refused", ["/contacts/{id}", "/oauth2/token"])
def test_nothing_of_a_sign_in_is_anywhere_but_in_its_store(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    environment = signing_in(people.sandbox, tmp_path)
    store = Path(environment["DRIFT_TOKEN_FILE"])
    commands = (["auth", "check"], *([name, *project_of(people)] for name in ("plan", "check", "sync")))
    printed = [log_in(dbt_drift, environment, monkeypatch)]
    printed += [dbt_drift(*command, environment=environment) for command in commands]
    planted = secrets_in(store)
    quoted = f'{{"error": {{"type": "unauthorized", "message": "Refused: {" ".join(sorted(planted))}"}}}}'
    people.sandbox.revoke_token(json.loads(store.read_bytes())[people.sandbox.url]["access_token"])
    people.sandbox.change(faults=[Fault(status=401, body=quoted, path=refused)])
    failing = ["sync", "--full-refresh", "--log-format", "json", *project_of(people)]
    printed.append(dbt_drift(*failing, environment=environment))
    assert printed[-1].code == 2
    planted |= secrets_in(store)
    assert len(planted) == (5 if refused == "/contacts/{id}" else 3)
    texts = [done.out + done.err for done in printed]
    places = [tmp_path, people.project, people.project.parent]
    files = [path for place in places for path in place.rglob("*") if path.is_file() and path != store]
    assert {"drift_results.json", "bench.duckdb"} <= {path.name for path in files}
    texts += [path.read_bytes().decode("latin-1") for path in files]
    assert not [secret for secret in planted for text in texts if secret in text]


def test_no_secret_is_in_the_title_of_a_process(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = signing_in(people.sandbox, tmp_path)
    log_in(dbt_drift, environment, monkeypatch)
    planted = secrets_in(Path(environment["DRIFT_TOKEN_FILE"])) | {CLIENT_SECRET, TOKEN}
    people.sandbox.change(latency_ms=300)
    titles = []
    for access in ({}, {"DRIFT_ACCESS_TOKEN": TOKEN}):
        command = [sys.executable, "-m", "dbt_drift", "sync", "--full-refresh", *project_of(people)]
        before = people.sandbox.summary().total_requests
        with subprocess.Popen(command, env=os.environ | environment | access, stdout=subprocess.DEVNULL) as process:
            while people.sandbox.summary().total_requests == before and process.poll() is None:
                time.sleep(0.01)
            titles.append(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode())
    assert all("sync" in title for title in titles)
    assert not [secret for secret in planted for title in titles if secret in title]


def secrets_in(store: Path) -> set[str]:
    return {
        kept[name]
        for kept in json.loads(store.read_bytes()).values()
        for name in ("access_token", "refresh_token", "client_secret")
    }
