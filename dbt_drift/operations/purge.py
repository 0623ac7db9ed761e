"""Removes every trace of a person from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.operations.alone import alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.session import Session


class Purged(Struct, frozen=True):
    """What a purge removed.

    Attributes:
        removed: The number of rows removed from each table of the ledger that had any.
        models: The models that still have a row of the person, so that the next sync writes the contact again.
    """

    removed: dict[str, int]
    models: list[str]


def purge(prepared: Prepared, named: Sequence[str]) -> Purged:
    """Remove everything that the ledger has of a few contacts, also of models that no longer declare a sync.

    Drift keeps its contacts, and models keep their rows.

    Args:
        prepared: The project and its syncs.
        named: The keys or e-mail addresses of the contacts.

    Raises:
        LockedError: A run is at work on the ledger.
        WarehouseError: The warehouse refused a statement.
    """
    texts = sorted({text.strip() for text in named} - {""})
    with alone(prepared, "purge") as (session, lock, registry):
        keys = set(texts) | {text.lower() for text in texts}
        models = []
        for sync in prepared.syncs:
            found = _keys(session, sync, registry, texts)
            keys |= found
            if _has_rows(session, sync, found):
                models.append(sync.name)
        with lock.transaction(session):
            removed = session.call(
                "purge",
                ledger=prepared.location,
                keys=sorted(keys),
                texts=[text.lower() for text in texts],
                present=registry.tables,
            )
    return Purged({str(table): int(count) for table, count in removed.items()}, models)


def _keys(session: Session, sync: BoundSync, registry: Registry, texts: Sequence[str]) -> set[str]:
    """Return the keys by which a sync knows the contacts: what was accepted may have another address than the model."""
    accepted = registry.tables.get(f"{sync.slug}__accepted", [])
    if not texts or any(one.state not in accepted for one in sync.attributes if one.is_email):
        return set()
    return {str(key) for (key,) in session.rows(session.call("matching_keys_sql", sync=sync, texts=list(texts)))}


def _has_rows(session: Session, sync: BoundSync, keys: set[str]) -> bool:
    if not keys:
        return False
    return any(session.rows(session.call("model_rows_sql", sync=sync, keys=sorted(keys))))
