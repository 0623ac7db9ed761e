"""What the reference is told and what it counts: declarations, rows, contacts, plans, results."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import msgspec

Mode = Literal["add", "remove", "mirror"]
Row = dict[str, Any]

BLANKS = " \t\r\n\N{NO-BREAK SPACE}"
IDENTITIES = ("email", "externalId")
MAY_PASS = {"no_contact"}
MOST_TRIES = 5


class Field(msgspec.Struct, frozen=True):
    """A mapped attribute (docs/how-to/attributes.md)."""

    column: str
    overwrite: bool = True
    nulls: Literal["skip", "clear"] = "skip"

    def declared(self) -> Any:
        return {"column": self.column, "overwrite": self.overwrite, "nulls": self.nulls}


class Audience(msgspec.Struct, frozen=True):
    """An audience (docs/how-to/audiences.md): one of `tag`, `tag_from` and `attribute`."""

    mode: Mode
    when: str | None = None
    tag: str | None = None
    tag_from: str | None = None
    attribute: str | None = None

    def declared(self) -> Any:
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}


class Declaration(msgspec.Struct, frozen=True):
    """`meta.drift` of a model (docs/reference/declarations.md)."""

    fields: dict[str, Field]
    audiences: tuple[Audience, ...] = ()
    match_on: Literal["email", "externalId"] = "email"
    create_missing: bool = True
    on_deleted: Literal["create", "reject"] = "create"

    def declared(self) -> Any:
        return {
            "match_on": self.match_on,
            "fields": {name: field.declared() for name, field in self.fields.items()},
            "audiences": [audience.declared() for audience in self.audiences],
            "create_missing": self.create_missing,
            "on_deleted": self.on_deleted,
            "guards": {"shrink": 1},
        }


class Contact(msgspec.Struct):
    """A contact of Drift."""

    attributes: dict[str, Any]
    tags: set[str]

    @property
    def email(self) -> str:
        return str(self.attributes["email"]).lower()


class Memory(msgspec.Struct):
    """What the ledger remembers of one contact for one sync; `sure`: False after a full refresh, until sent again.

    Attributes:
        values: What was last accepted; None where it was cleared.
        signs: `+` or `-` for each tag that was set or taken away.
    """

    values: dict[str, Any] = {}
    signs: dict[str, str] = {}
    unsure: set[str] = set()


class Refusal(msgspec.Struct):
    """A row that does not get through: what it wanted, why, in how many runs it was sent, whether it is given up."""

    wanted: object
    reason: str
    tries: int
    given_up: bool


class Planned(msgspec.Struct):
    """The counts of a plan (docs/reference/results.md, "The plan document")."""

    rows: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    departed: int = 0
    invalid: Counter[str] = msgspec.field(default_factory=Counter)
    given_up: Counter[str] = msgspec.field(default_factory=Counter)
    attributes: Counter[str] = msgspec.field(default_factory=Counter)
    tags_added: Counter[str] = msgspec.field(default_factory=Counter)
    tags_removed: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def sendable(self) -> int:
        return self.new + self.changed + self.departed


class Done(msgspec.Struct):
    """The counts of a sync (docs/reference/results.md)."""

    created: int = 0
    updated: int = 0
    matched: int = 0
    tags_added: int = 0
    tags_removed: int = 0
    sent: int = 0
    missing: int = 0
    rejected: int = 0
    departed: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def status(self) -> str:
        return "warn" if self.reasons else "success"


class Change(msgspec.Struct):
    """What is to be sent about one contact; `row` is False where its row has left the model.

    Attributes:
        values: All that the row wants, None to clear.
        signs: All that the audiences want.
        new_values: Of these, what Drift has not accepted.
        new_signs: The same.
    """

    key: str
    values: dict[str, Any]
    signs: dict[str, str]
    new_values: dict[str, Any]
    new_signs: dict[str, str]
    row: bool = True
