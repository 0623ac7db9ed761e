"""Conflicts between the declarations of a project: two models that write the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dbt_drift.declarations.problems import Report
    from dbt_drift.declarations.sync import Sync


def report_conflicts(declared: Sequence[tuple[Sync, Report]]) -> None:
    """Report each attribute that an earlier model already writes, and each tag on which two models conflict.

    Each sync would undo the other one's changes in every run. Names are compared without case: Drift does not document
    whether `VIP` and `vip` are different tags, and users do not mean different tags by them.

    Args:
        declared: All syncs of the project, even invalid ones, each with the report of its model.
    """
    attribute_owners: dict[str, Sync] = {}
    for sync, report in declared:
        for mapped in sync.attributes:
            if mapped.attribute in {"email", sync.match_on}:
                continue  # a key identifies the contact, and any number of syncs can share it
            owner = attribute_owners.setdefault(mapped.attribute.casefold(), sync)
            if owner is not sync:
                report.add(
                    mapped.key,
                    f"the attribute {mapped.attribute!r} is also written by {owner.name} ({owner.path})",
                    _way_out(sync, owner),
                )
    _report_double_use(declared)
    report_tag_conflicts(declared)


def _report_double_use(declared: Sequence[tuple[Sync, Report]]) -> None:
    """Report each attribute that is an audience in one sync and filled from a column in the same or another sync."""
    filled = {mapped.attribute.casefold(): (sync, mapped) for sync, _ in declared for mapped in sync.attributes}
    for sync, report in declared:
        for audience in sync.audiences:
            if audience.attribute is None or (found := filled.get(audience.attribute.casefold())) is None:
                continue
            owner, mapped = found
            report.add(
                f"{audience.key}.attribute",
                f"the attribute {audience.attribute!r} is also written by {owner.name}, from the column "
                f"{mapped.column!r} ({owner.path})",
                "Keep one of the two: each would undo the other's work.",
            )


def report_tag_conflicts(declared: Iterable[tuple[Sync, Report]]) -> None:
    """Report each tag on which two models conflict.

    Two models may both add a tag, or both remove it: Drift's final state is the same in any order. A mirror removes
    what another model adds, so it must be the only model with its tag.

    Args:
        declared: The syncs, each with the report of its model. Tags that a column names are checked once known.
    """
    claims: dict[str, tuple[Sync, str]] = {}
    for sync, report in declared:
        for audience in sync.audiences:
            if not audience.tag:
                continue
            owner, mode = claims.setdefault(audience.identity.casefold(), (sync, audience.mode))
            if owner is not sync and (mode != audience.mode or mode == "mirror"):
                said = "tag_from" if audience.tag_from else "tag" if audience.attribute is None else "attribute"
                report.add(
                    f"{audience.key}.{said}",
                    f"the tag {audience.tag!r} is also decided by {owner.name} ({owner.path})",
                    _way_out(sync, owner),
                )


def _way_out(sync: Sync, owner: Sync) -> str:
    if sync.package == owner.package and sync.name.split(".v")[0] == owner.name.split(".v")[0]:
        return "Versions inherit the model's meta: give all but one of them `config: {meta: {drift: false}}`."
    return "Keep it in one of the two models: each would undo the other's work."
