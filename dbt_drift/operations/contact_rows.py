"""What the model and the ledger say about a few contacts of a sync."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.project.session import Session


class ModelRow(msgspec.Struct, frozen=True):
    """A row of the model.

    Attributes:
        key: The key of its contact.
        row_id: The declared `row_id`, or None.
        attributes: The wire text of each attribute; None for a null that leaves the value in Drift.
        members: For each tag, whether the row is a member of its audience; None if the model does not say.
    """

    key: str
    row_id: str | None
    attributes: dict[str, str | None]
    members: dict[str, bool | None]
    is_suppressed: bool = False
    """Whether the person is not to be contacted."""


class Accepted(msgspec.Struct, frozen=True):
    """What Drift last accepted of a contact.

    Attributes:
        contact_id: Its Drift id, or None if unknown.
        is_written: Whether this sync has written it; otherwise only the id is known, from another sync.
        attributes: The wire text of each attribute; None if Drift was never sent one.
        tags: `+` for a tag that was set, `-` for one that was removed, `*` for one that may be set; None for neither.
    """

    contact_id: int | None
    is_written: bool
    attributes: dict[str, str | None]
    tags: dict[str, str | None]


class RejectedRow(msgspec.Struct, frozen=True):
    """A row of the rejected rows.

    Attributes:
        status: `invalid`, `missing`, `rejected` or `failed`.
        reason: Why.
        attribute: The attribute that causes it, or None.
        message: Drift's words, or None.
        first_rejected_at: When the same row was rejected first, in UTC.
        last_rejected_at: When it was rejected last, in UTC.
        tries: In how many runs it was tried.
        given_up: Whether it is not sent again until it changes.
    """

    status: str
    reason: str
    attribute: str | None
    message: str | None
    first_rejected_at: dt.datetime
    last_rejected_at: dt.datetime
    tries: int
    given_up: bool


def model_rows(session: Session, sync: BoundSync, keys: Sequence[str]) -> list[ModelRow]:
    """Return the rows of the model with these keys; several with the same key are duplicates."""
    rows = []
    for key, _, row_id, *states in session.rows(session.call("model_rows_sql", sync=sync, keys=list(keys))):
        is_suppressed = bool(sync.suppress) and states.pop()
        texts, members = states[: len(sync.attributes)], states[len(sync.attributes) :]
        rows.append(
            ModelRow(
                str(key),
                row_id,
                dict(zip((one.attribute for one in sync.attributes), texts, strict=True)),
                dict(zip((one.tag for one in sync.audiences), members, strict=True)),
                is_suppressed,
            )
        )
    return rows


def accepted_rows(session: Session, sync: BoundSync, keys: Sequence[str]) -> dict[str, Accepted]:
    """Return what Drift last accepted of the contacts with these keys, by key."""
    found = {}
    sql = session.call("accepted_rows_sql", sync=sync, keys=list(keys))
    for key, contact_id, is_written, *states in session.rows(sql):
        texts, signs = states[: len(sync.attributes)], states[len(sync.attributes) :]
        found[str(key)] = Accepted(
            contact_id,
            is_written,
            dict(zip((one.attribute for one in sync.attributes), texts, strict=True)),
            dict(zip((one.tag for one in sync.audiences), signs, strict=True)),
        )
    return found


def rejected_rows(session: Session, sync: BoundSync, keys: Sequence[str]) -> dict[str, RejectedRow]:
    """Return the rejected rows of the contacts with these keys, by key."""
    sql = session.call("rejected_rows_sql", sync=sync, keys=list(keys))
    return {str(key): RejectedRow(*values) for key, *values in session.rows(sql)}
