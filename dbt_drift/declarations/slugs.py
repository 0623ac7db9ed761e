"""Short names of syncs, for the tables that each sync has of its own."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from dbt_drift.declarations.manifest import Node

LONGEST = 32
"""In characters. Leaves room for a suffix within the 63 bytes that Postgres gives an identifier."""


def slugs(nodes: Collection[Node], root_package: str | None) -> dict[str, str]:
    """Return a slug for each node, by its unique id: a letter, then a-z, 0-9 and _, at most 32 characters.

    A slug must not change while the model keeps its name, or the sync would lose what it remembers. So it depends on
    the other nodes only where two would be the same. Then the one that has it for its own name keeps it, and the others
    take a hash of their unique id.

    Args:
        nodes: All nodes that are declared, not the selected ones only.
        root_package: The name of the project; nodes of other packages get theirs in front.
    """
    plain = {node.unique_id: _plain(node, root_package) for node in nodes}
    shared = {slug for slug, count in Counter(plain.values()).items() if count > 1}
    keepers = {
        node.name: node.unique_id for node in nodes if node.package_name == root_package and node.version is None
    }
    return {
        unique_id: slug
        if len(slug) <= LONGEST and (slug not in shared or keepers.get(slug) == unique_id)
        else _hashed(slug, unique_id)
        for unique_id, slug in plain.items()
    }


def _plain(node: Node, root_package: str | None) -> str:
    """Return the slug that the node would have if it were short enough and alone: dim_contacts_v2, crm__contacts."""
    name = node.name if node.version is None else f"{node.name}_v{node.version}"
    if node.package_name != root_package:
        name = f"{node.package_name}__{name}"
    slug = re.sub(r"[^a-z0-9_]", "_", name.lower())
    return slug if re.match(r"[a-z]", slug) else f"s_{slug}"


def _hashed(slug: str, unique_id: str) -> str:
    digest = hashlib.sha256(unique_id.encode()).hexdigest()[:8]
    return f"{slug[: LONGEST - len(digest) - 1]}_{digest}"
