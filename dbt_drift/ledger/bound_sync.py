"""What the macros are told of a sync: plain dicts, the way Jinja likes them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.declarations.audiences import AudienceMapping
    from dbt_drift.declarations.sync import Sync

# Drift documents these as strings (devdocs.drift.com/docs/contact-model), whatever the model's column is.
_STRINGS = frozenset({"email", "name", "phone", "alias", "externalId"})

# Postgres cuts identifiers at 63 bytes; `old_attr_` stands before the longest use of a state name.
_LONGEST = 45


class Location(msgspec.Struct, frozen=True):
    """Where the ledger lies: a schema of its own beside the models'."""

    database: str | None
    schema: str


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


def with_types(spec: dict[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """Return the view of a sync whose values are sent as the types say.

    Args:
        spec: What `sync_spec` returned.
        types: The type of each attribute that Drift lists, in its words; the others are sent as their columns are.
    """
    parts = [
        part | _sent_as(part["attribute"], part["kind"], types.get(part["attribute"])) for part in spec["attributes"]
    ]
    return spec | {"attributes": parts}


def _sent_as(attribute: str, kind: str, listed: str | None = None) -> dict[str, bool]:
    as_text = attribute in _STRINGS or listed == "STRING"
    return {"as_text": as_text, "as_number": listed == "NUMERIC" and kind == "text" and not as_text}


def sync_spec(sync: Sync, location: Location, kinds: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    """Return the macros' view of a sync, its values sent as their columns are.

    Args:
        sync: The sync, its columns resolved to the relation's own spelling.
        location: Where the ledger lies.
        kinds: The kind of each column of the relation, as the macro `kind` tells it.
        types: Its type, in the warehouse's own words.
    """
    used = {mapping.column for mapping in sync.attributes}
    row_id = sync.row_id_column
    used |= {row_id} if row_id else set()
    used |= {column for a in sync.audiences for column in (a.when, a.tag_from) if column is not None}
    key_column = next(m.column for m in sync.attributes if m.attribute == sync.match_on)
    return {
        "slug": sync.slug,
        "model": sync.name,
        "unique_id": sync.unique_id,
        "database": sync.database,
        "schema": sync.schema,
        "identifier": sync.identifier,
        "ledger": {"database": location.database, "schema": location.schema},
        "match_on": sync.match_on,
        "types": {column: types[column] for column in sorted(used)},
        "key_column": key_column,
        "key_kind": kinds[key_column],
        "row_id": {"column": row_id, "kind": kinds[row_id]} if row_id else None,
        "attributes": [
            {
                "attribute": mapping.attribute,
                "column": mapping.column,
                "kind": kinds[mapping.column],
                "state": state_column("attr", mapping.attribute),
                **_sent_as(mapping.attribute, kinds[mapping.column]),
                "is_email": mapping.attribute == "email",
                "is_custom": mapping.attribute not in _STRINGS,
                "is_key": mapping.attribute == sync.match_on,
                "clears": mapping.clears,
            }
            for mapping in sync.attributes
        ],
        "audiences": [
            {
                "tag": audience.tag,
                "mode": audience.mode,
                "when": audience.when,
                "tag_from": audience.tag_from,
                "is_list": audience.tag_from is not None and kinds[audience.tag_from] == "json",
                "state": audience_state(audience),
            }
            for audience in sync.audiences
        ],
    }
