"""Dagster: an asset for each sync, downstream of its model's asset, and a check of the rows that did not get through.

What is used of Dagster and dagster-dbt is documented at https://docs.dagster.io: `multi_asset`, `MaterializeResult`,
`Failure(allow_retries=...)`, and the metadata `dagster_dbt/unique_id` that dagster-dbt gives each asset of a node.
"""
# Dagster reads the annotations of an asset's function at run time: no `from __future__ import annotations` here.

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject

from dbt_drift.delivery.results import SyncResult
from dbt_drift.errors import ConfigurationError
from dbt_drift.integrations.process import OWN_EXECUTABLE, DeclaredSync, Run, declared_syncs, run_sync
from dbt_drift.project.options import ProjectOptions

CHECK = "no_rejected_rows"

RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL)
"""Of a run that may pass later. The lock of a run that was killed expires after two minutes."""

WAIT_SECONDS = 130.0
"""How long a run waits for another one on the same ledger: a little longer than the lock of a dead run lives."""

_UNIQUE_ID = "dagster_dbt/unique_id"
_THROUGH = {"success", "warn"}
_LEVELS = {"debug": "debug", "warn": "warning", "error": "error"}


def drift_assets(
    dbt_assets: Sequence[dg.AssetsDefinition],
    *,
    project: DbtProject,
    name: str = "drift_syncs",
    executable: Sequence[str] = OWN_EXECUTABLE,
    wait: float = WAIT_SECONDS,
    retry_policy: dg.RetryPolicy = RETRIES,
) -> dg.AssetsDefinition:
    """Return the assets `drift/<sync>` of the syncs whose models are among `dbt_assets`.

    Those that are materialized together are one run of `dbt-drift sync`, since a ledger has one lock. The run takes the
    models as they are in the warehouse: Dagster does not start it if dbt failed. It inherits the environment of the
    step, where `DRIFT_ACCESS_TOKEN` and `DRIFT_API_URL` are.

    Args:
        dbt_assets: What `@dbt_assets` defined.
        project: The dbt project, parsed.
        name: The name of the op.
        executable: The dbt-drift to run, if it is not that of this environment.
        wait: Seconds to wait for another run on the same ledger.
        retry_policy: When a run is tried again that another run, Drift or the warehouse kept from its work. No other
            failure is retried.

    Raises:
        ConfigurationError: The manifest cannot be read, a declaration is wrong, or no model of these declares a sync.
    """
    options = _options(project)
    models = {spec.metadata.get(_UNIQUE_ID): spec.key for assets in dbt_assets for spec in assets.specs}
    found = [sync for sync in declared_syncs(options, executable=executable) if sync.unique_id in models]
    if not found:
        raise ConfigurationError(
            "No model of these dbt assets declares a sync.",
            advice="Declare one under config.meta.drift and parse the project; `dbt-drift ls` lists what is declared.",
        )
    syncs = {_key(sync.name): sync for sync in found}

    def drift_syncs(context: dg.AssetExecutionContext) -> Iterator[Any]:
        chosen = [syncs[key] for key in context.selected_asset_keys]
        if not chosen:
            raise dg.Failure(f"{CHECK} looks at what a sync did: materialize its asset.", allow_retries=False)
        run = run_sync(
            options,
            select=[sync.name for sync in chosen],
            fail_on="blocked",
            wait=wait,
            # dagster-dbt gives each dbt command a target folder of its own: what lies in the project's is another's.
            ignore_run_results=True,
            executable=executable,
            tell=lambda level, message: getattr(context.log, _LEVELS.get(level, "info"))(message),
        )
        checks = {key.asset_key for key in context.selected_asset_check_keys}
        for result in run.results.results if run.results else []:
            key = _key(result.name)
            if result.status in _THROUGH and key in context.selected_asset_keys:
                yield dg.MaterializeResult(
                    asset_key=key, metadata=_metadata(result), check_results=[_check(result)] if key in checks else []
                )
        if run.exit_code != 0:
            raise _failure(run)

    decorate = dg.multi_asset(
        specs=[_spec(sync, models[sync.unique_id]) for sync in found],
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, description="Every row of the model got through to Drift.")
            for key in syncs
        ],
        can_subset=True,
        name=name,
        retry_policy=retry_policy,
    )
    return decorate(drift_syncs)


def _options(project: DbtProject) -> ProjectOptions:
    return ProjectOptions(
        project_dir=str(project.project_dir.absolute()),
        profiles_dir=str(project.profiles_dir.absolute()),
        profile=project.profile,
        target=project.target,
        target_path=str(project.manifest_path.parent.absolute()),
    )


def _key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["drift", name])


def _spec(sync: DeclaredSync, model: dg.AssetKey) -> dg.AssetSpec:
    filled = ", ".join(one.attribute for one in sync.attributes)
    tags = ", ".join(f"{one.attribute or one.tag or one.tag_from} ({one.mode})" for one in sync.audiences)
    return dg.AssetSpec(
        _key(sync.name),
        deps=[model],
        group_name="drift",
        kinds={"drift"},
        description=f"Drift contacts of {sync.name}. Attributes: {filled}." + (f" Audiences: {tags}." if tags else ""),
    )


def _metadata(result: SyncResult) -> dict[str, Any]:
    """Return the counts of a sync: no keys and no values of contacts."""
    rows = {f"rows_{name}": getattr(result.rows, name) for name in result.rows.__struct_fields__}
    contacts = {f"contacts_{name}": getattr(result.contacts, name) for name in result.contacts.__struct_fields__}
    return {
        "dagster/row_count": result.rows.read,
        "status": result.status,
        **rows,
        **contacts,
        "requests": result.requests,
        "throttled": result.throttled,
        "execution_time": result.execution_time,
    }


def _check(result: SyncResult) -> dg.AssetCheckResult:
    failed = result.rows.not_through
    return dg.AssetCheckResult(
        asset_key=_key(result.name),
        check_name=CHECK,
        passed=failed == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{failed:,} of {result.rows.read:,} rows did not get through." if failed else None,
        metadata={"rows": failed, "reasons": result.reasons, "rejected_relation": result.rejected_relation},
    )


def _failure(run: Run) -> dg.Failure:
    results = run.results.results if run.results else []
    said = [f"{one.name}: {one.status}: {one.message}" for one in results if one.status not in _THROUGH]
    return dg.Failure(
        "\n".join(said) or run.message,
        metadata={"kind": run.kind, "exit_code": run.exit_code, **{one.name: _metadata(one) for one in results}},
        allow_retries=run.is_retryable,
    )
