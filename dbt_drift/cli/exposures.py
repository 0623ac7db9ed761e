"""`dbt-drift exposures`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.command("exposures")
@project_options
@click.option("--owner", metavar="NAME", help="Who answers for models that name no owner.  [default: the project]")
@click.option("--owner-email", metavar="ADDRESS", help="Their address.")
@click.option("--url", default="https://app.drift.com", show_default=True, help="Where people look at contacts.")
@click.option("--file", help="The properties file.  [default: drift_exposures.yml in the first folder of models]")
@click.option("--check", is_flag=True, help="Write nothing, and end with exit code 1 if the file is not up to date.")
def command(
    *, owner: str | None, owner_email: str | None, url: str, file: str | None, check: bool, **given: Any
) -> int:
    """Write a dbt exposure for each model that declares a sync, so that Drift stands in the graph of dbt docs.

    They stand in a file of their own, which is overwritten; no other file is touched.
    """
    from dbt_drift.declarations.exposures import (
        FILE_NAME,
        Owner,
        exposures_difference,
        exposures_file,
        write_exposures,
    )
    from dbt_drift.declarations.manifest import read_manifest
    from dbt_drift.declarations.syncs import declare
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.wording import counted

    chosen = Path(file).absolute() if file else None
    project = DbtProject.load(project_from(given))
    manifest = read_manifest(project.target_path / "manifest.json")
    syncs = declare(manifest)
    general = Owner(owner or (None if owner_email else project.name), owner_email)
    content = exposures_file(manifest, syncs, owner=general, url=url)
    path = chosen or project.root / project.model_paths[0] / FILE_NAME
    if check:
        difference = exposures_difference(path, content)
        echo(difference + "Run `dbt-drift exposures`." if difference else f"ok  {path.name} is up to date")
        return 1 if difference else 0
    write_exposures(path, content, manifest, root=project.root)
    echo(f"{counted(len(syncs), 'exposure')} written to {path}. They are in the graph after `dbt parse`.")
    return 0
