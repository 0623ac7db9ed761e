"""Explains one contact: what each model says, what Drift accepted, and what a sync would do about the difference."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.binding.attribute_types import fit_to_drift
from dbt_drift.binding.pinning import organisation_of, refuse_organisation
from dbt_drift.delivery.plan import PlannedChange, planned_change
from dbt_drift.delivery.to_change import contact_change
from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.http import endpoints
from dbt_drift.ledger.delta import InvalidRow
from dbt_drift.ledger.history import SyncCounts, last_runs, syncs_of
from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.ledger.versions import check_version
from dbt_drift.operations.contact_rows import Accepted, ModelRow, RejectedRow, accepted_rows, model_rows, rejected_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.ledger.bound_sync import BoundSync

_RUNS = 20
"""The number of runs in whose history the last sync of a model is looked for."""


class InDrift(msgspec.Struct, frozen=True):
    """A contact as Drift has it now.

    Attributes:
        contact_id: Its Drift id.
        is_successor: Whether the contact that the ledger remembers is gone, and this one was found by its key.
        attributes: The JSON of each attribute.
        tags: The names of its tags; None if Drift does not list them.
    """

    contact_id: int
    is_successor: bool
    attributes: dict[str, str]
    tags: list[str] | None


class LastSync(msgspec.Struct, frozen=True):
    """The last sync of a model that the history has.

    Attributes:
        finished_at: When it ended, in UTC.
        status: Its status.
        message: What it said.
    """

    finished_at: dt.datetime
    status: str
    message: str


class ContactState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one contact in one sync.

    Attributes:
        unique_id: dbt's id of the model.
        model: The model's name.
        relation: The model's relation.
        key: The contact's key.
        rows: The rows of the model with this key.
        accepted: What Drift last accepted; None if nothing is remembered.
        rejected: The rejected row, or None.
        invalid: Why the row cannot be sent, or None.
        change: What a sync would send, or None.
        requests: The requests that a sync would make, as far as they are certain.
        blocked: Why dbt's last command keeps the whole model back; "" if it does not.
        last_sync: The last sync of the model; None if the history has none.
        in_drift: The contact in Drift; None if Drift was not asked, or has none.
        was_asked: Whether Drift was asked.
    """

    unique_id: str
    model: str
    relation: str
    key: str
    rows: list[ModelRow]
    accepted: Accepted | None
    rejected: RejectedRow | None
    invalid: InvalidRow | None
    change: PlannedChange | None
    requests: list[str]
    blocked: str
    last_sync: LastSync | None
    in_drift: InDrift | None
    was_asked: bool


def explain(
    prepared: Prepared, named: str, *, client: DriftClient | None, notice: Callable[[str], None] = lambda _: None
) -> list[ContactState]:
    """Explain a contact in every sync that knows it; writes nothing.

    Args:
        prepared: The project and its syncs, those included that dbt's last command blocks.
        named: The contact's key, or its e-mail address.
        client: The Drift to ask; None to ask the warehouse alone.
        notice: Gets each notice for the user.

    Returns:
        A state for each sync and key; empty if nobody knows the contact.

    Raises:
        ConfigurationError: A newer version of dbt-drift has written the ledger, or it describes another organisation.
        DeclarationError: The mapping does not fit the attributes that Drift has.
        DriftUnavailableError: Drift refuses a request, or cannot be reached.
        WarehouseError: The warehouse refused a statement.
    """
    with prepared.project.connect("explain") as session:
        check_version(session, prepared.location, prepared.registry)
    if client is not None:
        refuse_organisation(prepared, organisation_of(client)[0])
    prepared, notices = fit_to_drift(prepared, client)
    for text in notices:
        notice(text)
    with prepared.project.holding():
        last = _last_syncs(prepared)
        states = [state for sync in prepared.syncs for state in _states(prepared, sync, named, last)]
        prepared.project.let_go()
    return states if client is None else [_beside_drift(state, client) for state in states]


