"""What `sync` and `retry` have in common: a run, its report, its exit code."""

from __future__ import annotations

import math
import os
import traceback
import uuid
from typing import Any

from dbt_drift.binding.prepare import prepare
from dbt_drift.binding.undeclared_tags import warnings
from dbt_drift.cli.console import sync_reporter
from dbt_drift.cli.options import project_from, selection_from
from dbt_drift.delivery.results import remove_results
from dbt_drift.delivery.run import run_syncs
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.delivery.stop import Stop, stopping_on_signals
from dbt_drift.errors import DbtDriftError, internal_error
from dbt_drift.operations.retry_reasons import check_reason
from dbt_drift.project.folders import artifacts_folder
from dbt_drift.terminal import echo, echo_document


def run_and_report(given: dict[str, Any], *, retry: bool = False, reason: str | None = None) -> int:
    """Run with a command's parameters, print what it asks for, and return the exit code.

    Args:
        given: The parameters of `project_options`, `selection_options`, `output_options` and `sending_options`.
        retry: Send what was given up once more.
        reason: Of that, only the rows with this reason.
    """
    invocation_id = str(uuid.uuid4())
    options = RunOptions(
        workers=given["threads"],
        wait=given["wait"],
        full_refresh=given.get("full_refresh", False),
        retry=retry,
        retry_reason=reason,
        max_failures=0 if given["fail_fast"] else given["max_failures"],
        max_removals=math.inf if given["allow_removals"] else given["max_removals"],
        limit=given["limit"],
        invocation_id=invocation_id,
    )
    reporter = sync_reporter(
        log_format=given["log_format"],
        quiet=given["quiet"],
        to_stderr=given["output"] == "json",
        invocation_id=invocation_id,
    )
    stop = Stop()
    try:
        project = project_from(given)
        remove_results(artifacts_folder(project))
        with stopping_on_signals(stop):
            prepared = prepare(project, selection_from(given), heed_last_build=not given["ignore_run_results"])
            for warning in warnings(prepared):
                reporter.noticed(warning)
            if reason is not None:
                check_reason(prepared, reason)
            results = run_syncs(prepared, os.environ, reporter, options, stop)
    except DbtDriftError as error:
        reporter.failed(str(error), kind=error.kind)
        return 2
    except Exception as error:  # noqa: BLE001 - a reader of the log is told of it, too
        echo(traceback.format_exc(), err=True)
        reporter.failed(internal_error(error), kind="internal")
        return 2
    reporter.run_finished(results)
    if given["output"] == "json":
        echo_document(results)
    # A run that was ended early was well until then, whether or not it came to send anything.
    return min(results.exit_code, 1) if stop.asked else results.exit_code
