"""Binds the columns that a sync declares to the columns that its relation has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.declarations.problems import Problem, Report, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.declarations.manifest import Node
    from dbt_drift.declarations.sync import Sync


def resolve(sync: Sync, columns: Sequence[str]) -> tuple[Sync, list[Problem]]:
    """Return the sync with its columns spelled as the relation spells them.

    Warehouses fold unquoted names to upper or lower case, so a column is found by its exact name, or else by the only
    name that differs just in case.

    Args:
        sync: The sync as declared.
        columns: The names of the relation's columns, as the warehouse returns them.

    Returns:
        The bound sync, and a problem for each declared column that is missing or ambiguous.
    """
    report = Report(sync.name, sync.path)
    attributes = tuple(
        structs.replace(mapped, column=_bind(mapped.column, columns, mapped.key, report)) for mapped in sync.attributes
    )
    audiences = tuple(
        structs.replace(
            audience,
            when=audience.when and _bind(audience.when, columns, f"{audience.key}.when", report),
            tag_from=audience.tag_from and _bind(audience.tag_from, columns, f"{audience.key}.tag_from", report),
        )
        for audience in sync.audiences
    )
    row_id = sync.row_id and _bind(sync.row_id, columns, "meta.drift.row_id", report)
    suppress = sync.suppress and _bind(sync.suppress, columns, "meta.drift.suppress", report)
    bound = structs.replace(sync, attributes=attributes, audiences=audiences, row_id=row_id, suppress=suppress)
    return bound, report.problems


def described_columns(sync: Sync, node: Node) -> tuple[list[Problem], list[Problem]]:
    """Compare a sync with the columns that its properties describe, if there is no relation to compare it with.

    Args:
        sync: The sync as declared.
        node: The same model in the manifest.

    Returns:
        The certain problems: with an enforced contract, the relation has exactly the described columns. And the likely
        mistakes: a column that is not described, but spelled almost like one that is.
    """
    described = [column.name for column in (node.columns or {}).values()]
    _, problems = resolve(sync, described)
    if node.config and node.config.contract and node.config.contract.enforced:
        return problems, []
    likely = [
        structs.replace(problem, message=problem.message.replace("the relation has", "its properties describe"))
        for problem in problems
        if problem.suggestion.startswith("Did you mean")
    ]
    return [], likely


def _bind(column: str, columns: Sequence[str], key: str, report: Report) -> str:
    """Return the relation's spelling of the column, or the column unchanged after reporting why there is none."""
    if column in columns:
        return column
    matches = [name for name in columns if name.casefold() == column.casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        report.add(
            key,
            f"the column {column!r} could be any of {', '.join(map(repr, matches))}",
            "Write it exactly as the relation has it.",
        )
    else:
        report.add(key, f"the relation has no column {column!r}", did_you_mean(column, columns))
    return column
