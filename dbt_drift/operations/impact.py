"""What a change of the project takes out of its declarations, told by two manifests, without a warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.problems import nearest
from dbt_drift.declarations.syncs import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.declarations.audiences import AudienceMapping
    from dbt_drift.declarations.manifest import Manifest
    from dbt_drift.declarations.sync import Sync


def impact(before: Manifest, after: Manifest) -> Iterator[str]:
    """Yield what `after` no longer fills in Drift, or fills from elsewhere, by model; with what Drift keeps.

    Args:
        before: The manifest of production.
        after: The manifest of the change. Declarations that are wrong are taken for absent: `check` reports them.
    """
    present = {sync.unique_id: sync for sync in examine(after)[0]}
    known = {sync.unique_id: sync for sync in examine(before)[0]}
    for unique_id, sync in known.items():
        if (now := present.get(unique_id)) is None:
            yield _left(sync, [one for one in present.values() if one.unique_id not in known])
            continue
        for change in (*_attributes(sync, now), *_audiences(sync, now), *_columns(now, before, after)):
            yield f"{sync.name}: {change}"


def _left(sync: Sync, new: list[Sync]) -> str:
    renamed = next((one.name for one in new if one.declared == sync.declared), None)
    if renamed is not None:
        return (
            f"{sync.name} declares no sync any more, and {renamed} declares the same. If the model was renamed, run "
            f"`dbt-drift rename {sync.name} {renamed}` before the next sync."
        )
    return f"{sync.name} declares no sync any more. Drift keeps the values and the tags of its contacts."


def _attributes(before: Sync, after: Sync) -> Iterator[str]:
    columns = {one.attribute: one.column for one in after.attributes}
    for one in before.attributes:
        if one.attribute not in columns:
            yield f"the attribute {one.attribute} is no longer mapped (column {one.column}). Drift keeps its values."
        elif (column := columns[one.attribute]) != one.column:
            yield f"the attribute {one.attribute} is filled from the column {column} instead of {one.column}."


def _audiences(before: Sync, after: Sync) -> Iterator[str]:
    left = {(one.identity, one.tag_from) for one in after.audiences}
    for one in before.audiences:
        if (one.identity, one.tag_from) not in left:
            yield f"{_audience(one)} declared. Contacts keep what they have until `dbt-drift untag`."


def _audience(one: AudienceMapping) -> str:
    if one.tag_from is not None:
        return f"the tags that the column {one.tag_from} names are no longer"
    if one.attribute is not None:
        return f"the audience of the attribute {one.attribute} is no longer"
    return f"the tag {one.tag} is no longer"


def _columns(sync: Sync, before: Manifest, after: Manifest) -> Iterator[str]:
    """Yield mapped columns that the properties or the contract of the model described before, and no longer do."""
    described = after.nodes[sync.unique_id].columns or {}
    names = {name.lower() for name in described}
    former = {name.lower() for name in before.nodes[sync.unique_id].columns or {}}
    used = {one.column: one.attribute for one in sync.attributes}
    used |= {column: one.identity.strip() for one in sync.audiences for column in (one.when, one.tag_from) if column}
    for column, filled in used.items():
        if column.lower() in former - names:
            near = nearest(column, described)
            hint = f" Did you mean `{near}`?" if near else ""
            yield f"the column {column} is gone from its properties, and {filled or 'its tags'} still needs it.{hint}"
