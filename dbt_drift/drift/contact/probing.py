"""Tests on one contact whether Drift applies tags, and restores the contact afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import structs

from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.contact.finding import Finder
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.steps import accepted
from dbt_drift.drift.contact.tagging import SECOND_LOOK_SECONDS
from dbt_drift.drift.http import endpoints

if TYPE_CHECKING:
    from dbt_drift.drift.contact.steps import Steps
    from dbt_drift.drift.http.messages import Request, Response

PROBE_TAG = "dbt-drift check"
"""The tag that is set temporarily."""

_NOT_FOUND = 404


class Probe(msgspec.Struct, frozen=True):
    """The result of a probe.

    Attributes:
        contact_id: The contact, or None if no contact has the email.
        tags: `applied`; `ignored`: accepted but not shown; `missing`: Drift has no tag calls; `unseen`: accepted, but
            Drift shows no contact's tags.
    """

    contact_id: int | None
    tags: Literal["applied", "ignored", "missing", "unseen"] = "missing"


def probe(email: str) -> Steps[Probe]:
    """Write a contact's own email to it, set a tag, check that it is visible, and remove it.

    Yields:
        Requests, to be answered with `send`. The caller waits for each request's `after` first.

    Raises:
        RejectedError: Drift refuses a request.
    """
    finder = Finder(ContactChange(seq=0, key=email, identity={"email": email}), Organisation(), _ask)
    contact = yield from finder.find()
    if contact is None:
        return Probe(None)
    accepted((yield endpoints.update_contact(contact.id, {"email": contact.email or email})))
    response = yield endpoints.add_tags(contact.id, [PROBE_TAG])
    if response.status == _NOT_FOUND:
        return Probe(contact.id)
    accepted(response)
    found = Probe(contact.id, "ignored")
    request = endpoints.list_tags(contact.id)
    for look in (request, structs.replace(request, after=SECOND_LOOK_SECONDS)):
        response = yield look
        held = endpoints.tags_in(response.data) if response.good else None
        if held is None:
            found = Probe(contact.id, "unseen")
            break
        if PROBE_TAG in held:
            found = Probe(contact.id, "applied")
            break
    accepted((yield endpoints.remove_tags(contact.id, [PROBE_TAG])))
    return found


def _ask(request: Request) -> Steps[Response]:
    return (yield request)
