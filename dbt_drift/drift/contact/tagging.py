"""Adds and removes tags, and detects organisations without contact tags.

Drift's newer documentation says that tags can no longer be applied to contacts (devdocs.drift.com/docs/contact-model).
Drift does not document its answer to tag calls in this case: 404, or 200 without any effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.drift.contact.reasons import TAGS_IGNORED, TAGS_UNAVAILABLE
from dbt_drift.drift.contact.steps import GoneError, RejectedError, accepted
from dbt_drift.drift.http import endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt_drift.drift.contact.organisation import Organisation
    from dbt_drift.drift.contact.steps import Ask, Steps
    from dbt_drift.drift.http.endpoints import Contact
    from dbt_drift.drift.http.messages import Response

SECOND_LOOK_SECONDS = 5.0
"""Seconds until a tag that is not visible is checked again: Drift's answers may lag behind writes."""

_NOT_FOUND = 404
_OTHER_WAY = (
    "Contact tags may have been retired in this Drift organisation: write the audience as an attribute instead."
)


def set_tags(
    contact_id: int, tags: Sequence[str], organisation: Organisation, ask: Ask, *, colors: Mapping[str, str]
) -> Steps[None]:
    """Add tags, in one request.

    Args:
        contact_id: The contact.
        tags: The tags to add.
        organisation: What the run knows about the Drift organisation. The call updates it.
        ask: Sends a request.
        colors: The colours of some of the tags.

    Raises:
        GoneError: The contact no longer exists.
        RejectedError: Drift refuses the tags, or accepts them without applying them.
    """
    organisation.tags.check()
    response = yield from ask(endpoints.add_tags(contact_id, tags, colors))
    if response.status == _NOT_FOUND:
        yield from _still_there(contact_id, ask)
        raise organisation.tags.refused(_unavailable(response))
    accepted(response)
    if organisation.tags.look_needed():
        yield from _look(contact_id, frozenset(tags), organisation, ask)


def take_tags_away(contact_id: int, tags: Sequence[str], organisation: Organisation, ask: Ask) -> Steps[bool]:
    """Remove tags, in one request.

    Args:
        contact_id: The contact.
        tags: The tags to remove.
        organisation: What the run knows about the Drift organisation. The call updates it.
        ask: Sends a request.

    Returns:
        Whether Drift removed them; False if it refused and the contact carries none of them.

    Raises:
        GoneError: The contact no longer exists.
        RejectedError: Drift refuses.
    """
    organisation.tags.check()
    response = yield from ask(endpoints.remove_tags(contact_id, tags))
    if response.status == _NOT_FOUND:
        contact = yield from _still_there(contact_id, ask)
        if contact.tags is None or not contact.tags.isdisjoint(tags):
            raise organisation.tags.refused(_unavailable(response))
        return False
    accepted(response)
    return True


def _look(contact_id: int, tags: frozenset[str], organisation: Organisation, ask: Ask) -> Steps[None]:
    """Check whether a contact shows the tags that Drift accepted."""
    request = endpoints.list_tags(contact_id)
    for look in (request, structs.replace(request, after=SECOND_LOOK_SECONDS)):
        response = yield from ask(look)
        held = endpoints.tags_in(response.data) if response.good else None
        # Without visible tags, trust Drift's status.
        if held is None or tags <= held:
            organisation.tags.settled()
            return
    raise organisation.tags.unseen(
        RejectedError(TAGS_IGNORED, f"Drift accepted the tags and the contact does not show them. {_OTHER_WAY}")
    )


def _still_there(contact_id: int, ask: Ask) -> Steps[Contact]:
    """Distinguish a deleted contact from an organisation without contact tags: Drift answers both with 404."""
    response = yield from ask(endpoints.read_contact(contact_id))
    if response.status == _NOT_FOUND:
        raise GoneError
    return endpoints.contact_in(accepted(response).data)


def _unavailable(response: Response) -> RejectedError:
    error = response.error()
    return RejectedError(
        TAGS_UNAVAILABLE, f"Drift has the contact but not its tags. {_OTHER_WAY} ({error.type}: {error.message})"
    )
