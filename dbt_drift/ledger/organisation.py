"""The Drift organisation in the ledger: its URL and its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session

Listed = tuple[str, str, str]
"""Name, label and type of one attribute, in Drift's words."""


def remembered_attributes(project: DbtProject, location: Location) -> list[Listed]:
    """Return the attributes that Drift listed for the last sync that could list them; empty if there was none.

    Raises:
        WarehouseError: The warehouse refused a statement.
    """
    with project.connect("attributes") as session:
        return [
            (name, label, kind) for name, label, kind in session.rows(session.call("attributes_sql", ledger=location))
        ]


def remember_attributes(project: DbtProject, location: Location, attributes: Sequence[Listed]) -> None:
    """Replace what `remembered_attributes` returns.

    Raises:
        WarehouseError: The warehouse refused a statement.
    """
    with project.connect("attributes") as session, session.transaction():
        session.call("remember_attributes", ledger=location, attributes=[list(a) for a in attributes])


def destination(session: Session, location: Location) -> str:
    """Return the URL of the Drift that the ledger describes; "" before the first run."""
    return next((str(url) for (url,) in session.rows(session.call("destination_sql", ledger=location))), "")


def claim_destination(session: Session, location: Location, url: str) -> str:
    """Record the Drift that the ledger describes, unless it is recorded already; return its URL.

    The caller holds the lock, so that two first runs cannot both record theirs.
    """
    if claimed := destination(session, location):
        return claimed
    session.call("claim_destination", ledger=location, url=url)
    return url
