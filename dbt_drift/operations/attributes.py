"""The organisation's attributes, with the models that write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.syncs import declare
from dbt_drift.project.gateway import DbtProject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.drift.http.endpoints import Attribute
    from dbt_drift.project.options import ProjectOptions


class Writer(msgspec.Struct, frozen=True):
    """A column that fills an attribute.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name.
        column: The column, as declared; for an audience, its `when` column, or "" if every row is a member.
    """

    unique_id: str
    name: str
    column: str


class InventoryEntry(msgspec.Struct, frozen=True):
    """One attribute.

    Attributes:
        name: The name for a mapping.
        label: The name that people see in Drift; None if Drift does not list it.
        type: The type, in Drift's words; None if Drift does not list it.
        mapped_by: The columns that fill it.
    """

    name: str
    label: str | None
    type: str | None
    mapped_by: list[Writer]


def declared_syncs(options: ProjectOptions) -> list[Sync]:
    """Return the project's syncs, without using the warehouse.

    Raises:
        ConfigurationError: The project or its manifest cannot be read.
        DeclarationError: A declaration is wrong.
    """
    return declare(read_manifest(DbtProject.load(options).target_path / "manifest.json"))


def inventory(listed: Iterable[Attribute], syncs: Iterable[Sync]) -> list[InventoryEntry]:
    """Return every attribute that Drift lists or a model maps, by name."""
    writers: dict[str, list[Writer]] = {}
    for sync in syncs:
        for mapped in (*sync.attributes, *sync.attribute_audiences):
            writers.setdefault(mapped.attribute, []).append(Writer(sync.unique_id, sync.name, mapped.column))
    known = {attribute.name: attribute for attribute in listed}
    return [
        InventoryEntry(
            name=name,
            label=known[name].label if name in known else None,
            type=known[name].type if name in known else None,
            mapped_by=writers.get(name, []),
        )
        for name in sorted({*known, *writers}, key=lambda name: (name.casefold(), name))
    ]
