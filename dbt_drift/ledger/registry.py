"""What a ledger has on record beside its large tables: version, destination, attributes, audiences, saved syncs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.session import Session


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """An audience that a sync has had, whether or not a model still declares it.

    Attributes:
        slug: The sync's slug.
        model: The model's name when the audience was declared.
        match_on: The attribute that the sync matched contacts by.
        state: The ledger's column for the tag.
        tag: The tag.
        mode: Its mode.
        tag_from: The column that named it, or None.
    """

    slug: str
    model: str
    match_on: str
    state: str
    tag: str
    mode: str
    tag_from: str | None


class Pin(msgspec.Struct, frozen=True):
    """The Drift organisation that a ledger describes.

    Attributes:
        organisation: Its id; "" if Drift did not tell the token which organisation it opens.
        target: The dbt target of the run that pinned it.
    """

    organisation: str
    target: str


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """What was on record when the ledger was read. Without a ledger, everything is empty.

    Attributes:
        tables: The columns of each table.
        is_complete: Whether this program has nothing to create or to migrate.
        version: The version of the ledger, and the version of dbt-drift that wrote it; None without a version.
        destination: The URL of the Drift that the ledger describes; "" before the first run.
        pin: The Drift organisation that the ledger describes; None before the first run.
        attributes: Name, label and type of each attribute that Drift listed for the last sync that could list them.
        audiences: Every audience that a sync has had.
        saved: Of each sync that has run, by its unique id: the version of dbt-drift, and the sync as it ran last.
        turn: How often the lock was taken; None without a lock.
    """

    tables: dict[str, list[str]] = {}
    is_complete: bool = False
    version: tuple[int, str] | None = None
    destination: str = ""
    pin: Pin | None = None
    attributes: list[tuple[str, str, str]] = []
    audiences: list[Audience] = []
    saved: dict[str, tuple[str, str]] = {}
    turn: int | None = None

    def of(self, slug: str) -> list[Audience]:
        """Return the audiences of one sync."""
        return [audience for audience in self.audiences if audience.slug == slug]


class Tagged(Audience, frozen=True, kw_only=True):
    """An audience, and the contacts that carry its tag.

    Attributes:
        tagged_contacts: How many contacts carry the tag because of the sync, or may carry it after a killed run.
    """

    tagged_contacts: int


def read_registry(session: Session, location: Location) -> Registry:
    """Read what the ledger has on record, in two statements."""
    found = session.call("registry", ledger=location)
    versions = [(int(version), str(program)) for version, program, *_ in found["version"]]
    turns = [int(turn) for turn, *_ in found["turn"]]
    return Registry(
        tables=found["tables"],
        is_complete=found["is_complete"],
        version=max(versions, default=None),
        destination=next((str(url) for url, *_ in found["destination"]), ""),
        pin=next((Pin(*row[1:3]) for row in sorted(found["pin"], reverse=True)), None),
        attributes=sorted((name, label, kind) for name, label, kind, *_ in found["attribute"]),
        audiences=sorted((_audience(*row) for row in found["audience"]), key=lambda one: (one.slug, one.tag)),
        saved={unique_id: (version, spec) for unique_id, _, version, spec, *_ in found["saved_sync"]},
        turn=max(turns, default=None),
    )


def _audience(*values: Any) -> Audience:
    return Audience(**dict(zip(Audience.__struct_fields__, values, strict=True)))


def count_tagged(
    session: Session, location: Location, registry: Registry, audiences: Sequence[Audience]
) -> list[Tagged]:
    """Count the contacts that carry the tags of these audiences; one statement for each sync among them."""
    counts = session.call("tagged_contacts", ledger=location, audiences=list(audiences), present=registry.tables)
    return [
        Tagged(**msgspec.structs.asdict(audience), tagged_contacts=count)
        for audience, count in zip(audiences, counts, strict=True)
    ]


def a_tag_is_seen(session: Session, location: Location, registry: Registry) -> bool:
    """Whether any contact is certain to carry a tag of a sync, so that Drift is known to apply tags."""
    return bool(session.call("a_tag_is_seen", ledger=location, audiences=registry.audiences, present=registry.tables))


def drop_audience(session: Session, location: Location, audience: Audience) -> None:
    """Delete an audience from the ledger, in the caller's transaction; Drift keeps the tag."""
    session.call("drop_audience", ledger=location, slug=audience.slug, state=audience.state)
