"""Compares declarations with the relations in the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.binding.tag_columns import expand
from dbt_drift.binding.undeclared_tags import still_decides
from dbt_drift.declarations.columns import described_columns, resolve
from dbt_drift.declarations.conflicts import report_tag_conflicts
from dbt_drift.declarations.problems import Problem, Report, render
from dbt_drift.declarations.sync import Sync
from dbt_drift.errors import DeclarationError, WarehouseError
from dbt_drift.escaping import escaped
from dbt_drift.ledger.bound_sync import BoundSync, bind_columns
from dbt_drift.ledger.registry import Registry, Tagged, count_tagged, read_registry
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt_drift.declarations.manifest import Manifest
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session


class Bound(msgspec.Struct, frozen=True):
    """The outcome of binding.

    Attributes:
        syncs: The syncs whose relations exist.
        registry: What the ledger has on record.
        undeclared: As in `Prepared`.
        unbuilt: The syncs whose relations could not be read.
        notices: Notices about these.
    """

    syncs: list[BoundSync]
    registry: Registry = Registry()
    undeclared: list[Tagged] = []
    unbuilt: list[Sync] = []
    notices: list[str] = []


def bind(
    project: DbtProject,
    location: Location,
    syncs: list[Sync],
    manifest: Manifest,
    *,
    declared: Sequence[Sync],
    needs_relations: bool,
) -> Bound:
    """Compare declarations with their relations.

    Args:
        project: The dbt project.
        location: The location of the ledger.
        syncs: The declared syncs to use.
        manifest: The project's nodes.
        declared: All declared syncs.
        needs_relations: Whether it is an error if the warehouse cannot be reached, or lacks a relation.

    Raises:
        DeclarationError: A declaration does not fit its relation. Names every mistake.
        WarehouseError: The warehouse cannot be reached.
    """
    try:
        with project.connect("check") as session:
            registry = read_registry(session, location)
            looked_at = [(sync, _columns(session, sync)) for sync in syncs]
            found = [_bind(session, sync, location, registry, columns) for sync, columns in looked_at if columns]
            undeclared = _undeclared(session, location, registry, declared, [sync for sync, _ in found])
    except WarehouseError as error:
        if needs_relations:
            raise
        away = f"The warehouse cannot be reached, so no column is checked: {error}"
        registry, undeclared = Registry(), []
        looked_at, found, notices = [(sync, []) for sync in syncs], [], [away]
    else:
        notices = []
    # Only now are the tags known that columns name, so that two models may claim the same one.
    reports = [(sync, Report(sync.name, sync.path)) for sync, _ in found]
    report_tag_conflicts(reports)
    problems = [problem for _, own in found for problem in own]
    problems += [problem for _, report in reports for problem in report.problems]
    unbuilt = [sync for sync, columns in looked_at if not columns]
    for sync in unbuilt:
        certain, likely = described_columns(sync, manifest.nodes[sync.unique_id])
        problems += certain
        if needs_relations:
            problems += [_not_built(sync), *likely]
        else:
            notices += [f"{one.model} ({one.path}): {one.key}: {one.message}. {one.suggestion}" for one in likely]
    if problems:
        raise DeclarationError(render(problems))
    return Bound([sync for sync, _ in found if isinstance(sync, BoundSync)], registry, undeclared, unbuilt, notices)


def _undeclared(
    session: Session, location: Location, registry: Registry, declared: Sequence[Sync], found: Sequence[Sync]
) -> list[Tagged]:
    """Return the audiences that left the declarations and whose tag contacts carry."""
    bound = {sync.slug: sync for sync in found if isinstance(sync, BoundSync)}
    unselected = {sync.slug for sync in declared} - bound.keys()
    left = [one for one in registry.audiences if one.slug not in unselected and not still_decides(bound, one)]
    return [one for one in count_tagged(session, location, registry, left) if one.tagged_contacts]


def _columns(session: Session, sync: Sync) -> list[dict[str, str]]:
    """Return the columns of the model's relation; none where the warehouse does not have it."""
    place = {"database": sync.database, "schema": sync.schema, "identifier": sync.identifier}
    columns: list[dict[str, str]] = session.call("model_columns", sync=place)
    return columns


def _not_built(sync: Sync) -> Problem:
    return Problem(
        path=sync.path,
        model=sync.name,
        key="",
        message=f"the relation {escaped(sync.relation_name)} is not in the warehouse",
        suggestion=f"Run `dbt build --select {sync.name}` with the same target first.",
    )


def _bind(
    session: Session,
    sync: Sync,
    location: Location,
    registry: Registry,
    columns: Sequence[Mapping[str, str]],
) -> tuple[Sync, list[Problem]]:
    """Bind a declaration to the relation that the warehouse has; what does not fit stays unbound."""
    sync, problems = resolve(sync, [column["name"] for column in columns])
    kinds = {column["name"]: column["kind"] for column in columns}
    types = {column["name"]: column["type"] for column in columns}
    if not problems:
        problems = _misfits(sync, kinds, types)
    if problems:
        return sync, problems
    bound, problems = expand(session, bind_columns(sync, location, kinds, types), registry=registry)
    return bound, problems + _too_wide(session, bound)


def _too_wide(session: Session, sync: Sync) -> list[Problem]:
    """Report more attributes and tags than the warehouse can compare at once."""
    most = session.call("most_states")
    attributes, audiences = len(sync.attributes), len(sync.audiences)
    if most is None or attributes + audiences <= most:
        return []
    return [
        Problem(
            path=sync.path,
            model=sync.name,
            key="meta.drift.fields",
            message=f"{counted(attributes, 'column')} and {counted(audiences, 'audience')} are mapped, and this "
            f"warehouse compares at most {most} of both together",
            suggestion="Split the model into several that map the same key and different attributes.",
        )
    ]


def _misfits(sync: Sync, kinds: dict[str, str], types: dict[str, str]) -> list[Problem]:
    """Return a problem for each column of the wrong type."""
    wrong = []
    if sync.suppress is not None and kinds[sync.suppress] != "boolean":
        wrong.append((
            "meta.drift.suppress", f"the column {sync.suppress!r} is {types[sync.suppress]}, not boolean",
            "Make it a condition in the model, such as `unsubscribed_at is not null as is_unsubscribed`.",
        ))  # fmt: skip
    wrong += [
        (mapping.key, f"the column {mapping.column!r} is {types[mapping.column]}, which Drift has no type for",
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
