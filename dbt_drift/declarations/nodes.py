"""The nodes of a manifest that declare a sync, and their names: in messages, and as slugs in table names."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from dbt_drift.declarations.problems import Report
from dbt_drift.declarations.shape import at
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Collection

    from dbt_drift.declarations.manifest import Manifest, Node

DRIFT_KEY = "meta.drift"

LONGEST_SLUG = 32
"""In characters. Leaves room for a suffix within Postgres's limit of 63 bytes for an identifier."""

_NO_ROWS = {
    "source": "dbt-drift syncs what dbt builds, and a source is built elsewhere; declare a model that selects from it",
    "exposure": "an exposure has no rows; declare the model that it depends on",
    "analysis": "an analysis is compiled but never built; make it a model",
    "test": "the rows of a test are failures, not contacts; declare the model that it tests",
}
"""Why a resource other than a model, seed or snapshot cannot be synced, by its type."""


def declared_nodes(manifest: Manifest) -> list[Node]:
    """Return the enabled nodes that declare anything for Drift, valid or not, ordered by unique id."""
    enabled = [*manifest.nodes.values(), *manifest.sources.values(), *manifest.exposures.values()]
    return sorted((node for node in enabled if _declares(node)), key=lambda node: node.unique_id)


def short_forms(node: Node) -> dict[str, Any]:
    """Return the ``meta.drift`` of each column that has its own, as written, by column name.

    dbt 2 copies the ``meta`` of the model to columns without one. Such a copy is no short form.
    """
    columns = (node.columns or {}).values()
    return {one.name: one.drift for one in columns if _is_set(one.drift) and one.drift != node.drift}


def short_form_key(column: str) -> str:
    """Return the key of a column's short form: ``columns.phone.meta.drift``."""
    return f"{at('columns', column)}.{DRIFT_KEY}"


def declaration_key(node: Node) -> str:
    """Return the key of the node's first declaration: in its own ``meta``, or else in that of a column."""
    return DRIFT_KEY if node.drift is not None else short_form_key(next(iter(short_forms(node))))


def label(node: Node) -> str:
    """Return the node's name for users, with ``.vN`` for a version."""
    return escaped(node.name if node.version is None else f"{node.name}.v{node.version}")


def report_for(node: Node, root_package: str | None) -> Report:
    """Return an empty report with the node's name and the file that describes it.

    The file is relative to the project, or starts with ``package://`` if it belongs to another package.
    """
    package, _, path = (node.patch_path or f"{node.package_name}://{node.original_file_path}").partition("://")
    return Report(label(node), escaped(path if package == root_package else f"{package}://{path}"))


def report_disabled(manifest: Manifest) -> list[Report]:
    """Return the reports of disabled nodes with a declaration, which would otherwise silently not sync."""
    root = manifest.metadata.project_name
    reports = []
    for unique_id, nodes in (manifest.disabled or {}).items():
        # One of several nodes with the same id may be enabled. dbt builds that one, and only its declaration counts.
        declared = [node for node in nodes if _is_set(node.drift)]
        if declared and unique_id not in manifest.nodes:
            report = report_for(declared[0], root)
            report.add(
                DRIFT_KEY,
                f"the {declared[0].resource_type} is disabled, so dbt builds nothing to sync",
                "Enable it, or say `drift: false` in its meta.",
            )
            reports.append(report)
    return reports


def check_relation(node: Node, report: Report) -> bool:
    """Return whether dbt builds a relation for the node, and report the reason if not."""
    kind = node.resource_type
    if kind not in {"model", "seed", "snapshot"}:
        report.add(declaration_key(node), _NO_ROWS.get(kind, f"a resource of type {kind!r} has no rows to sync"))
    elif (node.config and node.config.materialized == "ephemeral") or not node.relation_name:
        report.add(
            declaration_key(node),
            f"the {kind} has no relation to read: dbt does not build what is ephemeral",
            "Materialize it as a view or a table, or declare a model that selects from it.",
        )
    return not report.problems


def _declares(node: Node) -> bool:
    # `drift: false` cancels an inherited declaration, including the short forms of the columns.
    return _is_set(node.drift) or (node.drift is None and bool(short_forms(node)))


def _is_set(drift: Any) -> bool:
    return drift is not None and drift is not False


def slugs(nodes: Collection[Node], root_package: str | None) -> dict[str, str]:
    """Return a slug for each node by unique id: a letter, then a-z, 0-9 and _, at most 32 characters.

    A slug must not change while the model keeps its name, or the sync would lose its ledger. So it depends on the other
    nodes only if two slugs would be the same. Then the node whose own name is the slug keeps it, and the others get a
    hash of their unique id.

    Args:
        nodes: All declared nodes, not only the selected ones.
        root_package: The name of the project. Slugs of nodes in other packages start with the package name.
    """
    plain = {node.unique_id: _plain_slug(node, root_package) for node in nodes}
    shared = {slug for slug, count in Counter(plain.values()).items() if count > 1}
    keepers = {
        node.name: node.unique_id for node in nodes if node.package_name == root_package and node.version is None
    }
    return {
        unique_id: slug
        if len(slug) <= LONGEST_SLUG and (slug not in shared or keepers.get(slug) == unique_id)
        else _hashed_slug(slug, unique_id)
        for unique_id, slug in plain.items()
    }


def _plain_slug(node: Node, root_package: str | None) -> str:
    """Return the slug before shortening and without conflicts: dim_contacts_v2, crm__contacts."""
    name = node.name if node.version is None else f"{node.name}_v{node.version}"
    if node.package_name != root_package:
        name = f"{node.package_name}__{name}"
    slug = re.sub(r"[^a-z0-9_]", "_", name.lower())
    return slug if re.match(r"[a-z]", slug) else f"s_{slug}"


def _hashed_slug(slug: str, unique_id: str) -> str:
    digest = hashlib.sha256(unique_id.encode()).hexdigest()[:8]
    return f"{slug[: LONGEST_SLUG - len(digest) - 1]}_{digest}"
