"""Contacts in the shapes that Drift is known to return (devdocs.drift.com/docs/contact-model)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_drift.sandbox.behaviour import Behaviour

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.store import Contact

_DEFAULTS = Behaviour()


def contact_document(
    contact: Contact, behaviour: Behaviour = _DEFAULTS, *, version: int | None = None
) -> dict[str, Any]:
    """Return a contact as the API returns it.

    Args:
        contact: The contact.
        behaviour: The switches.
        version: The version to return, if not the contact's own.
    """
    shown = contact.version if version is None else version
    attributes: dict[str, Any] = {
        "_END_USER_VERSION": shown,
        "_end_user_version": shown,
        "_calculated_version": shown,
        "socialProfiles": {},
        "events": {},
        "start_date": contact.created_at,
    }
    if behaviour.tags_key:
        attributes["tags"] = tags_shown(contact, behaviour)
    attributes.update(contact.attributes)
    if contact.external_id is not None:
        attributes["externalId"] = attributes["external_id"] = _external_id(contact.external_id, behaviour)
    elif behaviour.external_id_null:
        attributes["externalId"] = None
    return {"id": contact.id, "createdAt": contact.created_at, "attributes": attributes}


def tags_shown(contact: Contact, behaviour: Behaviour) -> list[str] | list[dict[str, str]]:
    """Return a contact's tags as Drift returns them; a color has no #."""
    if behaviour.tag_items == "names":
        return list(contact.tags)
    return [{"name": name, "color": color} for name, color in contact.tags.items()]


def _external_id(text: str, behaviour: Behaviour) -> str | int:
    # It was a number only if conversion to a number and back gives the same text.
    if behaviour.external_id == "number" and text.isascii() and text.isdigit() and str(int(text)) == text:
        return int(text)
    return text
