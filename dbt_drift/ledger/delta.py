"""Types of a stage: rows of the delta, counts, rows that cannot be sent, journal entries, what earlier runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.ledger.wire import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import BoundSync


class DeltaRow(msgspec.Struct, frozen=True):
    """One contact with something to send.

    Attributes:
        seq: Its number in the delta, from 1.
        departed: Whether its row has left the model, so that only tags are removed.
        key: The key of the contact.
        contact_id: Its Drift id, or None if unknown.
        wanted: The wire text of each attribute with a value in the model, changed or not.
        accepted: The wire text of each attribute that Drift last accepted.
        wanted_tags: `+` for each tag to add, `-` for each tag to remove.
        accepted_tags: The same, as Drift last accepted it.
    """

    seq: int
    departed: bool
    key: str
    contact_id: int | None
    wanted: dict[str, str]
    accepted: dict[str, str]
    wanted_tags: dict[str, str]
    accepted_tags: dict[str, str]

    @property
    def is_remembered(self) -> bool:
        """Whether the ledger knows a value of the contact for certain, or a tag that was set."""
        return bool(self.accepted_tags) or any(not wire.startswith(UNCERTAIN) for wire in self.accepted.values())


class Counts(msgspec.Struct, frozen=True):
    """The counts of a stage, in contacts unless stated.

    `rows` = unchanged + suppressed + invalid + given up + (new + changed).

    Attributes:
        rows: Rows of the model.
        suppressed: Of these, rows of people who are not to be contacted.
        differing: Rows of the model in the delta, those that cannot be sent included.
        sendable: Contacts to send, numbered 1 to `sendable` in the delta.
        new: Sendable contacts without a known Drift id.
        changed: Sendable contacts with a known Drift id.
        departed: Sendable contacts whose row has left the model.
        invalid: Rows that cannot be sent, by reason.
        given_up: Rows that earlier runs gave up and that have not changed since, by reason.
        attributes: In how many contacts each attribute is new or changed.
        tags_added: How many contacts get each tag.
        tags_removed: How many contacts lose each tag.
        tags_carried: How many contacts carry each tag that some lose, as far as this sync set it.
        values_cleared: How many contacts lose the value of each attribute that some lose.
        values_set: How many contacts have a value of these attributes that this sync wrote.
        rows_before: Rows of the model in its last complete sync; None if there was none.
    """

    rows: int
    suppressed: int
    differing: int
    sendable: int
    new: int
    changed: int
    departed: int
    invalid: dict[str, int]
    given_up: dict[str, int]
    attributes: dict[str, int]
    tags_added: dict[str, int]
    tags_removed: dict[str, int]
    tags_carried: dict[str, int]
    values_cleared: dict[str, int]
    values_set: dict[str, int]
    rows_before: int | None

    @property
    def unchanged(self) -> int:
        """Rows of the model in which nothing is to be sent."""
        return self.rows - self.suppressed - self.differing

    @property
    def has_tags(self) -> bool:
        """Whether tags are to be set or taken away."""
        return any((*self.tags_added.values(), *self.tags_removed.values()))


class InvalidRow(msgspec.Struct, frozen=True):
    """A row that cannot be sent.

    Attributes:
        key: The key of its contact; None if the row has no key.
        reason: A short code; docs/reference/errors.md lists them.
        attribute: The attribute that caused it, if any.
        key_as_written: The key as the model has it.
        row_id: The value of the declared `row_id`, if any.
    """

    key: str | None
    reason: str
    attribute: str | None
    key_as_written: str | None
    row_id: str | None


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """The journal entry of one contact; the fields are in the order of the macro's insert."""

    stage_id: str
    seq: int
    contact_id: int | None
    status: str
    attributes_accepted: bool
    tags_accepted: bool
    reason: str | None
    message: str | None
    confirmed_columns: list[str] | None = None
    """After a look-up: the columns whose values Drift has."""


class Left(msgspec.Struct, frozen=True):
    """What earlier runs and the post-hook have left of a sync.

    Attributes:
        journaled: The number of journal entries that have not been folded.
        rejected: The number of rejected rows.
        stage_id: The stage of the post-hook, or None.
        spec_hash: The hash of the sync that the post-hook staged.
        rows_before: The number of rows of the model in the last complete sync; None if there was none.
    """

    journaled: int
    rejected: int
    stage_id: str | None
    spec_hash: str | None
    rows_before: int | None


def delta_row(sync: BoundSync, values: Sequence[Any]) -> DeltaRow:
    """Return a row of a page: number, action, key, Drift id, then the wanted and the accepted text of each state."""
    seq, action, key, contact_id, *states = values
    pairs = list(zip(states[0::2], states[1::2], strict=True))
    attributes = dict(zip((one.attribute for one in sync.attributes), pairs, strict=False))
    tags = dict(zip((one.tag for one in sync.audiences), pairs[len(sync.attributes) :], strict=True))
    return DeltaRow(
        seq=seq,
        departed=action == "leave",
        key=key,
        contact_id=contact_id,
        wanted={name: new for name, (new, _) in attributes.items() if new is not None},
        accepted={name: old for name, (_, old) in attributes.items() if old is not None},
        wanted_tags={tag: new for tag, (new, _) in tags.items() if new is not None},
        accepted_tags={tag: old for tag, (_, old) in tags.items() if old is not None},
    )
