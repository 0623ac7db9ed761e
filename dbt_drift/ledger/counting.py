"""Counts what a stage has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.errors import WarehouseError
from dbt_drift.ledger.delta import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.project.session import Session


def nothing_differs(sync: BoundSync, rows: int, suppressed: int) -> Counts:
    """Return the counts of a model in whose rows nothing is to be sent; no delta is written for it.

    Args:
        sync: The sync.
        rows: The number of the model's rows.
        suppressed: How many of them are suppressed.
    """
    tags = dict.fromkeys((one.tag for one in sync.audiences), 0)
    return Counts(
        rows=rows,
        suppressed=suppressed,
        differing=0,
        sendable=0,
        new=0,
        changed=0,
        departed=0,
        invalid={},
        given_up={},
        attributes=dict.fromkeys((one.attribute for one in sync.attributes), 0),
        tags_added=tags,
        tags_removed=tags,
        tags_carried={},
        values_cleared={},
        values_set={},
        rows_before=None,
    )


def count_delta(
    session: Session, sync: BoundSync, delta: str, *, everyone_left: bool, keys: Sequence[str] | None = None
) -> Counts:
    """Count the rows of a delta: one statement, and one more each if rows cannot be sent or something is taken away.

    Args:
        session: An open connection.
        sync: The sync.
        delta: The name of the delta.
        everyone_left: As for `SyncLedger`.
        keys: The keys of the contacts that were staged; None for all.

    Raises:
        WarehouseError: The warehouse refused a statement.
    """
    tags = [one.tag for one in sync.audiences]
    attributes = [one.attribute for one in sync.attributes]
    sql = session.call("counts_sql", sync=sync, delta=delta, everyone_left=everyone_left, keys=keys)
    found = next(iter(session.rows(sql)), None)
    if found is None:
        raise WarehouseError(f"The delta of {sync.slug} returned no counts.")
    rows, suppressed, differing, sendable, new, changed, departed, unsendable, *rest = found
    signs = rest[len(attributes) :][: 2 * len(tags)]
    removed = dict(zip(tags, signs[1::2], strict=True))
    clearing = [one.attribute for one in sync.attributes if one.clears]
    cleared = dict(zip(clearing, rest[len(attributes) + len(signs) :], strict=True))
    cleared = {name: count for name, count in cleared.items() if count}
    invalid, given_up = _reasons(session, sync, delta) if unsendable else ({}, {})
    carried, values_set = _accepted(session, sync, removed, cleared)
    return Counts(
        suppressed=suppressed,
        rows=max(
            rows, differing + suppressed
        ),  # dbt may have built the model again since it was compared, with fewer rows
        differing=differing,
        sendable=sendable,
        new=new,
        changed=changed,
        departed=departed,
        invalid=invalid,
        given_up=given_up,
        attributes=dict(zip(attributes, rest, strict=False)),
        tags_added=dict(zip(tags, signs[0::2], strict=True)),
        tags_removed=removed,
        tags_carried=carried,
        values_cleared=cleared,
        values_set=values_set,
        rows_before=None,
    )


def _reasons(session: Session, sync: BoundSync, delta: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many rows cannot be sent, and how many were given up, by reason."""
    found = list(session.rows(session.call("reason_counts_sql", sync=sync, delta=delta)))
    invalid = {reason: count for reason, is_given_up, count in found if not is_given_up}
    return invalid, {reason: count for reason, is_given_up, count in found if is_given_up}


def _accepted(
    session: Session, sync: BoundSync, removed: Mapping[str, int], cleared: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many contacts have the tags and values that some lose; reads nothing if none lose any."""
    if not any(removed.values()) and not cleared:
        return {}, {}
    ((_, *found),) = session.rows(session.call("accepted_counts_sql", sync=sync))
    carried = {tag: count for (tag, lost), count in zip(removed.items(), found, strict=False) if lost}
    clearing = [one.attribute for one in sync.attributes if one.clears]
    values_set = dict(zip(clearing, found[len(removed) :], strict=True))
    return carried, {name: values_set[name] for name in cleared}
