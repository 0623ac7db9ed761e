"""From the user's flags to syncs that can be staged: project, manifest, declarations, selection, columns.

All mistakes are found here, before anything is written or sent, and reported together.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from dbt_drift import __version__
from dbt_drift.binding.artifact_target import refuse_manifest_of_another, refuse_results_of_another
from dbt_drift.binding.bind import bind
from dbt_drift.binding.last_build import Blocked, BuildCheck, check_last_build
from dbt_drift.binding.prepared import Prepared
from dbt_drift.binding.run_results import read_builds
from dbt_drift.binding.settings import Settings, read_settings
from dbt_drift.binding.undeclared_tags import warning
from dbt_drift.binding.unparsed_edits import edited_since_parsed
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.problems import nearest
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError, WarehouseError
from dbt_drift.ledger.bound_sync import Location
from dbt_drift.ledger.registry import count_tagged, read_registry
from dbt_drift.project.gateway import DbtProject
from dbt_drift.project.options import ProjectOptions, Selection

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from os import PathLike

    from dbt_drift.declarations.sync import Sync


_ALL = Selection()


def locate(options: ProjectOptions) -> tuple[DbtProject, Settings, Location]:
    """Read the project and return it with its settings and the location of its ledger; opens no connection.

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


def _locate_beside(options: ProjectOptions, target: str) -> tuple[DbtProject, Settings, Location]:
    """Return the same with the ledger of another target, which the connection of this one has to reach."""
    # dbt's flags are those of the project that was loaded last.
    other, _, location = locate(msgspec.structs.replace(options, target=target))
    project, settings, _ = locate(options)
    if other.adapter_type != project.adapter_type:
        raise ConfigurationError(
            f"The target {target} is on {other.adapter_type}, and the target {project.target_name} on "
            f"{project.adapter_type}: one statement cannot compare both.",
            advice="Name a target on the same warehouse.",
        )
    return project, settings, location


def prepare(
    options: ProjectOptions,
    selection: Selection = _ALL,
    *,
    unique_ids: Collection[str] | None = None,
    ledger_target: str | None = None,
    needs_syncs: bool = True,
    needs_relations: bool = True,
    heed_last_build: bool = False,
    tell_of_last_build: bool = False,
    run_results: Sequence[str | PathLike[str]] = (),
) -> Prepared:
    """Read the project and check everything that the selected syncs need.

    Args:
        options: dbt's own flags.
        selection: The declared models to use.
        unique_ids: The declared models to use, by dbt's ids; None for those of the selection.
        ledger_target: The dbt target whose ledger is read, for a plan; None for that of the models.
        needs_syncs: Whether a project that declares nothing is an error.
        needs_relations: Whether it is an error if the warehouse cannot be reached, or lacks a relation.
        heed_last_build: Whether to leave out models that dbt's last command did not build, or did not build well.
        tell_of_last_build: Whether to report these models, but to leave none out.
        run_results: The files and folders that say what dbt built; none: the file of the target folder.

    Raises:
        ConfigurationError: The project, its profile, its settings, its manifest or a selector is wrong, dbt's artifacts
            are of another target, or nothing is declared.
        DeclarationError: A declaration is wrong, or does not fit the model's relation. Names every mistake.
        WarehouseError: The warehouse cannot be reached.
    """
    project, settings, location = locate(options) if ledger_target is None else _locate_beside(options, ledger_target)
    manifest_path = project.target_path / "manifest.json"
    manifest = read_manifest(manifest_path)
    chosen = project.select(manifest_path, selection) if selection.is_made else unique_ids
    everything = declare(manifest)
    declared = [sync for sync in everything if chosen is None or sync.unique_id in chosen]
    if not declared and needs_syncs:
        raise _nothing_declared(project, location, selection, everything)
    refuse_manifest_of_another(project, manifest_path, declared)
    check = BuildCheck(declared)
    if heed_last_build or tell_of_last_build:
        builds = read_builds(project.target_path, run_results)
        for build in builds:
            refuse_results_of_another(project, build, declared)
        check = check_last_build(
            declared, manifest, builds, source_file=project.source_file, are_named=selection.is_made
        )
    edited = edited_since_parsed(manifest, project.target_path, project.root)
    check = _without_edited(check, edited, heed=heed_last_build or tell_of_last_build)
    if tell_of_last_build:
        check = msgspec.structs.replace(check, fit=declared)
    bound = bind(project, location, check.fit, manifest, declared=everything, needs_relations=needs_relations)
    return Prepared(
        project=project,
        settings=settings,
        location=location,
        syncs=bound.syncs,
        registry=bound.registry,
        undeclared=bound.undeclared,
        unselected=frozenset({sync.slug for sync in everything} - {sync.slug for sync in bound.syncs}),
        blocked=check.blocked,
        unbuilt=bound.unbuilt,
        notices=[*check.notices, *bound.notices, *_of_package(project)],
    )


def _without_edited(check: BuildCheck, edited: Mapping[str, str], *, heed: bool) -> BuildCheck:
    """Block the syncs whose declaration was edited and not parsed: the manifest has the old one."""
    fit = [sync for sync in check.fit if not heed or sync.unique_id not in edited]
    blocked = {sync: edited[sync.unique_id] for sync in check.fit if sync not in fit}
    # The manifest does not have a model yet that the file declares only now, and still has one that left the file.
    others = [
        f"{what} ({unique_id}). Run `dbt parse`."
        for unique_id, what in edited.items()
        if unique_id not in {sync.unique_id for sync in (*blocked, *(one.sync for one in check.blocked))}
    ]
    return BuildCheck(
        fit,
        [
            *check.blocked,
            *(
                Blocked(sync, f"Blocked, with nothing sent: {what}.\n  Run `dbt parse`, then sync.")
                for sync, what in blocked.items()
            ),
        ],
        [*check.notices, *others],
    )


def _nothing_declared(
    project: DbtProject, location: Location, selection: Selection, everything: list[Sync]
) -> ConfigurationError:
    """Return the error for a project, or a selection, without syncs; it names tags that earlier syncs have left."""
    names = [sync.name for sync in everything]
    if names and selection.is_made:
        near = [f"Did you mean `{name}`?" for word in selection.select if (name := nearest(word, names))]
        declared = f"These models do: {', '.join(names)}."
        return ConfigurationError("No selected model declares a sync.", advice=" ".join([*near, declared]))
    advice = [
        (
            "Run `dbt-drift init`, or give a model `config: {meta: {drift: {fields: {email: <column>}}}}` "
            "and run `dbt build`."
        )
    ]
    # Without the warehouse, the error is the same.
    with contextlib.suppress(WarehouseError), project.connect("check") as session:
        registry = read_registry(session, location)
        left = count_tagged(session, location, registry, registry.audiences)
        advice += [warning(one, is_declared=False) for one in left if one.tagged_contacts]
    return ConfigurationError("No model of the project declares a sync.", advice="\n  ".join(advice))


def _of_package(project: DbtProject) -> list[str]:
    """Return a notice if the project has installed the dbt package in another version than this program's."""
    found = project.installed_package
    if found in {None, __version__}:
        return []
    notice = (
        f"The project has the dbt package dbt_drift {found}, and this is dbt-drift {__version__}: its post-hook stages "
        "nothing for `dbt-drift sync`, and its tests may differ from it. "
        f"Set `revision:` in packages.yml to the tag or commit of dbt-drift {__version__} and run `dbt deps`, or "
        f"install dbt-drift {found}."
    )
    return [notice]
