"""What a run sends over OTLP, to a server that understands it and to servers that behave badly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from dbt_drift.sandbox.behaviour import Fault
from tests.support.command_line import project_of, run_program
from tests.support.harness import Bench, Recorder
from tests.support.ledgers import people
from tests.support.public import sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request


pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `telemetry` is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dbt_drift.telemetry.watch import SECONDS


class Collector:
    """A local server that speaks OTLP over HTTP, and keeps what it gets."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.spans: list[Any] = []
        self.counts: dict[str, int] = {}
        self.service = ""
        self.bodies: list[bytes] = []
        server.expect_request("/v1/traces").respond_with_handler(self._traces)
        server.expect_request("/v1/metrics").respond_with_handler(self._metrics)

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def _traces(self, request: Request) -> Response:
        assert request.content_type == "application/x-protobuf"
        self.bodies.append(request.data)
        for group in ExportTraceServiceRequest.FromString(request.data).resource_spans:
            found = {one.key: one.value.string_value for one in group.resource.attributes}
            self.service = found["service.name"]
            self.spans += [span for scope in group.scope_spans for span in scope.spans]
        return Response(b"", content_type="application/x-protobuf")

    def _metrics(self, request: Request) -> Response:
        self.bodies.append(request.data)
        for group in ExportMetricsServiceRequest.FromString(request.data).resource_metrics:
            for metric in (metric for scope in group.scope_metrics for metric in scope.metrics):
                if metric.HasField("sum"):
                    self.counts[metric.name] = sum(point.as_int for point in metric.sum.data_points)
        return Response(b"", content_type="application/x-protobuf")


@pytest.fixture
def collector(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Collector:
    found = Collector(httpserver)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    return found


def test_a_run_is_one_trace_of_its_syncs_pages_and_requests(bench: Bench, collector: Collector) -> None:
    people(bench, 30)
    bench.sandbox.change(faults=[Fault(status=400, method="POST", path="/contacts", count=1)])

    (result,) = sync(bench).results

    (run,), (one,), (page,) = collector.named("sync"), collector.named("sync people"), collector.named("page")
    requests = [span for span in collector.spans if span.kind == span.SPAN_KIND_CLIENT]
    sent_in_sync = [span for span in requests if span.parent_span_id == one.span_id]
    assert one.parent_span_id == run.span_id
    assert page.parent_span_id == one.span_id
    assert {span.trace_id for span in collector.spans} == {run.trace_id}
    assert {span.name for span in sent_in_sync} >= {"GET /contacts", "POST /contacts"}
    assert len(sent_in_sync) >= result.requests > 30
    assert sum(span.status.code == span.status.STATUS_CODE_ERROR for span in sent_in_sync) == 1
    assert run.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano <= run.end_time_unix_nano
    assert collector.service == "dbt-drift"


def test_counters_are_the_fields_of_the_results(bench: Bench, collector: Collector) -> None:
    people(bench, 5)
    bench.execute("update $.people set email = 'ada lovelace' where name = 'Name 1'")

    (result,) = sync(bench).results

    assert (result.rows.read, result.rows.sent, result.rows.invalid) == (5, 4, 1)
    for field in ("read", "sent", "invalid", "rejected", "unchanged"):
        assert collector.counts[f"dbt_drift.rows.{field}"] == getattr(result.rows, field)
    assert collector.counts["dbt_drift.contacts.created"] == 4
    assert collector.counts["dbt_drift.requests"] == result.requests


def test_nothing_of_a_row_is_sent(bench: Bench, collector: Collector) -> None:
    people(bench, 3)
    sync(bench)
    bench.execute("update $.people set name = 'Grace Hopper'")
    sync(bench)

    assert collector.named("PATCH /contacts/{id}")
    everything = b"".join(collector.bodies)
    assert b"people" in everything
    for personal in (b"example.com", b"%40", b"Name 2", b"Hopper"):
        assert personal not in everything


def test_a_run_that_cannot_start_is_a_failed_span(bench: Bench, collector: Collector) -> None:
    people(bench, 1)
    with pytest.raises(Exception, match="DRIFT_API_URL"):
        sync(bench, environment={"DRIFT_API_URL": "ftp://example.org"})
    (run,) = collector.spans
    assert (run.name, run.status.code) == ("sync", run.status.STATUS_CODE_ERROR)


@pytest.mark.parametrize(
    "changed",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
)
def test_nothing_is_sent_unless_asked(
    bench: Bench, collector: Collector, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    people(bench, 1)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    assert sync(bench).exit_code == 0
    assert collector.bodies == []


def test_one_signal_alone(bench: Bench, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 1)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    sync(bench)
    assert (collector.spans, collector.counts["dbt_drift.rows.sent"]) == ([], 1)


@pytest.mark.usefixtures("collector")
def test_a_refused_setting_is_said_and_the_run_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    people(bench, 1)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    reporter = Recorder()
    assert sync(bench, reporter).exit_code == 0
    assert any("No telemetry is sent" in notice for notice in reporter.notices)


def test_a_collector_without_the_extra_is_one_notice(
    bench: Bench, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(bench, 1)
    monkeypatch.setattr("dbt_drift.telemetry.beside.find_spec", lambda _: None)
    reporter = Recorder()
    assert sync(bench, reporter).exit_code == 0
    assert len([one for one in reporter.notices if "pip install 'dbt-drift[telemetry]'" in one]) == 1
    assert collector.bodies == []


def test_the_sdk_is_not_imported_unless_asked() -> None:
    script = (
        "import sys\nfrom dbt_drift import api\nfrom dbt_drift.telemetry.watching import watching\n"
        "with watching(None, command='sync'): pass\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


@pytest.fixture(params=["shut", "silent", "refusing", "garbage"])
def hostile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A collector that is not there, never answers, refuses everything, or speaks no HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
    visitors: list[socket.socket] = []
    answers = {"refusing": b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n", "garbage": b"\0" * 99}

    def serve() -> None:
        while True:
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            visitors.append(visitor)
            if answer := answers.get(request.param):
                visitor.sendall(answer)
                visitor.close()

    if request.param == "shut":
        listener.close()
    else:
        threading.Thread(target=serve, daemon=True).start()
    yield
    for visitor in visitors:
        visitor.close()
    listener.close()


@pytest.mark.usefixtures("hostile")
def test_a_collector_that_is_down_slow_or_hostile_costs_five_seconds_and_no_result(bench: Bench) -> None:
    people(bench, 20)
    with pytest.MonkeyPatch.context() as unwatched:
        unwatched.setenv("OTEL_SDK_DISABLED", "true")
        started = time.monotonic()
        sync(bench)
        plain = time.monotonic() - started
    bench.execute("update $.people set name = 'Grace'")
    reporter = Recorder()
    started = time.monotonic()
    results = sync(bench, reporter)

    assert (results.results[0].status, results.results[0].rows.sent, results.exit_code) == ("success", 20, 0)
    assert time.monotonic() - started < SECONDS + plain + 3  # the machine's share
    assert any("Not all telemetry has arrived" in notice for notice in reporter.notices)


@pytest.mark.parametrize("hostile", ["shut", "silent"], indirect=True)
@pytest.mark.usefixtures("hostile")
def test_a_process_says_so_in_one_line_and_ends_cleanly(people: Bench) -> None:
    done = run_program("sync", *project_of(people), environment=people.environment)
    assert (done.code, done.err) == (1, "")
    assert len([line for line in done.out.splitlines() if "Not all telemetry has arrived" in line]) == 1
