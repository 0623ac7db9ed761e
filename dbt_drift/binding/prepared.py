"""A checked project: every command that plans or runs starts from it."""

from __future__ import annotations

import msgspec

from dbt_drift.binding.last_build import Blocked
from dbt_drift.binding.settings import Settings
from dbt_drift.declarations.sync import Sync
from dbt_drift.ledger.bound_sync import BoundSync, Location
from dbt_drift.ledger.registry import Registry, Tagged
from dbt_drift.project.gateway import DbtProject


class Prepared(msgspec.Struct, frozen=True):
    """A project whose declared models can be synced.

    Attributes:
        project: The dbt project.
        settings: Its settings.
        location: The location of its ledger.
        syncs: The selected syncs, bound to their relations.
        registry: What the ledger has on record.
        undeclared: The audiences that left their declaration, or whose model left the project, and whose tag contacts
            carry. Syncs that are declared and not selected are not looked at.
        unselected: The slugs of the declared syncs that are not among `syncs`: not selected, blocked, not built.
        unbuilt: The selected syncs whose relations could not be read, if that is no error.
        blocked: The selected syncs that dbt's last command, or an edit that dbt has not parsed, blocks.
        notices: Notices about dbt's last command and the dbt package.
    """

    project: DbtProject
    settings: Settings
    location: Location
    syncs: list[BoundSync]
    registry: Registry
    undeclared: list[Tagged]
    unselected: frozenset[str]
    blocked: list[Blocked] = []
    unbuilt: list[Sync] = []
    notices: list[str] = []
