"""A reporter that makes spans and counters of the events of a run, and passes the events on.

Spans and metrics have counts, codes and names of models, and nothing of a row: in a request's path, the contact's id is
`{id}`, and the query is left out.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from typing import TYPE_CHECKING

from msgspec import structs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from dbt_drift import __version__
from dbt_drift.delivery.reporter import PassingReporter
from dbt_drift.delivery.results import ContactCounts, RowCounts
from dbt_drift.errors import DbtDriftError
from dbt_drift.telemetry.session import BoundedSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import SyncResult
    from dbt_drift.drift.http.local_sandbox import LocalSandbox
    from dbt_drift.ledger.delta import Counts
    from dbt_drift.ledger.lock import LockOwner

SECONDS = 5.0
"""What the last export may cost a run."""

_ID = re.compile(r"/\d+(?=/|$)")
_FAILED_FROM = 400
_BAD = frozenset({"error", "skipped"})


class _Failures(logging.Handler):
    """Notes that an exporter complained. Its words are not kept: they may quote a secret of the endpoint's URL."""

    is_any = False

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - see above
        self.is_any = True


class Watch(PassingReporter):
    """The reporter of a run that is watched.

    Args:
        reporter: Gets the events too.
        command: The name of the run's span.
        traces: Whether to send spans.
        metrics: Whether to send metrics.

    Raises:
        Exception: What OpenTelemetry raises for settings that it refuses.
    """

    def __init__(self, reporter: Reporter, *, command: str, traces: bool, metrics: bool) -> None:
        super().__init__(reporter)
        resource = Resource.create({"service.version": __version__})
        if str(resource.attributes["service.name"]).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "dbt-drift"}))
        # Nothing at the exit of the process, which would wait for an exporter that hangs.
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        if traces:
            # It drops spans when its queue is full, so that a slow exporter costs neither memory nor time.
            self._tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=BoundedSession())))
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter(session=BoundedSession()))] if metrics else []
        self._meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        meter = self._meters.get_meter("dbt_drift", __version__)
        names = [f"rows.{name}" for name in RowCounts.__struct_fields__]
        names += [f"contacts.{name}" for name in ContactCounts.__struct_fields__]
        self._counters = {name: meter.create_counter(f"dbt_drift.{name}") for name in [*names, "requests", "throttled"]}
        self._seconds = meter.create_histogram("dbt_drift.execution_time", unit="s")
        self._tracer = self._tracers.get_tracer("dbt_drift", __version__)
        self._command = command
        self._place: dict[str, str] = {}
        self._run: Span
        self._current: Span

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Watch the run in the block, then send what is not sent yet."""
        failures = _Failures(logging.WARNING)
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(failures)
        # A library of dbt prints what reaches the root of the log, each try and its URL.
        propagates, logger.propagate = logger.propagate, False
        self._run = self._current = self._tracer.start_span(self._command)
        try:
            yield
        except BaseException as error:
            kind = error.kind if isinstance(error, DbtDriftError) else type(error).__name__
            self._current.set_status(Status(StatusCode.ERROR))
            self._run.set_status(Status(StatusCode.ERROR, kind))
            raise
        finally:
            self._current.end()
            if self._run is not self._current:
                self._run.end()
            is_over = self._shut_down()
            if not is_over or failures.is_any:
                self.noticed(
                    "Not all telemetry has arrived, and the run does not depend on it. Look at "
                    "OTEL_EXPORTER_OTLP_ENDPOINT, and at whether something listens there."
                )
            if is_over:  # else it goes on to complain until the process ends
                logger.removeHandler(failures)
                logger.propagate = propagates

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Name the project on the run's span, and on all metrics."""
        self._place = {"dbt_drift.project": project, "dbt_drift.target": target}
        self._run.set_attributes({**self._place, "dbt_drift.adapter": adapter, "dbt_drift.syncs": syncs})
        super().run_started(
            syncs, project=project, target=target, adapter=adapter, drift_url=drift_url, sandbox=sandbox
        )

    def waiting(self, owner: LockOwner) -> None:
        """Note on the run's span since when it waits."""
        self._run.add_event("waiting for the lock")
        super().waiting(owner)

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Begin the span of a sync."""
        name = {"dbt_drift.sync": sync.name, "dbt_drift.unique_id": sync.unique_id}
        self._current = self._tracer.start_span(
            f"sync {sync.name}", context=set_span_in_context(self._run), attributes=name
        )
        super().sync_started(index, total, sync)

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Note on the sync's span that the difference is known."""
        self._current.add_event("staged", {"dbt_drift.sendable": counts.sendable})
        super().staged(sync, counts)

    def page_read(self, rows: int, began: int) -> None:
        """Make a span of a page."""
        span = self._tracer.start_span(
            "page", context=set_span_in_context(self._current), attributes={"dbt_drift.rows": rows}, start_time=began
        )
        span.end()
        super().page_read(rows, began)

    def requested(self, method: str, target: str, status: int | None, began: int) -> None:
        """Make a span of a request."""
        path = _ID.sub("/{id}", target.partition("?")[0])
        span = self._tracer.start_span(
            f"{method} {path}",
            context=set_span_in_context(self._current),
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": method, "url.template": path},
            start_time=began,
        )
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if status is None or status >= _FAILED_FROM:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
        super().requested(method, target, status, began)

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Count the result, and end the sync's span; a blocked or skipped sync had none."""
        name = {"dbt_drift.sync": result.name, "dbt_drift.status": result.status}
        counts = {
            **{f"rows.{field}": count for field, count in structs.asdict(result.rows).items()},
            **{f"contacts.{field}": count for field, count in structs.asdict(result.contacts).items()},
            "requests": result.requests,
            "throttled": result.throttled,
        }
        for field, count in counts.items():
            self._counters[field].add(max(0, count), {**self._place, **name})
        self._seconds.record(result.execution_time, {**self._place, **name})
        if self._current is not self._run:
            self._current.set_attributes({f"dbt_drift.{field}": count for field, count in counts.items()})
            self._current.set_attributes({"dbt_drift.status": result.status, "dbt_drift.cause": result.cause})
            if result.status in _BAD:
                self._current.set_status(Status(StatusCode.ERROR, result.cause))
            self._current.end()
            self._current = self._run
        if result.status in _BAD:
            self._run.set_status(Status(StatusCode.ERROR, result.cause))
        super().sync_finished(index, total, result)

    def _shut_down(self) -> bool:
        """Send the rest; returns whether that ended in time. A thread that hangs dies with the process."""
        deadline = time.monotonic() + SECONDS
        threads = [
            threading.Thread(target=provider.shutdown, name="telemetry", daemon=True)
            for provider in (self._tracers, self._meters)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)
