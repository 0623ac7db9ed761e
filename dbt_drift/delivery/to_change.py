"""Turns a row of the delta into the change that Drift needs for that contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.ledger.wire import CLEARED, UNCERTAIN, to_json

if TYPE_CHECKING:
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.ledger.delta import DeltaRow

MatchOn = Literal["email", "externalId"]
_IDENTITIES = ("email", "externalId")
_MEMBER = {"+": msgspec.Raw(b"true"), "-": msgspec.Raw(b"false")}
"""The value of an attribute that stands for a tag, for members and for others."""


def contact_change(row: DeltaRow, sync: Sync) -> ContactChange:
    """Return what the model says about a contact and Drift does not have yet."""
    changed = {name for name, _, _ in attribute_changes(row, sync.match_on)}
    known = row.wanted or row.accepted
    in_place_of_tags = {one.tag: one.attribute for one in sync.audiences if one.attribute is not None}
    signs = tag_changes(row)
    kept = [(tag, sign) for tag, sign in row.wanted_tags.items() if row.accepted_tags.get(tag) == sign]
    return ContactChange(
        seq=row.seq,
        key=row.key,
        match_on=sync.match_on,
        contact_id=row.contact_id,
        # Only the key is known of an adopted contact.
        identity={name: _text(known[name]) for name in _IDENTITIES if name in known} or {sync.match_on: row.key},
        attributes={name: to_json(row.wanted[name]) for name in row.wanted if name in changed}
        | {in_place_of_tags[tag]: _MEMBER[sign] for tag, sign in signs if tag in in_place_of_tags},
        unchanged={
            name: to_json(wanted) for name, wanted in row.wanted.items() if name not in changed and wanted != CLEARED
        }
        | {in_place_of_tags[tag]: _MEMBER[sign] for tag, sign in kept if tag in in_place_of_tags},
        fill_only=frozenset(mapped.attribute for mapped in sync.attributes if not mapped.overwrite),
        add_tags=tuple(tag for tag, sign in signs if sign == "+" and tag not in in_place_of_tags),
        remove_tags=tuple(tag for tag, sign in signs if sign == "-" and tag not in in_place_of_tags),
        colors={one.tag: one.color for one in sync.audiences if one.color is not None},
        unchanged_tags=tuple(tag for tag, sign in kept if sign == "+" and tag not in in_place_of_tags),
        unchanged_removals=tuple(tag for tag, sign in kept if sign == "-" and tag not in in_place_of_tags),
        create_missing=sync.create_missing and not row.departed,
        deleted="leave" if row.departed else sync.on_deleted,
    )


def _text(wire: str) -> str:
    """Return the string of a wire text, certain or not: Drift may know the contact by it."""
    return wire.removeprefix(UNCERTAIN)[1:]


def attribute_changes(row: DeltaRow, match_on: MatchOn) -> list[tuple[str, str | None, str]]:
    """Return the attributes to send: name, wire text that Drift last accepted, wire text that the model wants.

    A contact that is found by its key already has the key, and e-mail addresses that differ in case are equal.
    """
    changes = []
    for name, wanted in row.wanted.items():
        accepted = row.accepted.get(name)
        if name == match_on and row.contact_id is not None:
            continue
        if accepted is not None and (accepted == wanted or (name == "email" and accepted.lower() == wanted.lower())):
            continue
        changes.append((name, accepted, wanted))
    return changes


def tag_changes(row: DeltaRow) -> list[tuple[str, str]]:
    """Return the tags to add (`+`) and to remove (`-`)."""
    return [(tag, sign) for tag, sign in row.wanted_tags.items() if row.accepted_tags.get(tag) != sign]
