"""`dbt-drift sync`, `retry` and `rebuild`: runs, their report, their exit code."""

from __future__ import annotations

import os
import sys
import traceback
import uuid
from typing import Any

import click
from msgspec import structs

from dbt_drift.cli.options import (
    SelectingCommand,
    build_from,
    key_option,
    output_options,
    project_from,
    project_options,
    selection_from,
    selection_options,
    sending_options,
    wait_option,
)
from dbt_drift.errors import DbtDriftError, internal_error
from dbt_drift.terminal import echo, echo_document


def run_and_report(given: dict[str, Any], *, retry: bool = False, reason: str | None = None) -> int:
    """Run with a command's parameters, print what it asks for, and return the exit code.

    Args:
        given: The parameters of `project_options`, `selection_options`, `output_options` and `sending_options`.
        retry: Whether rows that were given up are sent once more.
        reason: Of these, only the rows with this reason.
    """
    from dbt_drift import api
    from dbt_drift.cli.console import sync_reporter
    from dbt_drift.delivery.stop import Stop, stopping_on_signals

    build = build_from(given)
    invocation_id = str(uuid.uuid4())
    reporter = sync_reporter(
        log_format=given["log_format"],
        log_level=given["log_level"],
        quiet=given["quiet"],
        to_stderr=given["output"] == "json",
        invocation_id=invocation_id,
    )
    stop = Stop()
    try:
        with stopping_on_signals(stop):
            results = api.sync(
                **structs.asdict(project_from(given)),
                **structs.asdict(selection_from(given)),
                **build,
                full_refresh=given.get("full_refresh", False),
                retry=retry,
                reason=reason,
                threads=given["threads"],
                wait=given["wait"],
                max_failures=0 if given["fail_fast"] else given["max_failures"],
                allow_removals=given["allow_removals"],
                max_removals=given["max_removals"],
                limit=given["limit"],
                plan=given.get("plan"),
                max_age_hours=given.get("max_age", 0.0),
                keys=given["keys"],
                repin=given.get("repin"),
                invocation_id=invocation_id,
                reporter=reporter,
                stop=stop,
            )
    except DbtDriftError as error:
        reporter.failed(str(error), kind=error.kind)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a reader of the log is told of it, too
        echo(traceback.format_exc(), err=True)
        reporter.failed(internal_error(error), kind="internal")
        return 2
    code = results.code(given["fail_on"])
    if stop.asked:
        code = min(code, 1)  # a run that the user ended is a partial success, also where it has sent nothing
    reporter.run_finished(results, code)
    if given["output"] == "json":
        echo_document(results)
    return code


@click.command("sync", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@wait_option
@click.option("--full-refresh", is_flag=True, help="Send everything again, changed or not. Creates no second contacts.")
@click.option(
    "--repin",
    metavar="ID",
    help="Let the ledger describe the Drift organisation with this id from now on, which the token must open.",
)
@click.option(
    "--plan",
    metavar="FILE",
    help="Send what this saved plan says, and nothing if anything has changed since. It selects the models.",
)
@click.option(
    "--max-age",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="How old the plan may be.",
)
@key_option
@sending_options
def sync_command(
    **given: Any,
) -> int:
    """Make Drift match the declared models: upsert contacts, add and remove tags.

    Sends only what changed since the last sync, and writes target/drift_results.json.
    """
    if given["plan"] and (
        named := [name for name in ("select", "exclude", "selector", "full_refresh", "limit", "keys") if given[name]]
    ):
        raise click.UsageError(
            f"--plan says what is sent: it does not go with --{named[0].replace('_', '-').replace('keys', 'key')}."
        )
    return run_and_report(given)


@click.command("retry", cls=SelectingCommand)
@project_options
@selection_options
@output_options
@sending_options
@key_option
@wait_option
@click.option("--reason", help="Only rows with this reason; without it, all rows that are given up.")
def retry_command(*, reason: str | None, **given: Any) -> int:
    """Sync, and send the rows again that earlier runs gave up.

    The report and the exit codes are those of `dbt-drift sync`.
    """
    return run_and_report(given, retry=True, reason=reason)


@click.command("rebuild", cls=SelectingCommand)
@project_options
@selection_options
@wait_option
@click.option("--threads", type=click.IntRange(min=1), help="The largest number of requests at once.  [default: 128]")
def rebuild_command(*, threads: int | None, wait: float, **given: Any) -> int:
    """Rebuild a lost ledger by look-ups. Writes nothing to Drift.

    Looks up each contact that the ledger does not remember: one request for each, or more. You can interrupt it and run
    it again. The next sync then sends only what differs.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.console import Console
    from dbt_drift.delivery.run_options import RunOptions
    from dbt_drift.delivery.stop import Stop, stopping_on_signals
    from dbt_drift.operations.rebuild import run_rebuild

    reporter = Console(sys.stdout, quiet=False)
    stop = Stop()
    with stopping_on_signals(stop):
        prepared = prepare(project_from(given), selection_from(given))
        results = run_rebuild(prepared, os.environ, reporter, RunOptions(workers=threads, wait=wait), stop)
    if all(result.status == "success" for result in results):
        return 0
    return 1 if any(result.contacts.matched for result in results) else 2
