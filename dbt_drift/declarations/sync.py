"""A declared sync: one typed, validated value per declared model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.declarations.audiences import AudienceMapping
from dbt_drift.declarations.definition import Guards, MatchOn, OnDeleted

if TYPE_CHECKING:
    from collections.abc import Iterator


class AttributeMapping(Struct, frozen=True):
    """One Drift attribute and its source column.

    Attributes:
        attribute: The attribute, spelled as Drift spells it.
        column: The column, as declared (``columns.resolve`` binds it to the relation's spelling).
        key: Where it was declared, such as ``meta.drift.fields.email`` or ``columns.phone.meta.drift``.
        overwrite: Whether to overwrite a value in Drift; False writes only if Drift has none.
        clears: Whether a null in the column clears the value that Drift accepted before.
    """

    attribute: str
    column: str
    key: str
    overwrite: bool = True
    clears: bool = False


class Sync(Struct, frozen=True, kw_only=True):
    """The validated declaration of one model, and the location of its rows.

    Attributes:
        unique_id: dbt's id of the node, such as ``model.jaffle.dim_contacts``.
        name: The name of the model, with ``.vN`` for a version.
        slug: Names the sync's own tables: at most 32 of a-z, 0-9 and _, unique in the project, stable between runs.
        package: The dbt package that it belongs to.
        database: The relation's database; None on adapters without databases (Spark).
        schema: The relation's schema.
        identifier: The relation's own name.
        relation_name: All three, quoted by dbt for its adapter.
        path: The properties file that declares the sync, else the model's own file, relative to the project; starts
            with ``package://`` if it belongs to an installed package.
        declared: The declaration as JSON with sorted keys: the macro `declared_sync` spells it the same way.
        match_on: The attribute that identifies a row's contact.
        suppress: The boolean column that is true for contacts to leave alone, or None.
        row_id: The column that identifies a row of the model, as declared; None for the default of `row_id_column`.
        create_missing: Whether to create a contact for a row without one.
        on_deleted: What to do if a remembered contact was deleted in Drift.
        attributes: The mapped attributes: email, then the others in the order of declaration.
        audiences: The tags that the model controls, in the order of declaration.
        guards: The model's own limits on what a sync may remove.
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
    suppress: str | None = None
    on_deleted: OnDeleted = "create"
    attributes: tuple[AttributeMapping, ...]
    audiences: tuple[AudienceMapping, ...]
    guards: Guards = Guards()

    @property
    def attribute_audiences(self) -> Iterator[AttributeMapping]:
        """The attributes that replace tags; `column` is the members' column, "" if every row is a member."""
        for audience in self.audiences:
            if audience.attribute is not None:
                yield AttributeMapping(audience.attribute, audience.when or "", f"{audience.key}.attribute")

    @property
    def match_column(self) -> str:
        """The column that holds the attribute the sync matches on."""
        return next(mapped.column for mapped in self.attributes if mapped.attribute == self.match_on)

    @property
    def row_id_column(self) -> str | None:
        """The column that identifies a row for users: `row_id`, else the mapped identity that is not matched on."""
        other = "email" if self.match_on == "externalId" else "externalId"
        return self.row_id or next((mapped.column for mapped in self.attributes if mapped.attribute == other), None)
