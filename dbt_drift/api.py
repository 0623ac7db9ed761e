"""dbt-drift from Python: `from dbt_drift import plan, sync`.

Both do what the command of the same name does, with the same words for the same things, and leave printing, signals
and exit codes to the caller. The command line is their first user.
"""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt_drift.alerts.tell import alerting
from dbt_drift.binding.prepare import prepare
from dbt_drift.binding.undeclared_tags import warnings
from dbt_drift.delivery.plan import make_plans
from dbt_drift.delivery.reporter import NullReporter
from dbt_drift.delivery.results import remove_results
from dbt_drift.delivery.run import run_syncs
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.delivery.saved_plan import read_plan
from dbt_drift.drift.auth.find import find_credential
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.url import drift_url
from dbt_drift.operations.retry_reasons import check_reason
from dbt_drift.project.folders import artifacts_folder
from dbt_drift.project.options import ProjectOptions, Selection
from dbt_drift.telemetry.lineage import reporting_lineage
from dbt_drift.telemetry.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.delivery.plan import SyncPlan
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import Results
    from dbt_drift.delivery.stop import Stop


def sync(
    *,
    project_dir: str | None = None,
    profiles_dir: str | None = None,
    profile: str | None = None,
    target: str | None = None,
    target_path: str | None = None,
    vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    selector: str | None = None,
    state: str | None = None,
    run_results: Sequence[str | PathLike[str]] = (),
    ignore_run_results: bool = False,
    full_refresh: bool = False,
    retry: bool = False,
    reason: str | None = None,
    threads: int | None = None,
    wait: float = 0.0,
    max_failures: int | None = None,
    allow_removals: bool = False,
    max_removals: int | None = None,
    limit: int | None = None,
    plan: str | PathLike[str] | None = None,
    max_age_hours: float = 24.0,
    keys: Sequence[str] = (),
    repin: str | None = None,
    invocation_id: str | None = None,
    reporter: Reporter | None = None,
    stop: Stop | None = None,
    environment: Mapping[str, str] | None = None,
) -> Results:
    """Make Drift match the selected models, and write target/drift_results.json.

    Args:
        project_dir: The folder of dbt_project.yml. This and the next five are dbt's own flags; None: as dbt finds it.
        profiles_dir: The folder of profiles.yml.
        profile: The profile.
        target: The target.
        target_path: The folder of manifest.json.
        vars: Variables, over the project's.
        select: Selectors of the models to sync; none: all that declare a sync.
        exclude: Selectors of the models to leave out.
        selector: The name of a selector of selectors.yml.
        state: The folder of the artifacts that `state:` and `result:` compare with.
        run_results: The run_results.json files, or their folders, that say what dbt built, if that is not in the
            target folder alone. The newest result of each node counts.
        ignore_run_results: Whether to sync every selected model, whatever dbt's last command built or failed.
        full_refresh: Whether to send everything again.
        retry: Whether to send rows that were given up once more, as `dbt-drift retry` does.
        reason: With `retry`: only the rows with this reason.
        threads: The largest number of requests at the same time.
        wait: Seconds to wait for another run on the same ledger.
        max_failures: The number of failed rows that stops a sync; 0 is `--fail-fast`. None: as the settings say.
        allow_removals: Whether to send what guards would block.
        max_removals: The number of removals that blocks a sync, instead of the guards' limits.
        limit: The largest number of contacts that each sync sends.
        plan: The file of an approved plan, which is all that may be sent; None for whatever differs. It selects the
            models, so it does not go with `select`, `full_refresh`, `retry` or `limit`.
        max_age_hours: How old the plan may be.
        keys: The keys or e-mail addresses of the only contacts to sync; none: all.
        repin: The id of the Drift organisation that the ledger describes from now on; None to change nothing.
        invocation_id: The id of the run in the ledger, the results and the log; None: a new one.
        reporter: Gets the events of the run; None: nobody does.
        stop: Ends the run in order when it is asked to.
        environment: Where `DRIFT_API_URL` and `DRIFT_ACCESS_TOKEN` are; None: the environment of the process.

    Returns:
        What target/drift_results.json holds. `exit_code` is that of the command.

    Raises:
        ConfigurationError: The project, the token or the URL cannot be used, or the ledger belongs to another Drift or
            organisation.
        DeclarationError: A declaration is wrong. Names every mistake.
        LockedError: Another run is at work on the ledger.
        WarehouseError: The warehouse cannot be reached, or refuses a statement.
    """
    project = ProjectOptions(
        project_dir=project_dir,
        profiles_dir=profiles_dir,
        profile=profile,
        target=target,
        target_path=target_path,
        vars=dict(vars) if vars else None,
    )
    invocation_id = invocation_id or str(uuid.uuid4())
    approved = None if plan is None else read_plan(Path(plan), max_age_hours=max_age_hours)
    options = RunOptions(
        workers=threads,
        wait=wait,
        full_refresh=full_refresh,
        retry=retry,
        retry_reason=reason,
        max_failures=max_failures,
        max_removals=math.inf if allow_removals else max_removals,
        limit=limit,
        plan=approved,
        named=tuple(keys),
        repin=repin,
        invocation_id=invocation_id,
    )
    reporter = reporter or NullReporter()
    remove_results(artifacts_folder(project))
    selection = Selection(select=tuple(select), exclude=tuple(exclude), selector=selector, state=state)
    found = os.environ if environment is None else environment
    with alerting(project, found, reporter.noticed) as alerts:
        with watching(reporter, command="retry" if retry else "sync") as watched:
            prepared = _prepared(
                project,
                selection,
                watched.noticed,
                heed_last_build=not ignore_run_results,
                run_results=run_results,
                unique_ids=None if approved is None else [sync.unique_id for sync in approved.syncs],
            )
            if reason is not None:
                check_reason(prepared, reason)
            with reporting_lineage(watched, prepared.project, invocation_id=invocation_id) as told:
                results = run_syncs(prepared, found, told, options, stop)
        # A few contacts say nothing about the state of a sync.
        return results if keys else alerts.of_run(prepared, results)


