"""The syncs as the post-hook takes them up: compiled here, saved in the ledger, staged inside `dbt build`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.declarations.syncs import Sync
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.warehouse.spec import Location


def save_syncs(project: DbtProject, location: Location, syncs: Sequence[tuple[Sync, dict[str, Any]]]) -> None:
    """Save these syncs where they are not saved as they are now; nothing is written in most runs.

    Args:
        project: The dbt project whose adapter is used.
        location: Where the ledger lies.
        syncs: Each sync with the macros' view of it.
    """
    ledger = msgspec.to_builtins(location)
    with project.connect("save") as session:
        saved = {row[0]: tuple(row[1:]) for row in session.rows(session.call("saved_syncs_sql", ledger=ledger))}
        for sync, spec in syncs:
            wanted = (__version__, sync.declared, _text(spec))
            if saved.get(sync.unique_id) != wanted:
                with session.transaction():
                    session.call("save_sync", ledger=ledger, saved=[sync.unique_id, sync.slug, *wanted])


def spec_hash(spec: dict[str, Any]) -> str:
    """Return what tells the macros' view of a sync from any other, as the macro `try_to_stage` makes it."""
    return hashlib.md5(_text(spec).encode(), usedforsecurity=False).hexdigest()


def _text(spec: dict[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)
