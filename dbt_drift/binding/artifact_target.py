"""Checks that dbt's artifacts belong to the target: the rows of one target must not reach the Drift of another.

The relations come from the manifest, and the ledger from the target. So `dbt build --target dev` and `dbt-drift sync
--target prod` would send the rows of dev and remember them as those of prod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.manifest import whole_nodes
from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dbt_drift.binding.run_results import Build
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.project.gateway import DbtProject


def refuse_manifest_of_another(project: DbtProject, manifest: Path, syncs: Sequence[Sync]) -> None:
    """Raise an error if the target gives a model another relation than the manifest does.

    The project's own `generate_schema_name` and similar macros decide on the relation.

    Raises:
        ConfigurationError: The manifest is of another target.
    """
    nodes = whole_nodes(manifest, [sync.unique_id for sync in syncs])
    for sync in syncs:
        names = project.relation_names(nodes[sync.unique_id])
        if names is not None and names != (sync.database, sync.schema, sync.identifier):
            here = ".".join(str(name) for name in names if name is not None)
            relations = escaped(f"{sync.relation_name}, and this target has it in {here}")
            raise ConfigurationError(
                f"{manifest} is of another target than {escaped(project.target_name)}: there, {sync.name} is "
                f"{relations}. Nothing is sent.",
                advice=f"{_build(project)}, with the same --vars and environment variables as here.",
            )


def refuse_results_of_another(project: DbtProject, build: Build, syncs: Sequence[Sync]) -> None:
    """Raise an error if a dbt command worked on another target: it describes another relation.

    Raises:
        ConfigurationError: It worked on another target.
    """
    results = build.run
    if results.target not in {None, project.target_name}:
        raise _of_another(project, build, f"{results} was for the target {results.target}")
    built = {result.unique_id: result.relation_name for result in results.results}
    for sync in syncs:
        if (relation := built.get(sync.unique_id)) and relation != sync.relation_name:
            raise _of_another(
                project, build, f"{results} built {sync.name} as {relation}, and it is {sync.relation_name} here"
            )


def _of_another(project: DbtProject, build: Build, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{escaped(f'{build.path} is of another target than {project.target_name}: {what}')}. Nothing is sent.",
        advice=f"{_build(project)}, or sync what is in the warehouse with --ignore-run-results.",
    )


def _build(project: DbtProject) -> str:
    return f"Run `dbt build --target {escaped(project.target_name)}` first"
