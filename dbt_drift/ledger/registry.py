"""All audiences that a ledger knows, whether or not a model still declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.session import Session


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One audience that a sync has had.

    Attributes:
        slug: The sync's slug.
        model: The model's name when the audience was declared.
        state: The ledger's column for the tag.
        tag: The tag.
        mode: Its mode.
        tag_from: The column that named it, or None.
        tagged_contacts: How many contacts carry the tag because of the sync, or may carry it after a killed run.
        is_seen: Whether any of them is certain to carry it.
    """

    slug: str
    model: str
    state: str
    tag: str
    mode: str
    tag_from: str | None
    tagged_contacts: int
    is_seen: bool


def registered_audiences(session: Session, location: Location) -> list[Registered]:
    """Return every audience that the ledger knows; empty if there is no ledger yet."""
    found = session.call("registered_audiences", ledger=location)
    return [Registered(**audience) for audience in found]


def drop_audience(session: Session, location: Location, audience: Registered) -> None:
    """Delete an audience from the ledger, in the caller's transaction; Drift keeps the tag."""
    session.call("drop_audience", ledger=location, slug=audience.slug, state=audience.state)
