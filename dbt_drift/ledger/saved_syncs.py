"""Saves syncs in the ledger as they last ran: for the post-hook, and for models that have left the project."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import msgspec

from dbt_drift import __version__
from dbt_drift.ledger.bound_sync import BoundSync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session


def save_syncs(project: DbtProject, location: Location, registry: Registry, syncs: Sequence[BoundSync]) -> None:
    """Save these syncs if they differ from what is saved; most runs write nothing.

    Args:
        project: The dbt project whose adapter is used.
        location: The location of the ledger.
        registry: What is on record there.
        syncs: The syncs of the run.
    """
    for sync in syncs:
        wanted = (__version__, saved_text(sync))
        if registry.saved.get(sync.unique_id) != wanted:
            with project.connect("save") as session, session.transaction():
                session.call("save_sync", ledger=location, saved=[sync.unique_id, sync.slug, *wanted])


class SavedSync(msgspec.Struct, frozen=True):
    """A saved sync: the unique id of the node, the slug of its tables, the name of the model."""

    unique_id: str
    slug: str
    name: str


def saved_syncs(registry: Registry) -> list[SavedSync]:
    """Return all syncs that have run on the ledger, each as it last ran."""
    return [msgspec.json.decode(text, type=SavedSync) for _, text in registry.saved.values()]


def saved_sync(registry: Registry, slug: str) -> BoundSync | None:
    """Return a sync as it last ran; None if this version of dbt-drift has not run it."""
    for version, text in registry.saved.values():
        if version == __version__ and msgspec.json.decode(text, type=SavedSync).slug == slug:
            return msgspec.json.decode(text, type=BoundSync)
    return None


def rename_sync(session: Session, location: Location, former: SavedSync, sync: Sync) -> tuple[bool, int]:
    """Give the tables and audiences of a sync to another, in the caller's transaction.

    Returns:
        Whether it was done, which it is not if the new sync has contacts, and how many contacts that has.
    """
    renamed = SavedSync(sync.unique_id, sync.slug, sync.name)
    done, contacts = session.call("rename_sync", ledger=location, former=former, renamed=renamed)
    return done, contacts


def spec_hash(sync: BoundSync) -> str:
    """Return a hash of a bound sync; the macro `try_to_stage` computes the same from the saved text."""
    return hashlib.md5(saved_text(sync).encode(), usedforsecurity=False).hexdigest()


def saved_text(sync: BoundSync) -> str:
    """Return a sync as the ledger saves it: JSON with sorted keys."""
    return json.dumps(msgspec.to_builtins(sync), sort_keys=True)
