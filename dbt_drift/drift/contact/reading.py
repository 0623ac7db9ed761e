"""Reads one contact as Drift has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.drift.contact.finding import Finder
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.steps import accepted
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.endpoints import Contact

if TYPE_CHECKING:
    from dbt_drift.drift.contact.change import ContactChange
    from dbt_drift.drift.contact.steps import Steps
    from dbt_drift.drift.http.messages import Request, Response

_NOT_FOUND = 404


class Reading(msgspec.Struct, frozen=True):
    """A contact as Drift has it.

    Attributes:
        contact: The contact; None if Drift has none.
        tags: The names of its tags; None if Drift does not list them.
        is_successor: Whether the remembered contact is gone from Drift, so that this one was looked up.
    """

    contact: Contact | None
    tags: frozenset[str] | None = None
    is_successor: bool = False


def read(change: ContactChange) -> Steps[Reading]:
    """Read the contact of a change: by its Drift id if that is known, else as a sync would find it.

    Yields:
        Requests that only read, to be answered with `send`.

    Raises:
        RejectedError: Drift refuses a request, or the contact cannot be told from another one.
    """
    contact, is_gone = None, False
    if change.contact_id is not None:
        response = yield endpoints.read_contact(change.contact_id)
        is_gone = response.status == _NOT_FOUND
        contact = None if is_gone else endpoints.contact_in(accepted(response).data)
    if contact is None:
        contact = yield from Finder(change, Organisation(), _ask).find()
    if contact is None:
        return Reading(None, is_successor=is_gone)
    response = yield endpoints.list_tags(contact.id)
    tags = endpoints.tags_in(response.data) if response.good else contact.tags
    return Reading(contact, tags, is_gone)


def _ask(request: Request) -> Steps[Response]:
    return (yield request)
