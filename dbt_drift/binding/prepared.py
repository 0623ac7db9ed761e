"""A project that is checked and ready: what every command that plans or runs starts from."""

from __future__ import annotations

import msgspec

from dbt_drift.binding.last_build import Blocked
from dbt_drift.binding.settings import Settings
from dbt_drift.declarations.sync import Sync
from dbt_drift.ledger.bound_sync import BoundSync, Location
from dbt_drift.ledger.registry import Registered
from dbt_drift.project.gateway import DbtProject


class Prepared(msgspec.Struct, frozen=True):
    """A project whose declared models can be synced.

    Attributes:
        project: The dbt project.
        settings: Its settings.
        location: Where its ledger lies.
        syncs: The selected syncs, bound to their relations.
        registered: The audiences that the ledger has ever seen.
        unselected: The slugs of the declared syncs that are not among `syncs`: not selected, blocked, not built.
        unbuilt: The selected syncs whose relations could not be looked at, where that is no error.
        blocked: The selected syncs that are blocked, because of dbt's last command or of what it has not parsed yet.
        notices: What somebody should know of dbt's last command, and of our dbt package.
    """

    project: DbtProject
    settings: Settings
    location: Location
    syncs: list[BoundSync]
    registered: list[Registered]
    unselected: frozenset[str]
    blocked: list[Blocked] = []
    unbuilt: list[Sync] = []
    notices: list[str] = []
