"""Decides whether a run sends OpenLineage events."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from dbt_drift.telemetry.beside import beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.telemetry.beside import RunReporter

_ASKING = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")
"""The beginnings of the variables that name a receiver."""


@contextlib.contextmanager
def reporting_lineage(reporter: Reporter, project: DbtProject, *, invocation_id: str) -> Iterator[Reporter]:
    """Give the reporter for the run in the block: this one, or one that also sends OpenLineage events.

    The environment is that of the process, because OpenLineage's client reads no other.
    """
    if not _is_asked(os.environ):
        yield reporter
        return

    def make() -> RunReporter:
        from dbt_drift.telemetry.openlineage import LineageReporter  # noqa: PLC0415 - else it imports no client

        return LineageReporter(reporter, project, invocation_id=invocation_id)

    with beside(
        reporter,
        make,
        packages=["openlineage.client"],
        missing="No OpenLineage events are sent: the environment names a receiver, and the client is not installed. "
        "`pip install 'dbt-drift[openlineage]'` installs it; OPENLINEAGE_DISABLED=true ends this notice.",
        refused="No OpenLineage events are sent: the client refuses its settings",
    ) as told:
        yield told


def _is_asked(environment: Mapping[str, str]) -> bool:
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    return any(value.strip() for name, value in environment.items() if name.startswith(_ASKING))
