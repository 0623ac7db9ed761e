"""The Drift organisation in the ledger: its URL, its id and its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.ledger.registry import Pin
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session


def remember_attributes(project: DbtProject, location: Location, attributes: Sequence[tuple[str, str, str]]) -> None:
    """Replace the attributes of the registry: name, label and type of each.

    Raises:
        WarehouseError: The warehouse refused a statement.
    """
    with project.connect("attributes") as session, session.transaction():
        session.call("remember_attributes", ledger=location, attributes=[list(a) for a in attributes])


def destination(session: Session, location: Location) -> str:
    """Return the URL of the Drift that the ledger describes; "" before the first run."""
    return next((str(url) for (url,) in session.rows(session.call("destination_sql", ledger=location))), "")


def claim_destination(session: Session, location: Location, url: str) -> None:
    """Record the Drift that the ledger describes.

    The caller holds the lock, so that two first runs cannot both record theirs.
    """
    session.call("claim_destination", ledger=location, url=url)


def pin_organisation(session: Session, location: Location, pin: Pin) -> None:
    """Record the Drift organisation that the ledger describes from now on; the caller holds the lock."""
    session.call("pin_organisation", ledger=location, organisation=pin.organisation, target=pin.target)


def ledgers_of_organisation(session: Session, location: Location, url: str, organisation: str) -> list[tuple[str, str]]:
    """Return the schema and the target of the other ledgers of the database that describe the same organisation.

    Ledgers that the role may not read are left out.
    """
    found = session.call("ledgers_of_organisation", ledger=location, url=url, organisation=organisation)
    return [(str(schema), str(target)) for schema, target in found]
