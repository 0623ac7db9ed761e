"""Reads and checks the attributes of a create or an update (devdocs.drift.com/docs/contact-model)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.sandbox.calls.answers import RefusedError
from dbt_drift.sandbox.calls.attributes import suits
from dbt_drift.sandbox.calls.tags import read_tags

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.call import Call
    from dbt_drift.sandbox.calls.store import Contact

_READ_ONLY = frozenset(
    {
        "_END_USER_VERSION", "_end_user_version", "_calculated_version", "_classification",
        "events", "external_id", "ip", "last_active", "last_contacted", "last_context_location", "original_ip",
        "original_conversation_started_page_title", "original_conversation_started_page_url",
        "socialProfiles", "start_date",
    }
)  # fmt: skip
"""Attributes that Drift sets itself: its versions, its times, its visit data, and `external_id`, the copy of
`externalId`. That they cannot be written is an assumption; Drift's partners do not write them."""


class _Body(msgspec.Struct):
    attributes: dict[str, Any]


class Fields(msgspec.Struct, frozen=True):
    """The content of a write.

    Attributes:
        attributes: The attributes to set.
        cleared: The attributes to clear.
        tags: The color of each tag in `attributes.tags` by name, or None if there was no such attribute.
    """

    attributes: dict[str, Any]
    cleared: tuple[str, ...]
    tags: dict[str, str | None] | None


def read_fields(call: Call) -> Fields:
    """Read the body of a create or an update.

    Raises:
        RefusedError: The body or an attribute is invalid: 400.
    """
    attributes: dict[str, Any] = {}
    cleared: list[str] = []
    tags: dict[str, str | None] | None = None
    for name, value in call.read(_Body).attributes.items():
        if name in _READ_ONLY:
            if call.behaviour.read_only == "refuse":
                raise RefusedError(400, f"The attribute {name} cannot be written.")
        elif value is None:
            _note_null(call, name, cleared)
        elif name == "tags":
            tags = read_tags(value)
        elif name == "email":
            attributes[name] = _email(value)
        elif name == "externalId":
            attributes[name] = _external_id(value)
        elif _is_accepted(call, name, value):
            attributes[name] = value
    return Fields(attributes, tuple(cleared), tags)


def refuse_duplicate(call: Call, fields: Fields, *, contact: Contact | None = None) -> None:
    """Refuse a write that would create a second contact with the same identity.

    If the write has an externalId, the email is not checked: two contacts may share an email if their externalIds
    differ (devdocs.drift.com/docs/creating-a-contact).

    Args:
        call: The request.
        fields: The content of the write.
        contact: The contact to update; None for a new one.

    Raises:
        RefusedError: Another contact has this identity.
    """
    external_id = fields.attributes.get("externalId")
    if external_id is not None:
        other = call.organisation.find_by_external_id(external_id)
        if other is not None and other is not contact:
            raise RefusedError(call.behaviour.duplicate_status, "A contact with this externalId already exists.")
    if external_id is not None or (contact is not None and contact.external_id is not None):
        return
    email = fields.attributes.get("email")
    if email is None or (contact is not None and call.behaviour.email_collision == "allow"):
        return
    if any(other is not contact for other in contacts_with_email(call, email)):
        raise RefusedError(call.behaviour.duplicate_status, "A contact with this email already exists.")


def contacts_with_email(call: Call, email: str) -> list[Contact]:
    """Return the contacts with an email, oldest first. The behaviour decides whether case matters."""
    found = call.organisation.find_by_email(email)
    if call.behaviour.email_case == "kept":
        return [contact for contact in found if contact.email == email]
    return found


def _note_null(call: Call, name: str, cleared: list[str]) -> None:
    nulls = call.behaviour.nulls
    if nulls == "refuse" or (nulls == "clear" and name == "email"):
        raise RefusedError(400, f"The attribute {name} must not be null.")
    if nulls == "clear" and name != "tags":
        cleared.append(name)


def _email(value: Any) -> str:
    # Drift does not document its rule; this one refuses only what no mail system would accept.
    if isinstance(value, str):
        local, at, domain = value.rpartition("@")
        if local and at and domain and not any(character.isspace() for character in value):
            return value
    raise RefusedError(400, "The attribute email is not a valid email address.")


def _external_id(value: Any) -> str:
    # The documentation shows a number, but every real sample a string: accept both, return a string.
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RefusedError(400, "The attribute externalId must be a string that is not empty.")


def _is_accepted(call: Call, name: str, value: Any) -> bool:
    behaviour = call.behaviour
    known = call.organisation.attributes.get(name)
    if known is None and behaviour.unknown_attributes == "refuse":
        raise RefusedError(400, f"The attribute {name} does not exist.")
    if behaviour.attribute_types == "checked":
        if isinstance(value, (dict, list)):
            raise RefusedError(400, f"The attribute {name} must not be nested.")
        if known is not None and not suits(value, known.type):
            raise RefusedError(400, f"The attribute {name} must be of type {known.type}.")
    return known is not None or behaviour.unknown_attributes == "create"
