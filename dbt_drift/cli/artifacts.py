"""`dbt-drift artifacts`: what a run of dbt Cloud has built, into the target folder."""

from __future__ import annotations

import os
from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.errors import ConfigurationError
from dbt_drift.terminal import echo


@click.command("artifacts")
@project_options
@click.option("--run", "run_id", type=click.IntRange(min=1), help="The run of dbt Cloud whose artifacts to download.")
@click.option("--job", "job_id", type=click.IntRange(min=1), help="The job of dbt Cloud whose last run to take.")
@click.option(
    "--account",
    type=click.IntRange(min=1),
    envvar="DBT_CLOUD_ACCOUNT_ID",
    help="The account of dbt Cloud. [DBT_CLOUD_ACCOUNT_ID]",
)
@click.option(
    "--host",
    envvar="DBT_CLOUD_HOST",
    default="cloud.getdbt.com",
    show_default=True,
    help="The access URL of the account. [DBT_CLOUD_HOST]",
)
@click.option(
    "--step", type=click.IntRange(min=1), help="The step of the run, counted from 1.  [default: the last one]"
)
def artifacts_command(
    *, run_id: int | None, job_id: int | None, account: int | None, host: str, step: int | None, **given: Any
) -> int:
    """Download manifest.json and run_results.json of a dbt Cloud run to the target folder.

    The token comes from DBT_CLOUD_API_TOKEN. A run that has not succeeded is refused, and nothing is written.
    """
    if (run_id is None) == (job_id is None):
        raise click.UsageError("Name a run with --run, or a job with --job.")
    from dbt_drift.dbt_cloud.artifacts import FILES, DbtCloud
    from dbt_drift.project.folders import artifacts_folder

    token = os.environ.get("DBT_CLOUD_API_TOKEN", "").strip()
    if not token:
        raise ConfigurationError(
            "DBT_CLOUD_API_TOKEN is not set.", advice="Set it to a token of dbt Cloud that may read runs."
        )
    if account is None:
        raise ConfigurationError(
            "The account of dbt Cloud is not named.", advice="Name its id with --account or DBT_CLOUD_ACCOUNT_ID."
        )
    folder = artifacts_folder(project_from({**given, "quiet": True}))
    cloud = DbtCloud(host, account, token)
    run = cloud.run(run_id) if run_id is not None else cloud.last_run(job_id or 0)
    cloud.download(run, folder, step=step)
    echo(f"{' and '.join(FILES)} of the run {run.id} are in {folder}.")
    return 0
