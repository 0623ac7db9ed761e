"""Tags that contacts carry and that no model declares any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.escaping import escaped
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.registry import Audience, Tagged


def warnings(prepared: Prepared) -> list[str]:
    """Return what to tell the user of each of these audiences."""
    declared = {sync.slug for sync in prepared.syncs}
    return [warning(audience, is_declared=audience.slug in declared) for audience in prepared.undeclared]


def warning(audience: Tagged, *, is_declared: bool) -> str:
    """Return what to tell the user of an audience that is declared no more; is_declared: whether its model still is."""
    return escaped(
        f"{audience.model} {'no longer declares' if is_declared else 'is gone and had set'} the tag "
        f"{audience.tag!r}, and {counted(audience.tagged_contacts, 'contact')} still carry it. Take it away with "
        f'`dbt-drift untag {audience.model} "{audience.tag}"`, or leave it in Drift for good with '
        f'`dbt-drift forget {audience.model} "{audience.tag}"`.'
        + ("" if is_declared else f" Where it was renamed, run `dbt-drift rename {audience.model} <new name>` first.")
    )


def still_decides(syncs: Mapping[str, BoundSync], audience: Audience) -> bool:
    """Whether the sync that set the tag still declares it, by name or by the column that named it."""
    sync = syncs.get(audience.slug)
    return sync is not None and (
        audience.tag_from in sync.tag_columns or any(one.state == audience.state for one in sync.audiences)
    )
