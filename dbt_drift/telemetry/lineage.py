"""Decides whether a run sends OpenLineage events, and keeps whatever goes wrong with that away from the run."""

from __future__ import annotations

import contextlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.project.gateway import DbtProject

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
    if not _is_installed():
        reporter.noticed(
            "No OpenLineage events are sent: the environment names a receiver, and the client is not installed. "
            "`pip install 'dbt-drift[openlineage]'` installs it; OPENLINEAGE_DISABLED=true ends this notice."
        )
        yield reporter
        return
    # A run without lineage imports no client.
    from dbt_drift.telemetry.openlineage import LineageReporter  # noqa: PLC0415

    try:
        lineage = LineageReporter(reporter, project, invocation_id=invocation_id)
    except Exception as error:  # noqa: BLE001 - such as a malformed URL; the text may quote a secret
        reporter.noticed(f"No OpenLineage events are sent: the client refuses its settings ({type(error).__name__}).")
        yield reporter
        return
    with lineage.run():
        yield lineage


def _is_asked(environment: Mapping[str, str]) -> bool:
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    return any(value.strip() for name, value in environment.items() if name.startswith(_ASKING))


def _is_installed() -> bool:
    try:
        return find_spec("openlineage.client") is not None
    except ModuleNotFoundError:
        return False
