"""Look-ups of contacts by email or ids (devdocs.drift.com/docs/retrieving-contact), and the list of attributes.

The API does not list all contacts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dbt_drift.sandbox.calls.answers import RefusedError, data, with_errors
from dbt_drift.sandbox.calls.call import read_number
from dbt_drift.sandbox.calls.documents import contact_document
from dbt_drift.sandbox.calls.fields import contacts_with_email

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.answers import Answer
    from dbt_drift.sandbox.calls.call import Call
    from dbt_drift.sandbox.calls.store import Contact

_ID_TYPES = ("drift", "external", "internal")
NOT_FOUND = "The contact was not found."


def find_contacts(call: Call) -> Answer:
    """Answer `GET /contacts`."""
    parameters = call.request.parameters()
    if "idType" in parameters:
        answer = _find_by_ids(call, parameters["idType"][0], parameters.get("id", []))
    elif email := parameters.get("email", [""])[0]:
        answer = _find_by_email(call, email)
    else:
        raise RefusedError(call.behaviour.listing_status, "Ask for contacts by email, or by idType and id.")
    return with_errors(answer) if call.behaviour.lookup_errors else answer


def find_by_id(call: Call, id_type: str, text: str) -> Contact | None:
    """Return the contact with an id of a type, or None.

    Raises:
        RefusedError: The type of id does not exist: 400.
    """
    if id_type not in _ID_TYPES:
        raise RefusedError(400, f"idType must be one of {', '.join(_ID_TYPES)}.")
    if id_type == "external":
        return call.organisation.find_by_external_id(text)
    contact_id = read_number(text)
    return None if contact_id is None else call.organisation.contacts.get(contact_id)


def _find_by_ids(call: Call, id_type: str, ids: list[str]) -> Answer:
    behaviour = call.behaviour
    if behaviour.most_ids and len(ids) > behaviour.most_ids:
        if behaviour.too_many_ids == "refuse":
            raise RefusedError(400, f"At most {behaviour.most_ids} ids can be asked for at once.")
        ids = ids[: behaviour.most_ids]
    sought = [find_by_id(call, id_type, text) for text in ids]
    # A contact that is requested twice is returned once.
    found = list({contact.id: contact for contact in sought if contact is not None}.values())
    if behaviour.missing_ids == "not-found" and None in sought:
        raise RefusedError(404, NOT_FOUND)
    if behaviour.ids_order != "asked":
        found.sort(key=lambda contact: contact.id, reverse=behaviour.ids_order == "newest")
    return data(_documents(call, found[: call.request.number("limit")]))


def _find_by_email(call: Call, email: str) -> Answer:
    behaviour = call.behaviour
    limit = min(call.request.number("limit") or behaviour.lookup_limit, behaviour.lookup_limit)
    found = contacts_with_email(call, email)
    if not found and behaviour.lookup_status != 200:  # noqa: PLR2004 - HTTP's number for success
        raise RefusedError(behaviour.lookup_status, NOT_FOUND)
    if behaviour.lookup_order == "newest":
        found.reverse()
    start = call.request.number("index") or 0
    page = found[start : start + limit]
    only = page[0].id if len(page) == 1 else None
    documents = _documents(call, page)
    if behaviour.lookup == "object" and only is not None:
        return data(documents[0], contact_id=only)
    headers: tuple[tuple[str, str], ...] = ()
    if start + limit < len(found):
        # "Link: <link>; rel='next'" is documented, but not how Drift's link names the next page.
        following = urlencode({"email": email, "limit": limit, "index": start + limit})
        headers = (("Link", f"</contacts?{following}>; rel='next'"),)
    return data(documents, contact_id=only, headers=headers)


def _documents(call: Call, contacts: list[Contact]) -> list[dict[str, Any]]:
    return [contact_document(contact, call.behaviour) for contact in contacts]


def list_attributes(call: Call) -> Answer:
    """Answer `GET /contacts/attributes`: all of them, sorted by name, without paging."""
    known = sorted(call.organisation.attributes.values(), key=lambda attribute: attribute.name)
    return data(
        {
            "properties": [
                {"type": found.type, "displayName": found.display_name or found.name, "name": found.name}
                for found in known
            ]
        }
    )
