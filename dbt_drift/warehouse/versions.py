"""The ledger's version: made and migrated by the program that comes first, refused by one that is older."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from dbt_drift.project.gateway import Session
    from dbt_drift.warehouse.spec import Location


def bring_forward(session: Session, location: Location) -> None:
    """Make what all syncs share, or migrate it to what this program knows.

    Raises:
        ConfigurationError: A newer program has written the ledger.
    """
    ledger = msgspec.to_builtins(location)
    with session.transaction():
        tables = session.tables(location.database, location.schema)
        version, program = session.call("bring_forward", ledger=ledger, tables=tables, program=__version__)
    known = session.call("ledger_version")
    refuse_newer(location, known=known, version=int(version), program=program)


def refuse_newer(location: Location, *, known: int, version: int, program: str) -> None:
    """Raise where the ledger is of a shape that this program does not know.

    Raises:
        ConfigurationError: It is.
    """
    if version > known:
        raise ConfigurationError(
            f"The ledger in the schema {location.schema} has version {version}, written by dbt-drift {program}; "
            f"this is dbt-drift {__version__}, which knows version {known}.",
            advice=f"Install the newer one: pip install 'dbt-drift>={program}'",
        )
