"""The calls on one contact (devdocs.drift.com/docs: contact-model, creating-a-contact, posting-timeline-events)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.sandbox.calls.answers import RefusedError, data, yes
from dbt_drift.sandbox.calls.documents import contact_document
from dbt_drift.sandbox.calls.fields import read_fields, refuse_duplicate
from dbt_drift.sandbox.calls.lookups import NOT_FOUND, find_by_id
from dbt_drift.sandbox.calls.store import now_ms
from dbt_drift.sandbox.calls.tags import write_tags

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.answers import Answer
    from dbt_drift.sandbox.calls.call import Call
    from dbt_drift.sandbox.calls.store import Contact


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


def update_contact(call: Call) -> Answer:
    """Answer `PATCH /contacts/{id}`."""
    return _update(call, call.contact())


class _Who(msgspec.Struct, rename="camel"):
    id_type: str = ""
    id: str | int = ""


def update_contact_by_own_id(call: Call) -> Answer:
    """Answer `PATCH /contacts/normalize`, with idType and id in the query or the body; it creates no contact."""
    parameters = call.request.parameters()
    who = _Who(parameters.get("idType", [""])[0], parameters.get("id", [""])[0])
    where = call.behaviour.normalize_parameters
    if where == "body" or (where == "either" and not who.id_type):
        who = call.read(_Who)
    contact = find_by_id(call, who.id_type, str(who.id))
    if contact is None:
        raise RefusedError(404, NOT_FOUND)
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
    """Answer `POST /contacts/timeline`. No call of the API reads events, so none is stored."""
    event = call.read(_Event)
    if not event.event.strip():
        raise RefusedError(400, "The event needs a name.")
    if event.contact_id is not None:
        contact = call.contact_by_id(str(event.contact_id))
    else:
        found = call.organisation.find_by_external_id(event.external_id or "")
        if found is None:
            raise RefusedError(404, NOT_FOUND)
        contact = found
    shown = {
        "attributes": event.attributes,
        "event": event.event.lower(),
        "createdAt": now_ms() if event.created_at is None else event.created_at,
        "contactId": contact.id,
    }
    return data(shown, contact_id=contact.id)


def unsubscribe_emails(call: Call) -> Answer:
    """Answer `POST /emails/unsubscribe`. No call of the API reads it, so nothing is stored."""
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


def _answer(call: Call, contact: Contact, *, version: int | None = None) -> Answer:
    return data(contact_document(contact, call.behaviour, version=version), contact_id=contact.id)
