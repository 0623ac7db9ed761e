"""From the user's flags to syncs that can be staged: project, manifest, declarations, selection, columns.

Everything that can be wrong is found here, before anything is written or sent, and reported together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.declarations.columns import resolve
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.problems import Problem, render
from dbt_drift.declarations.syncs import Sync, declare
from dbt_drift.errors import ConfigurationError, DeclarationError
from dbt_drift.project.gateway import DbtProject, ProjectOptions
from dbt_drift.sync.settings import Settings, read_settings
from dbt_drift.warehouse.ledger import SyncLedger
from dbt_drift.warehouse.spec import Location, sync_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dbt_drift.project.gateway import Session
    from dbt_drift.warehouse.lock import RunLock


class Prepared(msgspec.Struct, frozen=True):
    """A project whose declared models can be synced.

    Attributes:
        project: The dbt project.
        settings: Its settings.
        location: Where its ledger lies.
        syncs: The selected syncs, their columns spelled as the relations spell them, with the macros' view of each.
    """

    project: DbtProject
    settings: Settings
    location: Location
    syncs: list[tuple[Sync, dict[str, Any]]]

    def ledger(
        self,
        spec: dict[str, Any],
        *,
        delta: str = "delta",
        lock: RunLock | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> SyncLedger:
        """Return the ledger of one sync, to be written by the holder of the lock; see `SyncLedger`."""
        return SyncLedger(self.project, spec, delta=delta, lock=lock, tell=tell)


def locate(options: ProjectOptions) -> tuple[DbtProject, Settings, Location]:
    """Read the project and say where its ledger lies; opens no connection.

    Raises:
        ConfigurationError: The project, its profile or its settings are wrong.
    """
    project = DbtProject.load(options)
    settings = read_settings(project.settings)
    return (
        project,
        settings,
        Location(settings.database or project.database, settings.schema or f"{project.schema}_drift"),
    )


def prepare(options: ProjectOptions, *, select: Sequence[str] = (), exclude: Sequence[str] = ()) -> Prepared:
    """Read the project and check everything that the selected syncs need.

    Args:
        options: dbt's own flags.
        select: dbt selectors; none means every declared model.
        exclude: dbt selectors.

    Raises:
        ConfigurationError: The project, its profile, its settings, its manifest or a selector is wrong, or
            nothing is declared.
        DeclarationError: A declaration is wrong, or does not fit the model's relation. Names every mistake.
        WarehouseError: The warehouse cannot be reached.
    """
    project, settings, location = locate(options)
    manifest_path = project.target_path / "manifest.json"
    manifest = read_manifest(manifest_path)
    chosen = project.select(manifest_path, select, exclude) if select or exclude else None
    declared = declare(manifest, chosen)
    if not declared:
        raise ConfigurationError(
            "No selected model declares a sync." if chosen is not None else "No model of the project declares a sync.",
            advice="Give a model `config: {meta: {drift: {fields: {email: <column>}}}}` and run `dbt build`.",
        )
    with project.connect("check") as session:
        bound = [_bind(session, sync, location) for sync in declared]
    if problems := [problem for _, _, found in bound for problem in found]:
        raise DeclarationError(render(problems))
    return Prepared(project, settings, location, [(sync, spec) for sync, spec, _ in bound])


def _bind(session: Session, sync: Sync, location: Location) -> tuple[Sync, dict[str, Any], list[Problem]]:
    """Hold a declaration against the relation that the warehouse has."""
    place = {"database": sync.database, "schema": sync.schema, "identifier": sync.identifier}
    columns = session.call("model_columns", sync=place)
    if not columns:
        problem = Problem(
            path=sync.path,
            model=sync.name,
            key="relation_name",
            message=f"the relation {sync.relation_name} is not in the warehouse",
            suggestion=f"Run `dbt build --select {sync.name}` with the same target first.",
        )
        return sync, {}, [problem]
    sync, problems = resolve(sync, [column["name"] for column in columns])
    kinds = {column["name"]: column["kind"] for column in columns}
    types = {column["name"]: column["type"] for column in columns}
    if not problems:
        problems = _misfits(sync, kinds, types)
    return sync, {} if problems else sync_spec(sync, location, kinds, types), problems


def _misfits(sync: Sync, kinds: dict[str, str], types: dict[str, str]) -> list[Problem]:
    """Columns whose type cannot do what is asked of it."""
    wrong = [
        (mapping.key, f"the column {mapping.column!r} is {types[mapping.column]}, which Drift has no value for",
         "Cast it to text in the model.")
        for mapping in sync.attributes
        if kinds[mapping.column] == "unsupported"
    ]  # fmt: skip
    wrong += [
        (f"{audience.key}.when", f"the column {audience.when!r} is {types[audience.when]}, not boolean",
         "Make it a condition in the model, such as `plan = 'gold' as is_vip`.")
        for audience in sync.audiences
        if audience.when is not None and kinds[audience.when] != "boolean"
    ]  # fmt: skip
    return [
        Problem(path=sync.path, model=sync.name, key=key, message=message, suggestion=suggestion)
        for key, message, suggestion in wrong
    ]
