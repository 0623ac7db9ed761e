from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.declarations.syncs import declare
from dbt_drift.delivery.to_change import contact_change
from dbt_drift.ledger.delta import DeltaRow
from tests.support.projects import manifest, node

if TYPE_CHECKING:
    from dbt_drift.declarations.sync import Sync

FIELDS = {"email": "email", "externalId": "id", "name": "name", "seats": "seats", "plan": "plan"}


def declared(**keys: Any) -> Sync:
    (sync,) = declare(manifest(node(drift={"fields": FIELDS, **keys})))
    return sync


SYNC = declared()

KNOWN = DeltaRow(
    seq=7,
    departed=False,
    key="ada@example.com",
    contact_id=41,
    wanted={"email": '"ADA@example.com', "name": '"Ada "the" Great', "seats": "4", "plan": '"gold'},
    accepted={"email": '"ada@example.com', "name": '"Ada', "seats": "4", "phone": '"1'},
    wanted_tags={"VIP": "+", "Old": "-", "Kept": "+", "Lead": "-"},
    accepted_tags={"Old": "+", "Kept": "+", "Else": "+", "Lead": "-"},
)


def test_only_what_changed_is_asked_for_and_the_rest_kept_for_a_successor() -> None:
    change = contact_change(KNOWN, SYNC)
    assert change.attributes == {"name": 'Ada "the" Great', "plan": "gold"}
    assert change.unchanged == {"email": "ADA@example.com", "seats": msgspec.Raw(b"4")}
    assert (change.add_tags, change.remove_tags, change.unchanged_tags) == (("VIP",), ("Old",), ("Kept",))
    assert change.unchanged_removals == ("Lead",)
    assert (change.seq, change.contact_id, change.create_missing) == (7, 41, True)


def test_of_a_contact_without_an_id_everything_is_asked_for() -> None:
    change = contact_change(msgspec.structs.replace(KNOWN, contact_id=None, accepted={}, accepted_tags={}), SYNC)
    assert change.attributes.keys() == {"email", "name", "seats", "plan"}
    assert change.identity == {"email": "ADA@example.com"}
    assert change.unchanged == {}


def test_an_address_is_an_attribute_like_any_other_where_the_key_is_another() -> None:
    moved = {**KNOWN.wanted, "email": '"lovelace@example.com', "externalId": '"c-1'}
    accepted = {**KNOWN.accepted, "externalId": '"c-1'}
    change = contact_change(
        msgspec.structs.replace(KNOWN, wanted=moved, accepted=accepted), declared(match_on="externalId")
    )
    assert change.attributes["email"] == "lovelace@example.com"
    assert "externalId" not in change.attributes
    assert change.identity == {"email": "lovelace@example.com", "externalId": "c-1"}


def test_whoever_left_is_known_by_what_was_accepted_and_never_made() -> None:
    left = msgspec.structs.replace(KNOWN, departed=True, wanted={}, wanted_tags={"Old": "-"})
    change = contact_change(left, SYNC)
    assert change.identity == {"email": "ada@example.com"}
    assert (change.attributes, change.add_tags, change.remove_tags) == ({}, (), ("Old",))
    assert (change.create_missing, change.deleted) == (False, "leave")


def test_the_declaration_says_what_is_left_alone_and_whether_contacts_are_made() -> None:
    fields = {**FIELDS, "phone": {"column": "phone", "overwrite": False}}
    change = contact_change(KNOWN, declared(fields=fields, create_missing=False, on_deleted="reject"))
    assert change.fill_only == {"phone"}
    assert (change.create_missing, change.deleted) == (False, "reject")
    assert (contact_change(KNOWN, SYNC).fill_only, contact_change(KNOWN, SYNC).deleted) == (frozenset(), "create")


def test_a_value_is_cleared_once_and_not_in_a_successor() -> None:
    clearing = msgspec.structs.replace(
        KNOWN, wanted={**KNOWN.wanted, "plan": "null", "seats": "null"}, accepted={**KNOWN.accepted, "seats": "null"}
    )
    change = contact_change(clearing, SYNC)
    assert change.attributes["plan"] == msgspec.Raw(b"null")
    assert "seats" not in {**change.attributes, **change.unchanged}
