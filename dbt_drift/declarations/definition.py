"""The single definition of what users write under ``meta.drift``.

Validation (``shape``), the reference page (``reference``) and the JSON Schema for editors (``schema``) all derive from
these types. Besides ``msgspec.Meta``'s own keywords, the ``extra`` of an annotation holds texts for errors only:

- ``refused``: values that users may expect here, each with the reason why it is not offered;
- ``hint``: what to write instead of any other invalid value.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from dbt_drift.declarations.attributes import READ_ONLY, STANDARD

NAME_PATTERN = r"^\S(.*\S)?(?![\s\S])"
"""A name: one line, not empty, no outer blanks. It ends in a lookahead, because ``$`` ignores a final newline."""

MatchOn: TypeAlias = Literal["email", "externalId"]
AudienceMode: TypeAlias = Literal["add", "remove", "mirror"]
Nulls: TypeAlias = Literal["skip", "clear"]
OnDeleted: TypeAlias = Literal["create", "reject"]

AttributeName: TypeAlias = Annotated[
    str,
    Meta(
        title="Drift attribute",
        description="The name of a Drift contact attribute, spelled as Drift spells it.",
        examples=["email", "externalId", "plan_tier"],
        pattern=NAME_PATTERN,
        extra_json_schema={"not": {"enum": sorted(READ_ONLY)}},
    ),
]
"""Also the short form: the value of a column's ``meta.drift``."""

ColumnName: TypeAlias = Annotated[str, Meta(pattern=NAME_PATTERN)]

Overwrite: TypeAlias = Annotated[
    bool,
    Meta(
        description=(
            "`false` writes the attribute only where Drift has no value for it, so that what people typed there stays."
        ),
        extra={"hint": "Write `true` or `false`, without quotes."},
    ),
]

FieldNulls: TypeAlias = Annotated[
    Nulls | None,
    Meta(description="What a null of this column does. Left out: what the model's own `nulls` says."),
]


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The long form of a member of `fields`: the column, and how its values are written."""

    column: Annotated[ColumnName, Meta(description="The column of the model.", examples=["phone_number"])]
    overwrite: Overwrite = True
    nulls: FieldNulls = None


class ColumnField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The long form of a column's own `meta.drift`: the attribute that it fills, and how its values are written."""

    attribute: AttributeName
    overwrite: Overwrite = True
    nulls: FieldNulls = None


ColumnMeta: TypeAlias = AttributeName | ColumnField
"""The value of a column's ``meta.drift``."""

_STANDARD_FIELDS = {
    name: {"description": meaning, "anyOf": [{"type": "string", "pattern": NAME_PATTERN}, {"$ref": "#/$defs/Field"}]}
    for name, meaning in STANDARD.items()
}
"""Lets editors offer the standard attributes. Other members of ``fields`` are custom attributes."""

_ONLY_UPSERT = "is not offered, only `upsert` is: Drift's API creates or changes single contacts and cannot list them"
_UPSERT_IS_BOTH = f"{_ONLY_UPSERT}. With it, a row without a contact creates one and any other row changes its contact"


class Audience(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Drift contact tag, the tags that a column names, or a yes-no attribute, and which rows carry it."""

    mode: Annotated[
        AudienceMode,
        Meta(
            description=(
                "`add` gives the tag to every member. `remove` takes it away from every member. `mirror` gives it to "
                "every member, and takes it away again from contacts that are no longer members."
            ),
            extra={
                "refused": {
                    "upsert": "is a mode of contacts, not of audiences: `mirror` is what gives the tag to members and "
                    "takes it away from those who no longer are"
                }
            },
        ),
    ]
    when: Annotated[
        ColumnName | None,
        Meta(
            description="A boolean column of the model, true for members. Without it, every row is a member.",
            examples=["is_vip"],
            extra={"hint": "Name a boolean column, or leave `when` out if every row is a member."},
        ),
    ] = None
    tag: Annotated[
        Annotated[str, Meta(pattern=NAME_PATTERN)] | None,
        Meta(
            description="The tag's name in Drift. Each audience needs `tag`, `tag_from` or `attribute`.",
            examples=["VIP"],
        ),
    ] = None
    tag_from: Annotated[
        ColumnName | None,
        Meta(
            description="Instead of `tag`: a column with the row's tag as text, or its tags as a list of texts.",
            examples=["plan_tag"],
        ),
    ] = None
    color: Annotated[
        Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{6}(?![\s\S])")] | None,
        Meta(
            description="The colour of the tag: six hexadecimal digits. Without it, Drift chooses.",
            examples=["ff69b4"],
            extra={"hint": "Write six hexadecimal digits in quotes, without #: `'ff69b4'`."},
        ),
    ] = None
    attribute: Annotated[
        AttributeName | None,
        Meta(
            description=(
                "Instead of `tag`, if your Drift has no contact tags: a yes-no attribute. It is set to true where a "
                "tag would be added, and to false where a tag would be removed."
            ),
            examples=["is_vip"],
        ),
    ] = None


class Guards(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a sync may remove before it is blocked. The settings have the limits that a model leaves out."""

    most: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(
            description="The number of contacts that may lose one tag, or the values of one attribute.", examples=[5000]
        ),
    ] = None
    share: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(
            description="The share of the contacts with a tag or a value that may lose it; 1 for any share.",
            examples=[0.5],
        ),
    ] = None
    shrink: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="The share of the rows of the last sync that may be gone; 1 for any share.", examples=[0.8]),
    ] = None


class Declaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contacts, attributes and tags that one model keeps up to date in Drift."""

    object: Annotated[
        Literal["contacts"],
        Meta(
            description="The Drift object that each row of the model stands for.",
            extra={"hint": "Contacts are the only Drift object that dbt-drift writes: leave `object` out."},
        ),
    ] = "contacts"
    mode: Annotated[
        Literal["upsert"],
        Meta(
            description=(
                "How rows become contacts: a row whose contact exists changes it, any other row creates one. "
                "Contacts are never deleted."
            ),
            extra={
                "refused": {
                    "insert": _UPSERT_IS_BOTH,
                    "update": _UPSERT_IS_BOTH,
                    "mirror": f"{_ONLY_UPSERT}. What can be mirrored are audiences",
                }
            },
        ),
    ] = "upsert"
    match_on: Annotated[
        MatchOn,
        Meta(description="The attribute that identifies the contact of a row. To match on `externalId`, map it."),
    ] = "email"
    fields: Annotated[
        dict[AttributeName, ColumnName | Field],
        Meta(
            description=(
                "Drift attribute: column of the model, or the long form. `email` is required, here or under its "
                "column. An attribute that Drift does not know yet becomes a custom attribute."
            ),
            examples=[{"email": "email", "name": "full_name", "plan_tier": "plan"}],
            extra={"hint": "Write one `attribute: column` per line."},
            extra_json_schema={"properties": _STANDARD_FIELDS},
        ),
    ] = {}
    row_id: Annotated[
        ColumnName | None,
        Meta(
            description=(
                "A column that identifies a rejected row for people. It is not sent. Without it: the column of "
                "`externalId`, or of `email` if `match_on` is `externalId`, if it is mapped."
            ),
            examples=["customer_id"],
        ),
    ] = None
    nulls: Annotated[
        Nulls,
        Meta(
            description=(
                "What a null does. `skip` leaves the value in Drift; `clear` asks Drift to clear the value that an "
                "earlier sync wrote. `email` and `externalId` are never cleared."
            )
        ),
    ] = "skip"
    create_missing: Annotated[
        bool,
        Meta(
            description=(
                "`false` creates no contacts: a row that Drift does not know is skipped, which is no failure. Five "
                "syncs look it up, then only a change of the row or `dbt-drift retry` does."
            ),
            extra={"hint": "Write `true` or `false`, without quotes."},
        ),
    ] = True
    suppress: Annotated[
        ColumnName | None,
        Meta(
            description=(
                "A boolean column of the model, true for people who are not to be contacted. Their contacts are not "
                "created and not changed, but lose the tags that a mirror has set."
            ),
            examples=["is_unsubscribed"],
            extra={"hint": "Name a boolean column that is true for the contacts to leave alone."},
        ),
    ] = None
    on_deleted: Annotated[
        OnDeleted,
        Meta(
            description=(
                "What to do about a contact that somebody deleted in Drift. `create` creates it again, if "
                "`create_missing` allows it; `reject` rejects its row."
            )
        ),
    ] = "create"
    audiences: Annotated[
        list[Audience],
        Meta(
            description="The tags that the model gives and takes away.",
            examples=[[{"tag": "VIP", "mode": "mirror"}]],
            extra={"hint": "Write each audience as an item of a list: `- tag: VIP` and `mode: mirror` below it."},
        ),
    ] = []
    guards: Annotated[
        Guards | None,
        Meta(
            description="Limits of this model instead of the project's. [What they guard](../how-to/guards.md)",
            examples=[{"share": 0.5}],
            extra={"hint": "Write `most:`, `share:` or `shrink:` below `guards:`."},
        ),
    ] = None


DriftMeta: TypeAlias = Annotated[
    Declaration,
    Meta(extra={"hint": "Write `fields:` below `drift:`; `drift: false` says that the model is not synced."}),
]
"""The value of a model's ``meta.drift``."""
