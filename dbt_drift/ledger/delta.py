"""What a stage finds and what becomes of it: rows of the delta, counts, rows that cannot be sent, journal entries."""

from __future__ import annotations

import msgspec

from dbt_drift.ledger.wire import UNCERTAIN


class DeltaRow(msgspec.Struct, frozen=True):
    """One contact that has something to send.

    Attributes:
        seq: Its number in the delta, from 1.
        departed: True when its row has left the model: only tags are taken away.
        key: The key that it is remembered by.
        contact_id: Its Drift id, or None while that is unknown.
        wanted: Wire text of each attribute that the model gives a value, changed or not.
        accepted: Wire text of each attribute as Drift last accepted it.
        wanted_tags: `+` or `-` for each tag that is to be set or taken away.
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
    """What staging found, in contacts unless said; `rows` = unchanged + invalid + given up + (new + changed).

    Attributes:
        rows: Rows of the model.
        differing: Rows of the model in the delta, those that cannot be sent included.
        sendable: Contacts to send, numbered 1 to `sendable` in the delta.
        new: Of these, rows whose contact has no remembered Drift id.
        changed: Of these, rows whose contact has one.
        departed: Of these, those whose row has left the model.
        invalid: Rows that cannot be sent, by reason.
        given_up: Rows that were given up in earlier runs and have not changed since, by reason.
        attributes: In how many contacts each attribute is new or changed.
        tags_added: How many contacts get each tag.
        tags_removed: How many contacts lose each tag.
        tags_carried: Of the tags that some lose: how many contacts carry it, as far as this sync set it.
        values_cleared: How many contacts lose the value of each attribute that some lose.
        values_set: Of these attributes: how many contacts have a value that this sync wrote.
        rows_before: Rows of the model when it was last synced to the end; None where it never was.
    """

    rows: int
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
        return self.rows - self.differing


class InvalidRow(msgspec.Struct, frozen=True):
    """A row that cannot be sent.

    Attributes:
        key: The key that its contact would be remembered by; None when that is what the row lacks.
        reason: A short code; the docs list them.
        attribute: The attribute to blame, where one is.
        key_as_written: The key as the model has it.
        row_id: What the model calls the row, where it says so.
    """

    key: str | None
    reason: str
    attribute: str | None
    key_as_written: str | None
    row_id: str | None


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What the journal keeps of one contact's outcome; the order is that of the macro's insert."""

    stage_id: str
    seq: int
    contact_id: int | None
    status: str
    attributes_accepted: bool
    tags_accepted: bool
    reason: str | None
    message: str | None
    confirmed_columns: list[str] | None = None
    """After a look-up: the columns whose values Drift was found to hold."""