def _last_syncs(prepared: Prepared) -> dict[str, LastSync]:
    if "drift_runs" not in prepared.registry.tables:
        return {}
    with prepared.project.connect("history") as session:
        runs = last_runs(session, prepared.location, _RUNS)
        counts: list[SyncCounts] = []
        if runs:
            counts = syncs_of(session, prepared.location, [run.invocation_id for run in runs])
    ended = {run.invocation_id: run.finished_at or run.started_at for run in runs}
    return {
        one.unique_id: LastSync(ended[one.invocation_id], one.status, one.message)
        for one in sorted(counts, key=lambda one: ended[one.invocation_id])
    }


def _states(prepared: Prepared, sync: BoundSync, named: str, last: dict[str, LastSync]) -> Iterator[ContactState]:
    ledger = SyncLedger(prepared.project, sync, prepared.registry, delta="explain")
    ledger.open()
    sync = ledger.sync
    keys = ledger.keys_of([named])
    if not keys:
        return
    counts = ledger.stage(uuid.uuid4().hex, keys)
    sendable = {row.key: row for row in ledger.page(0, counts.sendable)} if counts.sendable else {}
    invalid = {row.key: row for row in ledger.invalid(len(keys) * 2)} if counts.invalid else {}
    ledger.discard()
    with prepared.project.connect("contact") as session:
        rows = model_rows(session, sync, keys)
        accepted = accepted_rows(session, sync, keys)
        rejected = rejected_rows(session, sync, keys)
    blocked = {one.sync.unique_id: one.why for one in prepared.blocked}
    for key in keys:
        row = sendable.get(key)
        yield ContactState(
            unique_id=sync.unique_id,
            model=sync.name,
            relation=sync.relation_name,
            key=key,
            rows=[one for one in rows if one.key == key],
            accepted=accepted.get(key),
            rejected=rejected.get(key),
            invalid=invalid.get(key),
            change=None if row is None else planned_change(sync, row),
            requests=[] if row is None else list(_requests(contact_change(row, sync))),
            blocked=blocked.get(sync.unique_id, ""),
            last_sync=last.get(sync.unique_id),
            in_drift=None,
            was_asked=False,
        )


def _requests(change: ContactChange) -> Iterator[str]:
    """Yield the requests for a change, without queries and contents."""
    if change.contact_id is None:
        yield "GET /contacts, to find it"
        if change.create_missing:
            yield "POST /contacts if Drift has none, PATCH /contacts/{id} if one lacks a value"
        else:
            yield "PATCH /contacts/{id} if one lacks a value"
    elif change.attributes:
        if change.fill_only & change.attributes.keys():
            yield f"GET {endpoints.read_contact(change.contact_id).target}, to see what it has"
        yield f"PATCH {endpoints.update_contact(change.contact_id, {}).target}"
    place: int | str = "{id}" if change.contact_id is None else change.contact_id
    if change.add_tags:
        yield f"POST /contacts/{place}/tags"
    if change.remove_tags:
        yield f"POST /contacts/{place}/tags/delete/_bulk"


def _beside_drift(state: ContactState, client: DriftClient) -> ContactState:
    contact_id = state.accepted.contact_id if state.accepted else None
    identity = {
        name: wire.lstrip("?")[1:]
        for name in ("email", "externalId")
        for source in (
            *(row.attributes for row in state.rows),
            *([state.accepted.attributes] if state.accepted else []),
        )
        if (wire := source.get(name))
    }
    match_on = "email" if "@" in state.key or "externalId" not in identity else "externalId"
    reading = client.read(
        ContactChange(seq=0, key=state.key, match_on=match_on, contact_id=contact_id, identity=identity)  # type: ignore[arg-type]
    )
    if reading.contact is None:
        return msgspec.structs.replace(state, was_asked=True)
    found = InDrift(
        contact_id=reading.contact.id,
        is_successor=reading.is_successor,
        attributes={name: bytes(raw).decode(errors="replace") for name, raw in reading.contact.attributes.items()},
        tags=None if reading.tags is None else sorted(reading.tags),
    )
    return msgspec.structs.replace(state, in_drift=found, was_asked=True)
