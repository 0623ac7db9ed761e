"""The version of the ledger: a newer dbt-drift migrates it, an older one refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError, WarehouseDeniedError
from dbt_drift.ledger.registry import read_registry

if TYPE_CHECKING:
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.session import Session


def bring_forward(session: Session, location: Location, registry: Registry) -> Registry:
    """Create the tables that all syncs share, or migrate them to this version.

    Args:
        session: An open connection.
        location: The location of the ledger.
        registry: What is on record there.

    Returns:
        What is on record then.

    Raises:
        ConfigurationError: A newer version of dbt-drift has written the ledger.
        WarehouseDeniedError: The role may not create or write them.
    """
    check_version(session, location, registry)
    if registry.is_complete:
        return registry
    try:
        with session.transaction():
            session.call("bring_forward", ledger=location, dbt_drift_version=__version__, tables=registry.tables)
    except WarehouseDeniedError as error:
        raise WarehouseDeniedError(
            str(error),
            advice=f"The ledger lies in the schema {location.schema}. Let an administrator create it for the role: "
            f'`create schema "{location.schema}" authorization <role>`. Or let the role create it, after '
            f'`grant create on database "{location.database}" to <role>`. Or name a schema that the role owns: '
            "`vars: {dbt_drift: {schema: ...}}`.",
        ) from error
    return read_registry(session, location)


def check_version(session: Session, location: Location, registry: Registry) -> None:
    """Refuse a ledger that a newer version of dbt-drift has written; writes nothing.

    Raises:
        ConfigurationError: The ledger is newer.
    """
    if registry.version is not None:
        version, dbt_drift_version = registry.version
        known = session.call("ledger_version")
        refuse_newer(location, known=known, version=version, dbt_drift_version=dbt_drift_version)


def refuse_newer(location: Location, *, known: int, version: int, dbt_drift_version: str) -> None:
    """Refuse a ledger with a newer version than this program knows.

    Raises:
        ConfigurationError: The ledger is newer.
    """
    if version > known:
        raise ConfigurationError(
            f"The ledger in the schema {location.schema} has version {version}, written by dbt-drift "
            f"{dbt_drift_version}; this is dbt-drift {__version__}, which knows version {known}.",
            advice=f"Install the newer version: pip install 'dbt-drift>={dbt_drift_version}'",
        )
