"""From the user's flags to syncs that can be staged: project, manifest, declarations, selection, columns.

Everything that can be wrong is found here, before anything is written or sent, and reported together.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift import __version__
from dbt_drift.declarations.columns import resolve
from dbt_drift.declarations.conflicts import report_tag_conflicts
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.problems import Problem, Report, render
from dbt_drift.declarations.run_results import read_run_results
from dbt_drift.declarations.syncs import Sync, declare
from dbt_drift.errors import ConfigurationError, DeclarationError, WarehouseError
from dbt_drift.project.gateway import DbtProject, ProjectOptions, Selection
from dbt_drift.sync.freshness import Held, Judgement, judge
from dbt_drift.sync.named_tags import expand
from dbt_drift.sync.settings import Settings, read_settings
from dbt_drift.warehouse.ledger import SyncLedger
from dbt_drift.warehouse.registry import Registered, registered_audiences
from dbt_drift.warehouse.spec import Location, sync_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dbt_drift.project.gateway import Session
    from dbt_drift.warehouse.lock import RunLock


_ALL = Selection()


class Prepared(msgspec.Struct, frozen=True):
    """A project whose declared models can be synced.

    Attributes:
        project: The dbt project.
        settings: Its settings.
        location: Where its ledger lies.
        syncs: The selected syncs, their columns spelled as the relations spell them, with the macros' view of each.
        registered: The audiences that the ledger has ever seen.
        unselected: The slugs of the declared syncs that were not selected, or that are held back.
        held: The selected syncs that are held back, because of dbt's last command.
        notices: What somebody should know of dbt's last command, and of our dbt package.
    """

    project: DbtProject
    settings: Settings
    location: Location
    syncs: list[tuple[Sync, dict[str, Any]]]
    registered: list[Registered]
    unselected: frozenset[str]
    held: list[Held] = []
    notices: list[str] = []

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


def prepare(
    options: ProjectOptions,
    selection: Selection = _ALL,
    *,
    needs_syncs: bool = True,
    heed_last_build: bool = False,
    tell_of_last_build: bool = False,
) -> Prepared:
    """Read the project and check everything that the selected syncs need.

    Args:
        options: dbt's own flags.
        selection: Which declared models to take.
        needs_syncs: Whether a project that declares nothing is an error.
        heed_last_build: Whether to leave out what dbt's last command has not built, or has found to be bad.
        tell_of_last_build: Whether to tell what would be left out, and to leave out nothing.

    Raises:
        ConfigurationError: The project, its profile, its settings, its manifest or a selector is wrong, or
            nothing is declared.
        DeclarationError: A declaration is wrong, or does not fit the model's relation. Names every mistake.
        WarehouseError: The warehouse cannot be reached.
    """
    project, settings, location = locate(options)
    manifest_path = project.target_path / "manifest.json"
    manifest = read_manifest(manifest_path)
    chosen = project.select(manifest_path, selection) if selection.is_made else None
    everything = declare(manifest)
    declared = [sync for sync in everything if chosen is None or sync.unique_id in chosen]
    if not declared and needs_syncs:
        raise _nothing_declared(project, location, everything=chosen is None)
    judgement = Judgement(declared)
    if heed_last_build or tell_of_last_build:
        results = read_run_results(project.target_path / "run_results.json")
        judgement = judge(declared, manifest, results, root=project.root, are_named=selection.is_made)
    if tell_of_last_build:
        judgement = msgspec.structs.replace(judgement, fit=declared)
    with project.connect("check") as session:
        registered = registered_audiences(session, location)
        bound = [_bind(session, sync, location, registered) for sync in judgement.fit]
    # Of tags that columns name, only now is it known whether two models fight about one.
    reports = [(sync, Report(sync.name, sync.path)) for sync, _, _ in bound]
    report_tag_conflicts(reports)
    problems = [problem for _, _, found in bound for problem in found]
    if problems := [*problems, *(problem for _, report in reports for problem in report.problems)]:
        raise DeclarationError(render(problems))
    return Prepared(
        project=project,
        settings=settings,
        location=location,
        syncs=[(sync, spec) for sync, spec, _ in bound],
        registered=registered,
        unselected=frozenset({sync.slug for sync in everything} - {sync.slug for sync in judgement.fit}),
        held=judgement.held,
        notices=[*judgement.notices, *_of_package(project)],
    )


def _nothing_declared(project: DbtProject, location: Location, *, everything: bool) -> ConfigurationError:
    """Return the error for a project, or a selection, without syncs; it names the tags that earlier ones have left."""
    from dbt_drift.sync.departed import warning  # noqa: PLC0415 - it prepares syncs of its own

    advice = [
        (
            "Run `dbt-drift init`, or give a model `config: {meta: {drift: {fields: {email: <column>}}}}` "
            "and run `dbt build`."
        )
    ]
    if not everything:
        return ConfigurationError("No selected model declares a sync.", advice=advice[0])
    # Where the warehouse is away, that nothing is declared is still what has to be said.
    with contextlib.suppress(WarehouseError), project.connect("check") as session:
        left = [one for one in registered_audiences(session, location) if one.holders]
        advice += [warning(one, is_declared=False) for one in left]
    return ConfigurationError("No model of the project declares a sync.", advice="\n  ".join(advice))


def _of_package(project: DbtProject) -> list[str]:
    """Say if the project has installed our dbt package in another version than that of this program."""
    found = project.installed_package
    if found in {None, __version__}:
        return []
    notice = (
        f"The project has the dbt package dbt_drift {found}, and this is dbt-drift {__version__}: its post-hook stages "
        "nothing for `dbt-drift sync`, and its tests may judge otherwise. "
        f"Take the package of dbt-drift {__version__} in packages.yml (as `revision:`, its tag or commit) and run "
        f"`dbt deps`, or install dbt-drift {found}."
    )
    return [notice]


def _bind(
    session: Session, sync: Sync, location: Location, registered: Sequence[Registered]
) -> tuple[Sync, dict[str, Any], list[Problem]]:
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
    if problems:
        return sync, {}, problems
    expanded, problems = expand(session, sync, location, kinds, types, registered=registered)
    spec = sync_spec(expanded, location, kinds, types)
    # A column that names no tag today has its audience all the same.
    spec["tag_columns"] = [audience.tag_from for audience in sync.audiences if audience.tag_from]
    return expanded, spec, problems


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
    wrong += [
        (f"{audience.key}.tag_from",
         f"the column {audience.tag_from!r} is {types[audience.tag_from]}, not text or a list of texts",
         "Cast it to text in the model.")
        for audience in sync.audiences
        if audience.tag_from is not None
        and kinds[audience.tag_from] != "text"
        and not types[audience.tag_from].lower().endswith(("]", "array"))
    ]  # fmt: skip
    return [
        Problem(path=sync.path, model=sync.name, key=key, message=message, suggestion=suggestion)
        for key, message, suggestion in wrong
    ]
