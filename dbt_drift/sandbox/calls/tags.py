"""The calls on the tags of a contact.

Source: Drift's own client drift-python 1.1.3 (`drift/contacts.py`). The newer edition of devdocs.drift.com says that
tags can no longer be applied to contacts; `Behaviour.tags` offers both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from dbt_drift.sandbox.calls.answers import RefusedError, data, yes
from dbt_drift.sandbox.calls.documents import tags_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.sandbox.calls.answers import Answer
    from dbt_drift.sandbox.calls.call import Call
    from dbt_drift.sandbox.calls.store import Contact

_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Tag(msgspec.Struct):
    name: _Name
    color: str | None = None


def list_tags(call: Call) -> Answer:
    """Answer `GET /contacts/{id}/tags`."""
    contact = _contact(call)
    return data(tags_shown(contact, call.behaviour), contact_id=contact.id)


def add_tags(call: Call) -> Answer:
    """Answer `POST /contacts/{id}/tags`, a bare array of `{"name", "color"}`. Existing tags are kept."""
    contact = _contact(call)
    tags = {tag.name: tag.color for tag in call.read(list[_Tag])}
    if call.behaviour.tags == "live":
        call.organisation.apply_tags(contact, tags)
    return _done(call, contact)


def remove_tag(call: Call) -> Answer:
    """Answer `DELETE /contacts/{id}/tags/{name}`."""
    contact = _contact(call)
    if call.behaviour.tags == "live":
        call.organisation.remove_tags(contact, call.params[1:])
    return _done(call, contact)


def remove_tags(call: Call) -> Answer:
    """Answer `POST /contacts/{id}/tags/delete/_bulk`, a bare array of names."""
    contact = _contact(call)
    names = call.read(list[_Name])
    if call.behaviour.tags == "live":
        call.organisation.remove_tags(contact, names)
    return _done(call, contact)


def read_tags(value: Any) -> dict[str, str | None]:
    """Read `attributes.tags` of a contact.

    Returns:
        The color, if any, by name.

    Raises:
        RefusedError: The value is not a list of `{"name", "color"}`: 400.
    """
    try:
        return {tag.name: tag.color for tag in msgspec.convert(value, list[_Tag])}
    except msgspec.ValidationError as error:
        raise RefusedError(400, f"The attribute tags cannot be read: {error}") from error


def write_tags(call: Call, contact: Contact, tags: Mapping[str, str | None]) -> None:
    """Apply `attributes.tags` of a write. Drift does not document whether this replaces or merges tags."""
    if call.behaviour.tags != "live" or call.behaviour.tags_in_contact == "ignore":
        return
    if call.behaviour.tags_in_contact == "replace":
        call.organisation.remove_tags(contact, [name for name in contact.tags if name not in tags])
    call.organisation.apply_tags(contact, tags)


def _done(call: Call, contact: Contact) -> Answer:
    return yes(call.behaviour.acknowledgement, status=call.behaviour.tag_status, contact_id=contact.id)


def _contact(call: Call) -> Contact:
    if call.behaviour.tags == "gone":
        raise RefusedError(404, "There is no such call.")
    return call.contact()