def plan(
    *,
    project_dir: str | None = None,
    profiles_dir: str | None = None,
    profile: str | None = None,
    target: str | None = None,
    target_path: str | None = None,
    vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    selector: str | None = None,
    state: str | None = None,
    run_results: Sequence[str | PathLike[str]] = (),
    ignore_run_results: bool = False,
    rows: int = 10,
    keys: Sequence[str] = (),
    out: str | PathLike[str] | None = None,
    against_target: str | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
) -> list[SyncPlan]:
    """Return what a sync would send; sends nothing, and needs no token.

    Args:
        project_dir: The folder of dbt_project.yml. This and the next five are dbt's own flags; None: as dbt finds it.
        profiles_dir: The folder of profiles.yml.
        profile: The profile.
        target: The target.
        target_path: The folder of manifest.json.
        vars: Variables, over the project's.
        select: Selectors of the models to plan; none: all that declare a sync.
        exclude: Selectors of the models to leave out.
        selector: The name of a selector of selectors.yml.
        state: The folder of the artifacts that `state:` and `result:` compare with.
        run_results: The run_results.json files, or their folders, that say what dbt built, if that is not in the
            target folder alone. The newest result of each node counts.
        ignore_run_results: Whether to plan every selected model, whatever dbt's last command built or failed.
        rows: The number of contacts, and of rows that cannot be sent, that each plan shows.
        keys: The keys or e-mail addresses of the only contacts to plan; none: all.
        out: The file in which to save the plan for `sync(plan=...)`; None to save nothing.
        against_target: The dbt target whose ledger the models are compared with; None for their own.
        notice: Gets each text that is no error and that the user should know.
        progress: Gets what is done now, in words.
        environment: Where `DRIFT_API_URL` and `DRIFT_ACCESS_TOKEN` are; None: the environment of the process.

    Raises:
        ConfigurationError: The project cannot be used, or a newer version of dbt-drift has written the ledger.
        DeclarationError: A declaration is wrong. Names every mistake.
        WarehouseError: The warehouse cannot be reached, or refuses a statement.
    """
    project = ProjectOptions(
        project_dir=project_dir,
        profiles_dir=profiles_dir,
        profile=profile,
        target=target,
        target_path=target_path,
        vars=dict(vars) if vars else None,
    )
    found = os.environ if environment is None else environment
    selection = Selection(select=tuple(select), exclude=tuple(exclude), selector=selector, state=state)
    prepared = _prepared(
        project,
        selection,
        notice,
        heed_last_build=not ignore_run_results,
        run_results=run_results,
        ledger_target=against_target,
    )
    with contextlib.ExitStack() as stack:
        access, url = find_credential(found), drift_url(found)
        client = None if access is None else stack.enter_context(DriftClient(url, access))
        save_to = None if out is None else Path(out).absolute()
        return make_plans(
            prepared,
            rows=rows,
            named=keys,
            client=client,
            notice=notice,
            progress=progress,
            save_to=save_to,
            url=url,
        )


def _prepared(
    project: ProjectOptions,
    selection: Selection,
    notice: Callable[[str], None],
    *,
    heed_last_build: bool,
    run_results: Sequence[str | PathLike[str]],
    unique_ids: Sequence[str] | None = None,
    ledger_target: str | None = None,
) -> Prepared:
    prepared = prepare(
        project,
        selection,
        unique_ids=unique_ids,
        ledger_target=ledger_target,
        heed_last_build=heed_last_build,
        run_results=run_results,
    )
    for warning in warnings(prepared):
        notice(warning)
    return prepared
