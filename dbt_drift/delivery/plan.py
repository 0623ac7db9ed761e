"""What a sync would send. A plan reads the warehouse, writes nothing, sends nothing and needs no token."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.binding.attribute_types import fit_to_drift
from dbt_drift.binding.pinning import organisation_of, refuse_organisation
from dbt_drift.delivery.guards import Guard
from dbt_drift.delivery.saved_plan import SavedSync, saved, write_plan
from dbt_drift.delivery.to_change import attribute_changes, tag_changes
from dbt_drift.drift.http.endpoints import MOST_JOINED
from dbt_drift.ledger.delta import Counts, InvalidRow
from dbt_drift.ledger.registry import read_registry
from dbt_drift.ledger.saved_syncs import spec_hash
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.ledger.versions import check_version
from dbt_drift.ledger.wire import to_display

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.binding.settings import RateLimit
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.delta import DeltaRow


class PlannedChange(msgspec.Struct, frozen=True):
    """One contact that a sync would send.

    Attributes:
        key: The key that it is matched by.
        action: `new`: its Drift id is unknown, so a sync looks it up or creates it; `change`: its Drift id is known;
            `leave`: its row has left the model.
        attributes: For each attribute to send, what Drift last accepted and what the model wants, as JSON.
        add_tags: The tags to add.
        remove_tags: The tags to remove.
    """

    key: str
    action: str
    attributes: dict[str, tuple[str, str]]
    add_tags: list[str]
    remove_tags: list[str]


class Cost(msgspec.Struct, frozen=True):
    """What sending takes, at most: a contact that Drift already has as the model wants it takes less.

    Attributes:
        look_ups: Requests that look a contact up; externalIds are looked up together.
        writes: Requests that create or change a contact.
        tag_calls: Requests that add or remove tags.
        seconds: How long that takes if Drift answers as fast as the quota allows; None without a quota.
    """

    look_ups: int
    writes: int
    tag_calls: int
    seconds: float | None

    @property
    def requests(self) -> int:
        """All of them."""
        return self.look_ups + self.writes + self.tag_calls


class SyncPlan(msgspec.Struct, frozen=True):
    """What one sync would send.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name.
        counts: How much differs.
        changes: The first contacts to send.
        invalid: The first rows that cannot be sent.
        blocked: Why a sync would be blocked, and what it would take away; "" if it would not.
        digest: A digest of all contacts to send; "" unless the plan is saved.
        cost: What sending takes, at most.
    """

    unique_id: str
    name: str
    counts: Counts
    changes: list[PlannedChange]
    invalid: list[InvalidRow]
    blocked: str = ""
    digest: str = ""
    cost: Cost = Cost(0, 0, 0, 0.0)


def make_plans(
    prepared: Prepared,
    *,
    rows: int,
    named: Sequence[str] = (),
    client: DriftClient | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[str], None] = lambda _: None,
    save_to: Path | None = None,
    url: str = "",
) -> list[SyncPlan]:
    """Stage every sync in a temporary delta, and read it.

    Args:
        prepared: The project and its syncs.
        rows: How many contacts, and how many invalid rows, each plan shows.
        named: The keys or e-mail addresses of the only contacts to plan; none for all.
        client: Tells the token's organisation and lists Drift's attributes; None to use those of the last sync.
        notice: Gets each notice for the user.
        progress: Gets what is done now, in words.
        save_to: Where to save the plans for `dbt-drift sync --plan`; None to save nothing.
        url: The URL of Drift, for the saved plans.

    Raises:
        ConfigurationError: A newer version of dbt-drift has written the ledger, it describes another organisation, or
            the plans cannot be saved.
        DeclarationError: The mapping does not fit the attributes that Drift has.
        WarehouseError: The warehouse refused a statement.
    """
    with prepared.project.connect("version") as session:
        registry = read_registry(session, prepared.location)  # without a lock, a run may have changed it since
        check_version(session, prepared.location, registry)
    prepared = msgspec.structs.replace(prepared, registry=registry)
    organisation = registry.pin.organisation if registry.pin else ""
    if client is not None and (organisation or save_to):
        found, _ = organisation_of(client)
        refuse_organisation(prepared, found)
        organisation = found or organisation
    prepared, notices = fit_to_drift(prepared, client)
    for text in [*prepared.notices, *(f"{blocked.sync.name}: {blocked.why}" for blocked in prepared.blocked), *notices]:
        notice(text)
    guard = Guard(prepared.settings.guards, in_plan=True)
    with prepared.project.holding():
        plans = []
        for number, sync in enumerate(prepared.syncs, 1):
            progress(f"Comparing {sync.name} with what Drift has accepted, {number} of {len(prepared.syncs)}")
            plans.append(plan_one(prepared, sync, rows, guard, named=named, is_saved=save_to is not None))
    if save_to is not None:
        syncs = [to_save(sync, plan) for sync, plan in zip(prepared.syncs, plans, strict=True)]
        write_plan(saved(prepared, syncs, url=url, organisation=organisation, turn=registry.turn), save_to)
    return plans


def plan_one(
    prepared: Prepared, sync: BoundSync, rows: int, guard: Guard, *, named: Sequence[str] = (), is_saved: bool = False
) -> SyncPlan:
    """Plan one sync of a project whose ledger is brought forward.

    Args:
        prepared: The project.
        sync: The sync.
        rows: As for `make_plans`.
        guard: Limits what may be taken away.
        named: As for `make_plans`.
        is_saved: Whether the plan is to be compared with another one, and needs a digest.
    """
    ledger = SyncLedger(prepared.project, sync, prepared.registry, delta="plan")
    ledger.open()
    counts = ledger.stage(uuid.uuid4().hex, ledger.keys_of(named) if named else None)
    if is_saved:
        ledger.refuse_unfolded()
    digest = ledger.digest(counts) if is_saved else ""
    shown = ledger.page(0, rows) if rows and counts.sendable else []
    invalid = ledger.invalid(rows) if rows and counts.invalid else []
    ledger.discard()
    return SyncPlan(
        unique_id=sync.unique_id,
        name=sync.name,
        counts=counts,
        changes=[planned_change(sync, row) for row in shown],
        invalid=invalid,
        blocked="" if named else guard.check(sync, counts),
        digest=digest,
        cost=_cost(sync, counts, prepared.settings.rate_limit),
    )


def _cost(sync: BoundSync, counts: Counts, rate: RateLimit) -> Cost:
    """Return what sending takes, at most; the delta counts contacts for each tag, not for all of them together."""
    in_tag_calls = {one.tag for one in sync.audiences if one.attribute is None}
    added, removed = (
        min(counts.sendable, sum(count for tag, count in tags.items() if tag in in_tag_calls))
        for tags in (counts.tags_added, counts.tags_removed)
    )
    by_id = sync.match_on == "externalId"
    # Who is not found by the externalId is looked up by the address too.
    look_ups = counts.new + (math.ceil(counts.new / MOST_JOINED) if by_id else 0)
    writes = counts.new + min(counts.changed, sum(counts.attributes.values()))
    seconds = (look_ups + writes + added + removed) * rate.seconds / rate.requests if rate.requests else None
    return Cost(look_ups, writes, added + removed, seconds)


def to_save(sync: BoundSync, plan: SyncPlan) -> SavedSync:
    """Return the plan of a sync as it is saved, without personal data."""
    return SavedSync(
        unique_id=plan.unique_id,
        name=plan.name,
        mapping=spec_hash(sync),
        digest=plan.digest,
        contacts=plan.counts.sendable,
        new=plan.counts.new,
        changed=plan.counts.changed,
        departed=plan.counts.departed,
    )


def planned_change(sync: Sync, row: DeltaRow) -> PlannedChange:
    """Return a row of the delta as people read it."""
    return PlannedChange(
        key=row.key,
        action="leave" if row.departed else "new" if row.contact_id is None else "change",
        attributes={
            name: (to_display(accepted), to_display(wanted))
            for name, accepted, wanted in attribute_changes(row, sync.match_on)
        },
        add_tags=[tag for tag, sign in tag_changes(row) if sign == "+"],
        remove_tags=[tag for tag, sign in tag_changes(row) if sign == "-"],
    )
