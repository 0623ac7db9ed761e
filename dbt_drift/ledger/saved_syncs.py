"""The syncs as the post-hook takes them up: compiled here, saved in the ledger, staged inside `dbt build`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session


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


class SavedSync(msgspec.Struct, frozen=True):
    """A sync that the ledger knows: the node's unique id, the slug of its tables, the model's name."""

    unique_id: str
    slug: str
    model: str


def saved_syncs(session: Session, location: Location) -> list[SavedSync]:
    """Return the syncs that have ever run on the ledger, each as it last ran."""
    sql = session.call("saved_syncs_sql", ledger=msgspec.to_builtins(location))
    specs = [json.loads(text) for _, _, _, text in session.rows(sql)]
    return [SavedSync(spec["unique_id"], spec["slug"], spec["model"]) for spec in specs]


def rename_sync(session: Session, location: Location, former: SavedSync, sync: Sync) -> tuple[bool, int]:
    """Give all that is remembered of a sync to another, in the caller's transaction.

    Returns:
        Whether it was done, which it is not where the new one is remembered by itself, and how many contacts are
        remembered of the new one.
    """
    ledger = msgspec.to_builtins(location)
    renamed = SavedSync(sync.unique_id, sync.slug, sync.name)
    done, remembered = session.call(
        "rename_sync", ledger=ledger, former=msgspec.to_builtins(former), renamed=msgspec.to_builtins(renamed)
    )
    return done, remembered


def spec_hash(spec: dict[str, Any]) -> str:
    """Return what tells the macros' view of a sync from any other, as the macro `try_to_stage` makes it."""
    return hashlib.md5(_text(spec).encode(), usedforsecurity=False).hexdigest()


def _text(spec: dict[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True)
