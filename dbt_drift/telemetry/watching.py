"""Decides whether a run is watched."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from dbt_drift.telemetry.beside import beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.telemetry.beside import RunReporter

_EXTRA = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


@contextlib.contextmanager
def watching(reporter: Reporter, *, command: str) -> Iterator[Reporter]:
    """Give the reporter for the run in the block: this one, or one that also sends traces and metrics.

    The environment is that of the process, because the exporters of OpenTelemetry read no other.
    """
    traces, metrics = _is_asked("TRACES"), _is_asked("METRICS")
    if not (traces or metrics):
        yield reporter
        return

    def make() -> RunReporter:
        from dbt_drift.telemetry.watch import Watch  # noqa: PLC0415 - a run that nobody watches imports no SDK

        return Watch(reporter, command=command, traces=traces, metrics=metrics)

    with beside(
        reporter,
        make,
        packages=_EXTRA,
        missing="No traces and metrics are sent: the environment names a collector, and OpenTelemetry's SDK is not "
        "installed. `pip install 'dbt-drift[telemetry]'` installs it; OTEL_SDK_DISABLED=true ends this notice.",
        refused="No telemetry is sent: OpenTelemetry refuses its settings",
    ) as watched:
        yield watched


def _is_asked(signal: str) -> bool:
    """Return whether the environment asks for a signal: `TRACES` or `METRICS`."""
    found = os.environ
    if found.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if found.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower() not in {"", "otlp"}:
        return False
    return bool(found.get("OTEL_EXPORTER_OTLP_ENDPOINT") or found.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))
