"""A model that was renamed: what the ledger remembers goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.declarations.problems import did_you_mean
from dbt_drift.delivery.run_session import alone
from dbt_drift.errors import ConfigurationError
from dbt_drift.ledger.saved_syncs import rename_sync, saved_syncs

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared


def rename(prepared: Prepared, former: str, model: str) -> int:
    """Let a sync go on with the ledger of the model that it was before.

    Args:
        prepared: The project and its syncs.
        former: The name that the model had, or the slug of its tables.
        model: The name that it has now.

    Returns:
        How many contacts are remembered.

    Raises:
        ConfigurationError: No such model declares a sync, the former one is not known or is still declared, or the
            model has synced under its new name already.
        LockedError: A run is at work on the ledger.
    """
    syncs = {sync.name: sync for sync in prepared.syncs}
    if model not in syncs:
        raise ConfigurationError(f"No model {model!r} declares a sync.", advice=did_you_mean(model, syncs))
    sync = syncs[model]
    with alone(prepared, "rename") as (session, lock):
        known = {one.slug: one for one in saved_syncs(session, prepared.location)}
        named = [one for one in known.values() if former in {one.slug, one.name}]
        if len(named) != 1:
            message = f"The ledger knows {'several syncs' if named else 'no sync'} of the name {former!r}."
            names = ", ".join(sorted(one.slug for one in named or known.values()))
            raise ConfigurationError(message, advice=f"Name one of: {names}.")
        (old,) = named
        if old.slug in prepared.unselected or old.slug in {one.slug for one in syncs.values()}:
            raise ConfigurationError(
                f"{former} still declares a sync: only a model that is gone can leave its ledger to another one.",
                advice="Rename the model, run `dbt parse`, and try again.",
            )
        with lock.transaction(session):
            done, remembered = rename_sync(session, prepared.location, old, sync)
        if not done:
            raise ConfigurationError(
                f"{model} has synced under its new name: the ledger remembers {remembered:,} of its contacts.",
                advice="Nothing is lost: a sync has sent them again. "
                f"`dbt-drift status` shows both; untag or forget what {former} has set.",
            )
        return remembered
