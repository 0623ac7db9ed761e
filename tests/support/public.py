"""A sync by the public function, as the command runs it: with what tells others of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_drift import api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.delivery.results import Results
    from tests.support.harness import Bench, Recorder


def sync(
    bench: Bench,
    reporter: Recorder | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    **given: Any,
) -> Results:
    """Sync all models of a bench.

    Args:
        bench: The project.
        reporter: Gets the events of the run.
        environment: Variables, over those of the bench.
        settings: Settings of the project.
        given: Further arguments of `dbt_drift.api.sync`.
    """
    options = bench.options(**(settings or {}))
    return api.sync(
        project_dir=options.project_dir,
        profiles_dir=options.profiles_dir,
        target_path=options.target_path,
        vars=options.vars,
        ignore_run_results=True,
        environment={**bench.environment, **(environment or {})},
        reporter=reporter,
        **given,
    )
