"""Checks the reason of `dbt-drift retry --reason`: a misspelled one would send nothing without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.problems import did_you_mean
from dbt_drift.drift.contact.reasons import KNOWN
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared


def check_reason(prepared: Prepared, reason: str) -> None:
    """Refuse a reason that is unknown and that no row is given up for.

    Raises:
        ConfigurationError: The reason is unknown.
        WarehouseError: The ledger cannot be read.
    """
    if reason in KNOWN:
        return
    found: set[str] = set()
    with prepared.project.connect("retry") as session:
        with session.transaction():
            tables = session.tables(prepared.location.database, prepared.location.schema)
        for sync in prepared.syncs:
            if f"{sync.slug}__rejected" in tables:
                found |= {known for (known,) in session.rows(session.call("given_up_reasons_sql", sync=sync)) if known}
    if reason not in found:
        known = f"Rows are given up for: {', '.join(sorted(found))}." if found else "No row is given up."
        raise ConfigurationError(
            f"There is no reason {reason!r}.", advice=f"{did_you_mean(reason, [*found, *KNOWN])} {known}".strip()
        )
