"""Decides whether a run is watched, and keeps whatever goes wrong with that away from the run."""

from __future__ import annotations

import contextlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.delivery.reporter import Reporter

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
    if not _is_installed():
        reporter.noticed(
            "No traces and metrics are sent: the environment names a collector, and OpenTelemetry's SDK is not "
            "installed. `pip install 'dbt-drift[telemetry]'` installs it; OTEL_SDK_DISABLED=true ends this notice."
        )
        yield reporter
        return
    from dbt_drift.telemetry.watch import Watch  # noqa: PLC0415 - a run that nobody watches imports no SDK

    try:
        watch = Watch(reporter, command=command, traces=traces, metrics=metrics)
    except Exception as error:  # noqa: BLE001 - such as a malformed variable; its text may quote a secret
        reporter.noticed(f"No telemetry is sent: OpenTelemetry refuses its settings ({type(error).__name__}).")
        yield reporter
        return
    with watch.run():
        yield watch


def _is_asked(signal: str) -> bool:
    """Return whether the environment asks for a signal: `TRACES` or `METRICS`."""
    found = os.environ
    if found.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if found.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower() not in {"", "otlp"}:
        return False
    return bool(found.get("OTEL_EXPORTER_OTLP_ENDPOINT") or found.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def _is_installed() -> bool:
    try:
        return all(find_spec(name) for name in _EXTRA)
    except ModuleNotFoundError:
        return False
