"""A sync that is bound to its relation: the declaration, and what the relation's columns are.

This one value travels from binding to the ledger's macros, which get it as plain dicts (`Session.call`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from dbt_drift.declarations.audiences import AudienceMapping
from dbt_drift.declarations.sync import AttributeMapping, Sync

if TYPE_CHECKING:
    from collections.abc import Mapping

# Drift documents these as strings (devdocs.drift.com/docs/contact-model), whatever the model's column is.
_STRINGS = frozenset({"email", "name", "phone", "alias", "externalId"})

# Postgres cuts identifiers at 63 bytes; `old_attr_` stands before the longest use of a state name.
_LONGEST = 45


class Location(Struct, frozen=True):
    """The schema of the ledger, beside the models' schemas.

    Attributes:
        database: Its database; None on adapters without databases.
        schema: Its name.
        overlaid: The tables that a plan has temporarily, in the place of those in the schema.
    """

    database: str | None
    schema: str
    overlaid: tuple[str, ...] = ()


class BoundAttribute(AttributeMapping, frozen=True, kw_only=True):
    """A mapped attribute with what its column is.

    Attributes:
        kind: The kind of the column, as the macro `kind` names it.
        state: The ledger's column for the attribute.
        as_text: Whether its values are sent as strings.
        as_number: Whether a text column's values are sent as numbers.
        is_email: Whether it is the contact's e-mail address.
        is_custom: Whether the organisation defines its type.
        is_key: Whether the sync matches on it.
    """

    kind: str
    state: str
    as_text: bool
    as_number: bool
    is_email: bool
    is_custom: bool
    is_key: bool

    def sent_as(self, listed: str | None) -> BoundAttribute:
        """Return the attribute, its values sent as the type that Drift lists; None: as its column is."""
        as_text = not self.is_custom or listed == "STRING"
        return structs.replace(
            self, as_text=as_text, as_number=listed == "NUMERIC" and self.kind == "text" and not as_text
        )

    @property
    def is_string(self) -> bool:
        """Whether the values are sent as strings."""
        return not self.as_number if self.kind in {"text", "json"} else self.as_text


class BoundAudience(AudienceMapping, frozen=True, kw_only=True):
    """An audience with its column of the ledger.

    Attributes:
        state: The ledger's column for the audience.
        is_list: Whether `tag_from` is a column of lists.
    """

    state: str
    is_list: bool = False


class RowLabel(Struct, frozen=True):
    """The column that identifies a row for people, and its kind."""

    column: str
    kind: str


class BoundSync(Sync, frozen=True, kw_only=True):
    """A sync, its columns spelled as the relation spells them and its tags as the rows name them.

    Attributes:
        ledger: The location of its ledger.
        types: The warehouse's type of each column that the sync reads.
        key_column: The column of the attribute that the sync matches on.
        key_kind: The kind of that column.
        row_label: What identifies a row for people, where the model has that.
        attributes: The mapped attributes.
        audiences: The audiences, one for each tag that a column names.
        tag_columns: The columns that name tags, whether or not they name any today.
    """

    ledger: Location
    types: dict[str, str]
    key_column: str
    key_kind: str
    row_label: RowLabel | None
    attributes: tuple[BoundAttribute, ...]
    audiences: tuple[BoundAudience, ...]
    tag_columns: tuple[str, ...]

    def sent_as(self, listed: Mapping[str, str]) -> BoundSync:
        """Return the sync, its values sent as the types that Drift lists; those it does not list, as their columns are.

        Args:
            listed: The type of each attribute, in Drift's words.
        """
        return structs.replace(
            self, attributes=tuple(one.sent_as(listed.get(one.attribute)) for one in self.attributes)
        )


def bind_columns(sync: Sync, location: Location, kinds: Mapping[str, str], types: Mapping[str, str]) -> BoundSync:
    """Bind a sync to the columns of its relation, its values sent as the columns are.

    Args:
        sync: The sync, its columns resolved to the relation's own spelling.
        location: The location of its ledger.
        kinds: The kind of each column of the relation, as the macro `kind` names it.
        types: The type of each column, in the warehouse's words.
    """
    row_id = sync.row_id_column
    used = {mapping.column for mapping in sync.attributes} | {column for column in (row_id, sync.suppress) if column}
    used |= {column for a in sync.audiences for column in (a.when, a.tag_from) if column is not None}
    declared = structs.asdict(sync) | {
        "attributes": tuple(_bind_attribute(sync, mapping, kinds[mapping.column]) for mapping in sync.attributes),
        "audiences": tuple(bind_audience(audience, kinds) for audience in sync.audiences),
    }
    return BoundSync(
        **declared,
        ledger=location,
        types={column: types[column] for column in sorted(used)},
        key_column=sync.match_column,
        key_kind=kinds[sync.match_column],
        row_label=RowLabel(row_id, kinds[row_id]) if row_id else None,
        # A column that names no tag today has its audience all the same.
        tag_columns=tuple(audience.tag_from for audience in sync.audiences if audience.tag_from),
    )


def bind_audience(audience: AudienceMapping, kinds: Mapping[str, str]) -> BoundAudience:
    """Bind an audience to its column of the ledger."""
    is_list = audience.tag_from is not None and kinds[audience.tag_from] == "json"
    return BoundAudience(**structs.asdict(audience), state=audience_state(audience), is_list=is_list)


def _bind_attribute(sync: Sync, mapping: AttributeMapping, kind: str) -> BoundAttribute:
    return BoundAttribute(
        **structs.asdict(mapping),
        kind=kind,
        state=state_column("attr", mapping.attribute),
        as_text=mapping.attribute in _STRINGS,
        as_number=False,
        is_email=mapping.attribute == "email",
        is_custom=mapping.attribute not in _STRINGS,
        is_key=mapping.attribute == sync.match_on,
    )


def state_column(prefix: str, name: str) -> str:
    """Return the ledger's column for a Drift attribute (`attr`), a tag (`tag`) or an attribute in its place (`member`).

    Drift's names are case-sensitive and may hold anything, columns are neither: a name that cannot stand as it is gets
    a short hash, so that two names never share a column.

    >>> state_column("attr", "plan_tier")
    'attr_plan_tier'
    >>> state_column("tag", "VIP")
    'tag_vip_5a11e0'
    """
    plain = re.sub(r"[^a-z0-9_]", "_", name.lower())[:_LONGEST]
    if plain != name:
        plain = f"{plain[: _LONGEST - 7]}_{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:6]}"
    return f"{prefix}_{plain}"


def audience_state(audience: AudienceMapping) -> str:
    """Return the ledger's column for an audience: `tag_...`, or `member_...` for one that is written as an attribute.

    The prefix says by which calls it is written, and so whose acceptance counts when it is folded.
    """
    if audience.attribute is not None:
        return state_column("member", audience.attribute)
    return state_column("tag", audience.tag)
