"""The change to make to one contact, and its outcome."""

from __future__ import annotations

from typing import Literal

import msgspec

from dbt_drift.drift.http.messages import JsonValue

MatchOn = Literal["email", "externalId"]

Status = Literal["created", "updated", "matched", "missing", "rejected", "failed"]


class ContactChange(msgspec.Struct, frozen=True, kw_only=True):
    """The difference between a row of the model and what Drift has accepted for its contact.

    Attributes:
        seq: Number of the change in the delta.
        key: The contact's key in the ledger.
        match_on: The identity that finds the contact while its Drift id is unknown.
        contact_id: The remembered Drift id, or None.
        identity: `email`, and `externalId` if mapped, as the model spells them, whether changed or not.
        attributes: The attributes to write; a JSON null clears one. For a contact without an id: all attributes that
            have a value in the model.
        add_tags: The tags to add.
        remove_tags: The tags to remove.
        colors: Six hexadecimal digits per tag. Drift chooses the colour of every other tag.
        unchanged: Attributes that Drift accepted before. They are sent only if the remembered contact turns out to be
            deleted, so that its successor is complete.
        unchanged_tags: Tags that Drift accepted before, for the same case.
        unchanged_removals: Tags that Drift removed before, for the same case: a successor may carry them.
        fill_only: Attributes that are written only if Drift has no value for them.
        create_missing: Whether to create the contact if it does not exist: as the mapping says, and always False for a
            row that has left the model.
        deleted: What to do if the remembered contact was deleted in Drift: find or `create` its successor, `reject`
            the row, or `leave` it, because its row has left the model and nothing needs to be removed.
    """

    seq: int
    key: str
    match_on: MatchOn = "email"
    contact_id: int | None = None
    identity: dict[str, str]
    attributes: dict[str, JsonValue] = {}
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    colors: dict[str, str] = {}
    unchanged: dict[str, JsonValue] = {}
    unchanged_tags: tuple[str, ...] = ()
    unchanged_removals: tuple[str, ...] = ()
    fill_only: frozenset[str] = frozenset()
    create_missing: bool = True
    deleted: Literal["create", "reject", "leave"] = "create"

    @property
    def guarded_by_drift(self) -> bool:
        """Whether Drift itself would refuse a duplicate, so that the contact can be created without a look-up.

        Drift refuses a second contact with the same email unless an externalId is given
        (devdocs.drift.com/docs/creating-a-contact). Whether it compares emails case-sensitively is not
        documented, so an address with capital letters is always looked up.
        """
        email = self.identity.get("email", "")
        return (
            self.contact_id is None
            and self.create_missing
            and "externalId" not in self.identity
            and bool(email)
            and email == email.lower()
        )

    def __repr__(self) -> str:
        # A change consists of personal data, so logs and tracebacks show only its number.
        return f"ContactChange(seq={self.seq})"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one change.

    Attributes:
        seq: The change's number.
        key: The change's key.
        contact_id: The contact's Drift id, or None if still unknown.
        status: `created`; `updated`, also if only tags changed; `matched`: found with the wanted values, nothing
            written; `missing`: Drift has no such contact, and none may be created; `rejected`: Drift refuses this
            contact; `failed`: not refused, but not done after all tries.
        attributes_accepted: Whether Drift now holds the attributes.
        tags_accepted: Whether Drift now holds the tags.
        reason: Why it is missing, was rejected or failed: Drift's error type, or one of `reasons`. Otherwise None.
        message: The reason in Drift's words, at most `MESSAGE_LENGTH` characters. May hold personal data: never logged.
        requests: Number of requests used, without repetitions of the same request.
        attributes_written: The attributes that Drift accepted, without those that already had the wanted value.
        tags_added: The tags that Drift added, without those that the contact was seen to carry before.
        tags_removed: The tags that Drift removed, without those that the contact was seen to lack before.
        lacking: After a look-up: the attributes of the change whose values differ in Drift.
        tags: After a look-up: the contact's tags, or None if Drift does not return them.
    """

    seq: int
    key: str
    contact_id: int | None
    status: Status
    attributes_accepted: bool
    tags_accepted: bool
    reason: str | None = None
    message: str | None = None
    requests: int = 0
    attributes_written: frozenset[str] = frozenset()
    tags_added: frozenset[str] = frozenset()
    tags_removed: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()
    tags: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"Outcome(seq={self.seq}, status={self.status!r}, reason={self.reason!r})"
