"""Compiles the declarations of a project into one typed, validated sync per declared model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.declarations.attributes import check_attribute
from dbt_drift.declarations.audiences import read_audiences
from dbt_drift.declarations.conflicts import report_conflicts
from dbt_drift.declarations.definition import (
    ColumnField,
    ColumnMeta,
    Declaration,
    DriftMeta,
    Field,
    Guards,
)
from dbt_drift.declarations.nodes import (
    DRIFT_KEY,
    check_relation,
    declaration_key,
    declared_nodes,
    label,
    report_disabled,
    report_for,
    short_form_key,
    short_forms,
    slugs,
)
from dbt_drift.declarations.problems import Problem, Report, nearest, render
from dbt_drift.declarations.shape import MISFIT, at, fit
from dbt_drift.declarations.sync import AttributeMapping, Sync
from dbt_drift.errors import DeclarationError

if TYPE_CHECKING:
    from dbt_drift.declarations.manifest import Manifest, Node


def declare(manifest: Manifest) -> list[Sync]:
    """Compile the declarations of a project.

    All of them must be valid, even those not selected: only the whole project shows whether two models conflict over an
    attribute or a tag.

    Args:
        manifest: The project.

    Returns:
        The syncs, ordered by unique id.

    Raises:
        DeclarationError: The project has problems; the error lists all of them.
    """
    syncs, problems = examine(manifest)
    if problems:
        raise DeclarationError(render(problems))
    return syncs


def examine(manifest: Manifest) -> tuple[list[Sync], list[Problem]]:
    """Compile the declarations of a project without stopping at invalid ones.

    Args:
        manifest: The project.

    Returns:
        The syncs of the valid nodes, ordered by unique id, and the problems of the others.
    """
    root = manifest.metadata.project_name
    nodes = declared_nodes(manifest)
    slug_of = slugs(nodes, root)
    reports = [report_for(node, root) for node in nodes]
    drafts = [
        (sync, report)
        for node, report in zip(nodes, reports, strict=True)
        if (sync := _compile(node, slug_of[node.unique_id], report))
    ]
    report_conflicts(drafts)
    problems = [problem for report in [*reports, *report_disabled(manifest)] for problem in report.problems]
    return [sync for sync, report in drafts if not report.problems], problems


def _compile(node: Node, slug: str, report: Report) -> Sync | None:
    """Return the sync of one node and report its problems; None if no part of the declaration can be used.

    A sync with problems must not run, but it shows which attributes and tags the model uses.
    """
    if not check_relation(node, report):
        return None
    if node.drift is None:
        report.add(
            declaration_key(node),
            "the column names a Drift attribute, but its model has no meta.drift",
            "Declare the model too (`drift: {}` will do), or take `drift` out of its columns.",
        )
        return None
    declaration = fit(node.drift, DriftMeta, DRIFT_KEY, report)
    if declaration is MISFIT:
        return None
    return Sync(
        unique_id=node.unique_id,
        name=label(node),
        slug=slug,
        package=node.package_name,
        database=node.database,
        schema=node.schema or "",
        identifier=node.alias or node.name,
        relation_name=node.relation_name or "",
        path=report.path,
        declared=json.dumps({"drift": node.drift, "columns": short_forms(node)}, sort_keys=True),
        match_on=declaration.match_on,
        row_id=declaration.row_id,
        suppress=declaration.suppress,
        create_missing=declaration.create_missing,
        on_deleted=declaration.on_deleted,
        attributes=_attributes(node, declaration, report),
        audiences=read_audiences(declaration.audiences, report),
        guards=declaration.guards or Guards(),
    )


def _attributes(node: Node, declaration: Declaration, report: Report) -> tuple[AttributeMapping, ...]:
    """Merge ``fields`` and the short forms, email first, and report missing and duplicate attributes."""
    fields_key = f"{DRIFT_KEY}.fields"
    said = [(name, _long_form(field), at(fields_key, name)) for name, field in declaration.fields.items()]
    for column, given in short_forms(node).items():
        key = short_form_key(column)
        own = fit(given, ColumnMeta, key, report)
        if isinstance(own, ColumnField):
            said.append((own.attribute, Field(column=column, overwrite=own.overwrite, nulls=own.nulls), key))
        elif own is not MISFIT:
            said.append((own, Field(column=column), key))
    written = [_mapping(name, field, key, declaration, report) for name, field, key in said]
    # A mapping that could not be read may contain the key, so do not report the key as missing then.
    elsewhere = tuple(f"{DRIFT_KEY}.{name}" for name in Declaration.__struct_fields__ if name != "fields")
    all_read = all(problem.key.startswith(elsewhere) for problem in report.problems)
    mapped: dict[str, AttributeMapping] = {}
    for mapping in written:
        meant = structs.replace(mapping, attribute=check_attribute(mapping.attribute, mapping.key, report))
        first = mapped.setdefault(meant.attribute.casefold(), meant)
        if structs.replace(first, key="") != structs.replace(meant, key=""):
            report.add(
                mapping.key,
                f"the attribute {first.attribute!r} is mapped already, from the column {first.column!r} ({first.key})",
                "Keep one of the two.",
            )
    if all_read:
        _check_keys(node, declaration, {mapping.attribute for mapping in mapped.values()}, report)
    return tuple(sorted(mapped.values(), key=lambda mapping: mapping.attribute != "email"))


def _long_form(field: str | Field) -> Field:
    return Field(column=field) if isinstance(field, str) else field


def _mapping(attribute: str, field: Field, key: str, declaration: Declaration, report: Report) -> AttributeMapping:
    """Return the mapping, and report options that its attribute does not support."""
    is_identity = attribute in {"email", "externalId"}
    if field.nulls == "clear" and is_identity:
        report.add(f"{key}.nulls", f"{attribute} says who the contact is, and is never cleared", "Leave `nulls` out.")
    elif field.nulls == "clear" and not field.overwrite:
        report.add(
            f"{key}.nulls",
            "`overwrite: false` leaves alone what Drift holds, and `nulls: clear` takes it away",
            "Keep one of the two.",
        )
    if not field.overwrite and attribute == declaration.match_on:
        report.add(
            f"{key}.overwrite", "a contact is found by this attribute, so Drift holds it", "Leave `overwrite` out."
        )
    clears = (field.nulls or declaration.nulls) == "clear" and field.overwrite and not is_identity
    return AttributeMapping(attribute, field.column, key, overwrite=field.overwrite, clears=clears)


def _check_keys(node: Node, declaration: Declaration, mapped: set[str], report: Report) -> None:
    """Report a key attribute without a column."""
    missing = [attribute for attribute in dict.fromkeys(("email", declaration.match_on)) if attribute not in mapped]
    for attribute in missing:
        why = "every sync maps it" if attribute == "email" else f"`match_on: {attribute}` needs it"
        slip = nearest(attribute, mapped)
        column = next((name for name in node.columns or {} if attribute.casefold() in name.casefold()), "<its column>")
        report.add(
            f"{DRIFT_KEY}.fields",
            f"no column is mapped to {attribute!r}, and {why}",
            f"Is `{slip}` meant to be `{attribute}`?" if slip else f"Add `{attribute}: {column}` to `fields`.",
        )
