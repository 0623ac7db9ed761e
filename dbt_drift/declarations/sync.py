"""A sync as it is declared: one typed, validated value per declared model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.declarations.audiences import AudienceMapping
from dbt_drift.declarations.definition import Guards, MatchOn, OnDeleted

if TYPE_CHECKING:
    from collections.abc import Iterator


class AttributeMapping(Struct, frozen=True):
    """One Drift attribute and the column that it comes from.

    Attributes:
        attribute: The attribute, spelled as Drift spells it.
        column: The column, as declared (``columns.resolve`` binds it to the relation's spelling).
        key: Where it was declared, such as ``meta.drift.fields.email`` or ``columns.phone.meta.drift``.
        overwrite: False to write it only where Drift has no value for it.
        clears: Whether a null of the column takes away what Drift accepted before.
    """

    attribute: str
    column: str
    key: str
    overwrite: bool = True
    clears: bool = False


class Sync(Struct, frozen=True, kw_only=True):
    """What one model says about Drift, validated, and where its rows are.

    Attributes:
        unique_id: dbt's id of the node, such as ``model.jaffle.dim_contacts``.
        name: The name of the model, with ``.vN`` for a version.
        slug: What names the sync's own tables: at most 32 of a-z, 0-9 and _, unique in the project, stable over runs.
        package: The package that it belongs to.
        database: The relation's database; None on adapters without databases (Spark).
        schema: The relation's schema.
        identifier: The relation's own name.
        relation_name: All three, quoted by dbt for its adapter.
        path: The properties file that declares the sync, else the model's own file, relative to the project; with
            ``package://`` in front where it belongs to an installed package.
        declared: What the node declares, as JSON with sorted keys: the macro `declared_sync` spells it the same way.
        match_on: The attribute that says which contact a row is.
        row_id: The column that says which row of the model a row is, as declared; None for `row_id_column`'s default.
        create_missing: Whether a row without a contact makes one.
        on_deleted: What to do when a remembered contact was deleted in Drift.
        attributes: The mapped attributes: email, then the others in the order of declaration.
        audiences: The tags that the model decides about, in the order of declaration.
        guards: Its own limits of what a sync may take away.
    """

    unique_id: str
    name: str
    slug: str
    package: str
    database: str | None
    schema: str
    identifier: str
    relation_name: str
    path: str
    declared: str
    match_on: MatchOn
    row_id: str | None = None
    create_missing: bool = True
    on_deleted: OnDeleted = "create"
    attributes: tuple[AttributeMapping, ...]
    audiences: tuple[AudienceMapping, ...]
    guards: Guards = Guards()

    @property
    def attribute_audiences(self) -> Iterator[AttributeMapping]:
        """The attributes in the place of tags; `column` is that of the members, "" where every row is one."""
        for audience in self.audiences:
            if audience.attribute is not None:
                yield AttributeMapping(audience.attribute, audience.when or "", f"{audience.key}.attribute")

    @property
    def match_column(self) -> str:
        """The column that holds the attribute the sync matches on."""
        return next(mapped.column for mapped in self.attributes if mapped.attribute == self.match_on)

    @property
    def row_id_column(self) -> str | None:
        """The column that identifies a row for people: `row_id`, else the mapped identity that is not matched on."""
        other = "email" if self.match_on == "externalId" else "externalId"
        return self.row_id or next((mapped.column for mapped in self.attributes if mapped.attribute == other), None)
