"""How a plan looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_drift.delivery.results import RowCounts, failed_before
from dbt_drift.escaping import escaped
from dbt_drift.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.delivery.plan import Cost, PlannedChange, SyncPlan
    from dbt_drift.ledger.delta import Counts

PLAN_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""

_MARKS = {"new": "+", "change": "~", "leave": "-"}


def plan_document(plans: list[SyncPlan]) -> dict[str, Any]:
    """Return the plans as one document."""
    return {"plan_version": PLAN_VERSION, "plans": plans}


def plan_text(plans: list[SyncPlan]) -> str:
    """Return the plans for a person."""
    return "\n\n".join("\n".join(map(escaped, _sync_lines(plan))) for plan in plans)


def _sync_lines(plan: SyncPlan) -> Iterator[str]:
    counts = plan.counts
    invalid = sum(counts.invalid.values())
    yield f"{plan.name}: {counted(counts.rows, 'row')}, {counts.unchanged:,} unchanged"
    failed = failed_before(counts)
    given_up = sum(failed.values())
    yield from _skipped_lines(counts)
    if not counts.sendable and not invalid and not given_up:
        yield "  nothing to send"
        yield from _held_lines(plan)
        return
    if counts.new:
        yield f"  + {counts.new:,} new: looked up in Drift, created where it has none"
    if counts.changed:
        yield f"  ~ {counts.changed:,} changed"
    if counts.departed:
        yield f"  - {counts.departed:,} left the model: tags are taken away"
    if invalid:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.invalid.items())
        yield f"  ! {invalid:,} cannot be sent: {reasons}"
    if given_up:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in failed.items())
        yield f"  ! {given_up:,} given up until they change or `dbt-drift retry`: {reasons}"
    changed = [f"{name} {count:,}" for name, count in counts.attributes.items() if count]
    if changed:
        yield f"  attributes: {', '.join(changed)}"
    tags = [f"+{tag} {count:,}" for tag, count in counts.tags_added.items() if count]
    tags += [f"-{tag} {count:,}" for tag, count in counts.tags_removed.items() if count]
    if tags:
        yield f"  tags: {', '.join(tags)}"
    if plan.cost.requests:
        yield f"  {_cost(plan.cost)}"
    yield from _held_lines(plan)
    yield from _row_lines(plan)


def _skipped_lines(counts: Counts) -> Iterator[str]:
    if counts.suppressed:
        yield f"  {counts.suppressed:,} suppressed: not to be contacted"
    if missing := RowCounts.staged(counts).missing:
        yield f"  {missing:,} not in Drift, and `create_missing: false` creates none"


def _cost(cost: Cost) -> str:
    kinds = {"look-up": cost.look_ups, "write": cost.writes, "tag call": cost.tag_calls}
    listed = ", ".join(counted(count, kind) for kind, count in kinds.items() if count)
    lasts = "" if cost.seconds is None or cost.seconds < 1 else f"; {duration(cost.seconds)} at the quota"
    return f"at most {counted(cost.requests, 'request')}: {listed}{lasts}"


def _held_lines(plan: SyncPlan) -> Iterator[str]:
    for number, line in enumerate(plan.blocked.splitlines()):
        yield f"      {line}" if number else f"  BLOCKED  {line}"


def _row_lines(plan: SyncPlan) -> Iterator[str]:
    if plan.changes:
        yield ""
    for change in plan.changes:
        yield f"  {_MARKS[change.action]} {change.key}"
        yield from _change_lines(change)
    rest = plan.counts.sendable - len(plan.changes)
    if plan.changes and rest:
        yield f"    and {rest:,} more: --rows shows more of them"
    for row in plan.invalid:
        blame = f" ({row.attribute})" if row.attribute else ""
        which = f", row {row.row_id}" if row.row_id else ""
        yield f"  ! {row.key_as_written or '(no key)'}{which}: {row.reason}{blame}"


def _change_lines(change: PlannedChange) -> Iterator[str]:
    for name, (accepted, wanted) in change.attributes.items():
        yield f"      {name}: {wanted}" if accepted == "null" else f"      {name}: {accepted} -> {wanted}"
    tags = [f"+{tag}" for tag in change.add_tags] + [f"-{tag}" for tag in change.remove_tags]
    if tags:
        yield f"      tags: {' '.join(tags)}"
