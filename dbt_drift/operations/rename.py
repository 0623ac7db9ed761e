"""Renames a model in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.problems import did_you_mean
from dbt_drift.errors import ConfigurationError
from dbt_drift.ledger.saved_syncs import rename_sync, saved_syncs
from dbt_drift.operations.alone import alone

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared


def rename(prepared: Prepared, former: str, model: str) -> int:
    """Let a renamed model keep the ledger that it had under its former name.

    Args:
        prepared: The project and its syncs.
        former: The former name of the model, or the slug of its tables.
        model: Its new name.

    Returns:
        How many contacts the ledger remembers.

    Raises:
        ConfigurationError: The model declares no sync, the former name is unknown or still declared, or the model has
            already synced under its new name.
        LockedError: A run is at work on the ledger.
    """
    syncs = {sync.name: sync for sync in prepared.syncs}
    if model not in syncs:
        raise ConfigurationError(f"No model {model!r} declares a sync.", advice=did_you_mean(model, syncs))
    sync = syncs[model]
    with alone(prepared, "rename") as (session, lock, registry):
        known = {one.slug: one for one in saved_syncs(registry)}
        named = [one for one in known.values() if former in {one.slug, one.name}]
        if len(named) != 1:
            message = f"The ledger knows {'several syncs' if named else 'no sync'} with the name {former!r}."
            names = ", ".join(sorted(one.slug for one in named or known.values()))
            raise ConfigurationError(message, advice=f"Name one of: {names}.")
        (old,) = named
        if old.slug in prepared.unselected or old.slug in {one.slug for one in syncs.values()}:
            raise ConfigurationError(
                f"{former} still declares a sync: only a model that is gone can give its ledger to another one.",
                advice="Rename the model, run `dbt parse`, and try again.",
            )
        with lock.transaction(session):
            done, remembered = rename_sync(session, prepared.location, old, sync)
        if not done:
            raise ConfigurationError(
                f"{model} has synced under its new name: the ledger remembers {remembered:,} of its contacts.",
                advice="The sync has sent all of them again. "
                f"`dbt-drift status` shows both. Use `untag` or `forget` for the tags that {former} has set.",
            )
        return remembered
