"""What is asked of Drift for one contact, and what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from dbt_drift.drift.http.messages import JsonValue

MatchOn = Literal["email", "externalId"]

Status = Literal["created", "updated", "matched", "rejected", "failed"]


class ContactChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one contact lacks of what the model says.

    Attributes:
        seq: Its number in the delta.
        key: The key that the ledger remembers it by.
        match_on: Which of the identities finds it while its Drift id is unknown.
        contact_id: Its remembered Drift id, or None.
        identity: `email`, and `externalId` where it is mapped, as the model spells them, whether changed or not.
        attributes: The attributes to write; a JSON null asks to clear. For a contact without an id: all that the model
            gives a value.
        add_tags: The tags to apply.
        remove_tags: The tags to take away.
        colors: The colour of a tag where Drift is not to choose it: six hexadecimal digits.
        unchanged: Attributes that Drift accepted before. They are sent only if the remembered contact turns out to be
            deleted, so that its successor is complete.
        unchanged_tags: Tags that Drift accepted before, for the same case.
        unchanged_removals: Tags that Drift took away before, for the same case: a successor may carry them.
        fill_only: Attributes that are written only where Drift has no value for them.
        create_missing: False where no contact is to be made if there is none: as the mapping says, and always for a row
            that has left the model.
        deleted: What to do when the remembered contact was deleted in Drift: find or `create` its successor, `reject`
            the row, or `leave` it, because its row has left the model and nothing is to be taken from it any more.
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
        """Whether Drift itself would refuse a second contact, so that this one may be created without a look-up.

        It refuses a second contact with the same email unless an externalId is given
        (devdocs.drift.com/docs/creating-a-contact). Whether it takes an email in other letters for the same one is not
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
        # A change is personal data from end to end; a log or a traceback gets its number.
        return f"ContactChange(seq={self.seq})"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one change.

    Attributes:
        seq: The change's number.
        key: The change's key.
        contact_id: The contact's Drift id, where it is known by now.
        status: `created`; `updated`, also when only tags changed; `matched`: found as it should be, nothing written;
            `rejected`: Drift refuses this contact; `failed`: not refused, but not done after all tries.
        attributes_accepted: Whether Drift holds the attributes now.
        tags_accepted: Whether Drift holds the tags now.
        reason: Why it was rejected or failed: Drift's own error type, or one of the reasons in `contacts`. Otherwise
            None.
        message: The same in Drift's words, at most `MESSAGE_LENGTH` characters. May hold personal data: never logged.
        requests: How many requests it took, repetitions of one request not counted.
        attributes_written: The attributes that Drift took; those that were found as they should be are left out.
        tags_added: The tags that Drift took; those that the contact was seen to carry before are left out.
        tags_removed: The tags that Drift took away; those that the contact was seen to lack before are left out.
        lacking: After a look-up: the attributes of the change that Drift does not hold with these values.
        tags: After a look-up: the contact's tags, or None where Drift does not tell.
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
