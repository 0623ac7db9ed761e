"""Tags that a column names: each becomes an audience, as if the declaration had listed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.declarations.problems import Problem
from dbt_drift.ledger.bound_sync import state_column
from dbt_drift.ledger.registry import count_tagged

if TYPE_CHECKING:
    from dbt_drift.declarations.audiences import AudienceMapping
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.ledger.bound_sync import BoundAudience, BoundSync
    from dbt_drift.ledger.registry import Registry
    from dbt_drift.project.session import Session

MOST_TAGS = 100
"""The largest number of tags of one column. Each tag is a column of the ledger; a column with more values most
likely does not name tags."""


def expand(session: Session, sync: BoundSync, *, registry: Registry) -> tuple[BoundSync, list[Problem]]:
    """Return the sync with one audience for each tag that its columns name, or that a mirror has to take away.

    Args:
        session: An open connection.
        sync: The sync, bound to its columns.
        registry: What the ledger has on record.

    Returns:
        The sync, and a problem for each column with too many tags or with one that another audience has.
    """
    if not sync.tag_columns:
        return sync, []
    with session.transaction():
        session.call("fix_transaction")
        return _expanded(session, sync, registry)


def _expanded(session: Session, sync: BoundSync, registry: Registry) -> tuple[BoundSync, list[Problem]]:
    found: list[BoundAudience] = []
    problems: list[Problem] = []
    taken = {audience.identity.casefold(): audience.key for audience in sync.audiences if audience.tag}
    for audience in sync.audiences:
        if not audience.tag_from:
            found.append(audience)
            continue
        sql = session.call("named_tags_sql", sync=sync, audience=audience, most=MOST_TAGS + 1)
        named = [tag for (tag,) in session.rows(sql)]
        problems += _misuses(sync, audience, named, taken)
        states = {state_column("tag", tag) for tag in named} | {one.state for one in sync.audiences if one.tag}
        # Tags that the column no longer names and contacts still carry: these audiences have no members.
        former = [
            one for one in registry.of(sync.slug) if one.tag_from == audience.tag_from and one.state not in states
        ]
        carried = count_tagged(session, sync.ledger, registry, former)
        named += [one.tag for one in carried if one.tagged_contacts]
        found += [structs.replace(audience, tag=tag, state=state_column("tag", tag)) for tag in named]
    return structs.replace(sync, audiences=tuple(found)), problems


def _misuses(sync: Sync, audience: AudienceMapping, named: list[str], taken: dict[str, str]) -> list[Problem]:
    """Report too many tags, and tags that this sync already has; add the others to `taken`."""
    messages = []
    if len(named) > MOST_TAGS:
        messages.append(
            (f"the column {audience.tag_from!r} names more than {MOST_TAGS} tags", "Is it the right column?")
        )
    for tag in named[:MOST_TAGS]:
        first = taken.setdefault(tag.casefold(), f"{audience.key}.tag_from: {tag!r}")
        if first != f"{audience.key}.tag_from: {tag!r}":
            message = f"the column {audience.tag_from!r} names the tag {tag!r}, which is already declared ({first})"
            messages.append((message, "Spell each tag in one way, and declare it in one audience."))
    return [
        Problem(path=sync.path, model=sync.name, key=f"{audience.key}.tag_from", message=message, suggestion=suggestion)
        for message, suggestion in messages
    ]
