"""The calls on contacts (devdocs.drift.com/docs: contact-model, creating-a-contact, retrieving-contact)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from dbt_drift.sandbox.answers import RefusedError, data, yes
from dbt_drift.sandbox.calls import read_number
from dbt_drift.sandbox.fields import contacts_with_email, read_fields, refuse_duplicate
from dbt_drift.sandbox.store import now_ms
from dbt_drift.sandbox.tags import tag_documents, write_tags

if TYPE_CHECKING:
    from dbt_drift.sandbox.answers import Answer
    from dbt_drift.sandbox.calls import Call
    from dbt_drift.sandbox.store import Contact

_ID_TYPES = ("drift", "external", "internal")


def contact_document(contact: Contact, *, tags_key: bool = True, version: int | None = None) -> dict[str, Any]:
    """Return a contact in the shape in which Drift returns it.

    Args:
        contact: The contact.
        tags_key: Whether it has a key for its tags.
        version: The version to show, where it is not the contact's own.
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
    if tags_key:
        attributes["tags"] = tag_documents(contact)
    attributes.update(contact.attributes)
    if contact.external_id is not None:
        attributes["external_id"] = contact.external_id
    return {"id": contact.id, "createdAt": contact.created_at, "attributes": attributes}


def create_contact(call: Call) -> Answer:
    """Answer `POST /contacts`."""
    fields = read_fields(call)
    if "email" not in fields.attributes:
        raise RefusedError(400, "The attribute email is required.")
    refuse_duplicate(call, fields)
    contact = call.organisation.create(fields.attributes, {})
    if fields.tags is not None:
        write_tags(call, contact, fields.tags)
    return _answer(call, contact)


def get_contact(call: Call) -> Answer:
    """Answer `GET /contacts/{id}`."""
    return _answer(call, call.contact())


def find_contacts(call: Call) -> Answer:
    """Answer `GET /contacts`, by email or by ids; there is no listing of all contacts."""
    parameters = call.request.parameters()
    if "idType" in parameters:
        id_type = parameters["idType"][0]
        found = [contact for text in parameters.get("id", ()) if (contact := _find_by_id(call, id_type, text))]
        return data([_document(call, contact) for contact in found])
    email = parameters.get("email", [""])[0]
    if email:
        return _find_by_email(call, email)
    raise RefusedError(400, "Ask for contacts by email, or by idType and id.")


def update_contact(call: Call) -> Answer:
    """Answer `PATCH /contacts/{id}`."""
    return _update(call, call.contact())


def update_contact_by_own_id(call: Call) -> Answer:
    """Answer `PATCH /contacts/normalize?idType=..&id=..`; it makes no contact."""
    parameters = call.request.parameters()
    contact = _find_by_id(call, parameters.get("idType", [""])[0], parameters.get("id", [""])[0])
    if contact is None:
        raise RefusedError(404, "The contact was not found.")
    return _update(call, contact)


def delete_contact(call: Call) -> Answer:
    """Answer `DELETE /contacts/{id}`: 202."""
    contact = call.contact()
    call.organisation.delete(contact)
    return yes(call.behaviour.acknowledgement, status=202, contact_id=contact.id)


class _Event(msgspec.Struct, rename="camel"):
    event: str
    contact_id: int | None = None
    external_id: str | None = None
    created_at: int | None = None
    attributes: dict[str, Any] = {}


def post_timeline_event(call: Call) -> Answer:
    """Answer `POST /contacts/timeline`; nothing in the API reads an event back, so none is kept."""
    event = call.read(_Event)
    if not event.event.strip():
        raise RefusedError(400, "The event needs a name.")
    if event.contact_id is not None:
        contact = call.contact_by_id(str(event.contact_id))
    else:
        found = call.organisation.find_by_external_id(event.external_id or "")
        if found is None:
            raise RefusedError(404, "The contact was not found.")
        contact = found
    shown = {
        "attributes": event.attributes,
        "event": event.event.lower(),
        "createdAt": now_ms() if event.created_at is None else event.created_at,
        "contactId": contact.id,
    }
    return data(shown, contact_id=contact.id)


def unsubscribe_emails(call: Call) -> Answer:
    """Answer `POST /emails/unsubscribe`; nothing in the API reads it back, so nothing is kept."""
    call.read(list[str])
    return yes(call.behaviour.acknowledgement)


def _update(call: Call, contact: Contact) -> Answer:
    fields = read_fields(call)
    refuse_duplicate(call, fields, contact=contact)
    before = contact.version
    call.organisation.update(contact, fields.attributes, fields.cleared)
    if fields.tags is not None:
        write_tags(call, contact, fields.tags)
    return _answer(call, contact, version=before if call.behaviour.version_lag else None)


def _find_by_email(call: Call, email: str) -> Answer:
    behaviour = call.behaviour
    limit = min(call.request.number("limit") or behaviour.lookup_limit, behaviour.lookup_limit)
    found = contacts_with_email(call, email)
    if behaviour.lookup_order == "newest":
        found.reverse()
    start = call.request.number("index") or 0
    page = found[start : start + limit]
    if behaviour.lookup == "object" and len(page) == 1:
        return _answer(call, page[0])
    headers: tuple[tuple[str, str], ...] = ()
    if start + limit < len(found):
        # "Link: <link>; rel='next'" is documented; how Drift's link names the next page is not.
        following = urlencode({"email": email, "limit": limit, "index": start + limit})
        headers = (("Link", f"</contacts?{following}>; rel='next'"),)
    only = page[0].id if len(page) == 1 else None
    return data([_document(call, contact) for contact in page], contact_id=only, headers=headers)


def _find_by_id(call: Call, id_type: str, text: str) -> Contact | None:
    if id_type not in _ID_TYPES:
        raise RefusedError(400, f"idType must be one of {', '.join(_ID_TYPES)}.")
    if id_type == "external":
        return call.organisation.find_by_external_id(text)
    contact_id = read_number(text)
    return None if contact_id is None else call.organisation.contacts.get(contact_id)


def _document(call: Call, contact: Contact, *, version: int | None = None) -> dict[str, Any]:
    return contact_document(contact, tags_key=call.behaviour.tags_key, version=version)


def _answer(call: Call, contact: Contact, *, version: int | None = None) -> Answer:
    return data(_document(call, contact, version=version), contact_id=contact.id)
