"""A catalogue gets what a sync read, wrote and counted; whatever it does with that, the sync does not notice."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.telemetry.sender import _MOST_WAITING, SECONDS, Sender
from dbt_drift.telemetry.session import LONGEST_ANSWER, BoundedSession
from tests.support import public
from tests.support.command_line import project_of, run_program
from tests.support.harness import Bench, Recorder
from tests.support.ledgers import people
from tests.support.wire_server import DrippingServer, WireServer, http

pytest.importorskip("openlineage.client", reason="the extra `openlineage` is not installed")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from dbt_drift.delivery.results import Results

RUN = str(uuid.uuid4())
PARENT = str(uuid.uuid4())


class Catalogue:
    """A local server that plays a catalogue, and keeps the events that it gets."""

    def __init__(self, server: HTTPServer) -> None:
        self.events: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.url = server.url_for("").rstrip("/")
        self.answer = Response("", 201)
        server.expect_request("/api/v1/lineage", method="POST").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        self.keys.add(request.headers.get("Authorization"))
        self.events.append(json.loads(request.data))
        return self.answer


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")  # where the client looks for settings of its own


@pytest.fixture
def catalogue(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    found = Catalogue(httpserver)
    monkeypatch.setenv("OPENLINEAGE_URL", found.url)
    return found


@pytest.fixture
def hung() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def sync(bench: Bench, reporter: Recorder | None = None, **given: Any) -> Results:
    """Sync with the id of a run that the events name."""
    return public.sync(bench, reporter, invocation_id=RUN, **given)


def test_a_sync_is_a_start_and_an_end_with_its_datasets_and_counts(
    bench: Bench, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "nightly")
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/dag.task/{PARENT}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "planted-key")
    people(bench, 3)
    bench.execute("update $.people set email = 'ada lovelace' where name = 'Name 1'")

    (result,) = sync(bench).results

    assert not any(name.startswith("OPENLINEAGE__") for name in os.environ)  # which the client would leave there
    states = [(event["eventType"], event["job"]["name"]) for event in catalogue.events]
    run, one = "dbt-drift-sync.dev.bench", "dbt-drift-sync.dev.bench.bench.people"
    assert states == [("START", run), ("START", one), ("COMPLETE", one), ("COMPLETE", run)]
    assert {event["job"]["namespace"] for event in catalogue.events} == {"nightly"}
    assert catalogue.keys == {"Bearer planted-key"}
    first, begun, ended, last = catalogue.events
    assert first["run"]["runId"] == last["run"]["runId"] == RUN
    parent = last["run"]["facets"]["parent"]
    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("airflow", "dag.task")
    assert parent["run"]["runId"] == PARENT
    assert begun["run"]["runId"] == ended["run"]["runId"]
    assert ended["run"]["facets"]["parent"]["run"]["runId"] == RUN

    for event in (begun, ended):
        (model,), (contacts,) = event["inputs"], event["outputs"]
        assert model["namespace"] == _namespace(bench)
        assert model["name"] == f"{_database(bench)}.{bench.schema}.people"
        assert contacts["namespace"] == bench.sandbox.url.replace("http://", "drift://")
        assert contacts["name"] == "contacts"
        lineage = contacts["facets"]["columnLineage"]["fields"]
        assert {key: [one["field"] for one in value["inputFields"]] for key, value in lineage.items()} == {
            "email": ["email"],
            "name": ["name"],
            "tags": ["vip"],
        }
        assert {one["name"] for one in contacts["facets"]["schema"]["fields"]} == {"email", "name", "tags"}
    assert ended["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 3
    assert ended["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    for event in (ended, last):
        counts = event["run"]["facets"]["dbtDrift_results"]
        assert counts["status"] == result.status == "warn"
        assert {**counts["rows"], **counts["contacts"]}.items() >= {"read": 3, "sent": 2, "created": 2}.items()
        assert (counts["requests"], counts["reasons"]) == (result.requests, {"malformed_email": 1})


def test_a_failure_is_told_with_a_code_and_nothing_of_a_row(bench: Bench, catalogue: Catalogue) -> None:
    people(bench, 3)
    words = '{"error": {"type": "p2@example.com", "message": "Name 2 is bad"}}'
    bench.sandbox.change(faults=[Fault(status=403, body=words, method="POST", path="/contacts")])
    assert sync(bench).results[0].status == "error"
    assert [event["eventType"] for event in catalogue.events] == ["START", "START", "FAIL", "FAIL"]
    for event in catalogue.events[2:]:
        assert event["run"]["facets"]["errorMessage"]["message"] == "drift_unavailable"
    everything = json.dumps(catalogue.events)
    for personal in ("p1@", "p2@", "p3@", "Name 1", "is bad"):
        assert personal not in everything


def test_a_guard_is_an_abort(people: Bench, catalogue: Catalogue) -> None:
    sync(people)
    people.execute("delete from $.people")
    catalogue.events.clear()
    assert sync(people).results[0].cause == "empty"
    assert [event["eventType"] for event in catalogue.events] == ["START", "START", "ABORT", "ABORT"]


def test_a_run_that_breaks_off_ends_its_sync_too(
    people: Bench, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dbt_drift.delivery.one_sync.OneSync._sync_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sync(people)
    assert [event["eventType"] for event in catalogue.events] == ["START", "START", "FAIL", "FAIL"]
    assert catalogue.events[-1]["run"]["facets"]["dbtDrift_results"]["cause"] == "interrupted"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_catalogue_that_refuses_is_a_notice(people: Bench, catalogue: Catalogue, status: int) -> None:
    catalogue.answer = Response("p1@example.com", status, headers={"Location": f"{catalogue.url}/elsewhere"})
    recorder = Recorder()
    assert sync(people, recorder).results[0].status == "warn"
    (notice,) = [one for one in recorder.notices if "OpenLineage" in one]
    assert notice.startswith("Not all OpenLineage events have arrived")
    assert catalogue.url not in notice


def test_a_catalogue_that_hangs_ends_with_the_process(people: Bench, hung: str) -> None:
    done = run_program("sync", *project_of(people), environment={**people.environment, "OPENLINEAGE_URL": hung})
    assert (done.code, done.err) == (1, "")
    (said,) = [line for line in done.out.splitlines() if "OpenLineage" in line]
    assert "(no answer within 5 seconds)" in said


def test_what_hangs_costs_five_seconds_and_what_comes_after_it_no_memory(hung: str) -> None:
    sender = Sender("a test")
    with BoundedSession() as session:
        for _ in range(5000):
            sender.put(lambda: session.post(hung, data="{}", timeout=60))
        before = time.monotonic()
        assert sender.close() == "no answer within 5 seconds"
        assert SECONDS <= time.monotonic() - before < SECONDS + 2
        assert sender._waiting.qsize() <= _MOST_WAITING


def test_a_catalogue_that_is_down_says_so_and_prints_nothing_else(people: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://user:secret@127.0.0.1:{closed.getsockname()[1]}"
    done = run_program("sync", *project_of(people), environment={**people.environment, "OPENLINEAGE_URL": url})
    assert (done.code, done.err) == (1, "")
    assert "Not all OpenLineage events have arrived" in done.out
    assert "secret" not in done.out


def test_an_answer_without_end_is_read_at_its_beginning_only() -> None:
    with WireServer([http(200, b"x" * 10 * LONGEST_ANSWER)]) as server, BoundedSession() as session:
        assert len(session.post(server.url, data="{}", timeout=5).content) == LONGEST_ANSWER


def test_a_catalogue_that_drips_does_not_hold_the_sync(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with DrippingServer((b"H" for _ in range(1000)), every=0.2) as server:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        recorder = Recorder()
        assert sync(people, recorder).results[0].status == "warn"
        assert any("no answer within 5 seconds" in one for one in recorder.notices)


def test_without_the_extra_there_is_one_notice(
    people: Bench, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "dbt_drift.telemetry.beside.find_spec",
        lambda name: None if name.startswith("openlineage") else find_spec(name),
    )
    recorder = Recorder()
    assert sync(people, recorder).results[0].status == "warn"
    assert len([one for one in recorder.notices if "pip install 'dbt-drift[openlineage]'" in one]) == 1
    assert catalogue.events == []


def test_settings_that_the_client_refuses_are_a_notice(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "planted-secret")
    recorder = Recorder()
    assert sync(people, recorder).results[0].status == "warn"
    assert "No OpenLineage events are sent: the client refuses its settings (ValueError)." in recorder.notices


def test_disabled_is_silent(people: Bench, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    recorder = Recorder()
    sync(people, recorder)
    assert catalogue.events == []
    assert not any("OpenLineage" in one for one in recorder.notices)


def test_a_run_without_a_catalogue_imports_no_client() -> None:
    script = (
        "import sys, os; os.environ.pop('OPENLINEAGE_URL', None)\n"
        "from dbt_drift import api\n"
        "from dbt_drift.telemetry.lineage import reporting_lineage\n"
        "with reporting_lineage(None, None, invocation_id=''): pass\n"
        "print('openlineage.client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def _namespace(bench: Bench) -> str:
    output = bench.warehouse.output
    if output["type"] == "duckdb":
        return f"duckdb://{output['path']}"
    return f"postgres://{output['host']}:{output['port']}"


def _database(bench: Bench) -> str:
    output = bench.warehouse.output
    return Path(output["path"]).stem if output["type"] == "duckdb" else str(output["dbname"])
