"""``manifest.json``, as far as declarations need it: a typed read that skips everything else.

A manifest of a large project is 100 MB of JSON. Only the members named here are built as objects, so reading it costs a
fraction of what dbt's own classes cost. Members that are null in one dbt version are absent in another (dbt 2 drops
them), so nearly everything has a default.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

OLDEST_SCHEMA = 12
"""The first manifest version that we read; dbt 1.8 to 1.12 and dbt 2 all write version 12."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_WRITE_ANEW = "Run `dbt parse` in the project to write it anew, and check that this is the project's target folder."


class Meta(Struct, frozen=True):
    """The part of a ``meta`` that is ours, and the owner that exposures name; None is the same as absent."""

    drift: Any = None
    owner: Any = None


class ColumnConfig(Struct, frozen=True):
    """The ``config`` of a column; dbt 1.8 and 1.9 leave its ``meta`` here only."""

    meta: Meta | None = None


class Column(Struct, frozen=True):
    """A column that a properties file describes; seldom all columns that the relation has."""

    name: str
    data_type: str | None = None
    meta: Meta | None = None
    config: ColumnConfig | None = None

    @property
    def drift(self) -> Any:
        """The column's ``meta.drift``, whichever place it was found in; None if there is none."""
        return _drift(self.config, self.meta)


class Contract(Struct, frozen=True):
    """Whether the described columns are all that a relation has."""

    enforced: bool | None = None


class NodeConfig(Struct, frozen=True):
    """The ``config`` of a node."""

    materialized: str | None = None
    enabled: bool | None = None
    meta: Meta | None = None
    group: str | None = None
    contract: Contract | None = None


class DependsOn(Struct, frozen=True):
    """What a node selects from, by ``unique_id``."""

    nodes: list[str] = []


class Node(Struct, frozen=True):
    """A model, seed, snapshot, source, test or any other resource of the project.

    Attributes:
        version: The version of a versioned model, as written: 2, 1.5 or "2024-01".
        patch_path: The properties file with its package, such as ``jaffle://models/schema.yml``.
        original_file_path: The file itself, relative to the root of its package.
        relation_name: The quoted name of the relation in the warehouse; None if there is no relation.
        depends_on: What it selects from.
        attached_node: Of a generic test: what it is declared on.
        raw_code: What its file says; of a model without the blanks around it.
        created_at: When dbt parsed it, in seconds since 1970. Where a later command of dbt finds its file unchanged, it
            takes the node over as it is. dbt 2 does not tell.
    """

    unique_id: str
    resource_type: str
    name: str
    package_name: str = ""
    version: str | int | float | None = None
    alias: str | None = None
    database: str | None = None
    schema: str | None = None
    relation_name: str | None = None
    original_file_path: str = ""
    patch_path: str | None = None
    config: NodeConfig | None = None
    meta: Meta | None = None
    columns: dict[str, Column] | None = None
    group: str | None = None
    depends_on: DependsOn | None = None
    attached_node: str | None = None
    raw_code: str | None = None
    created_at: float | None = None

    @property
    def drift(self) -> Any:
        """The node's ``meta.drift``, whichever place it was found in; None if there is none."""
        return _drift(self.config, self.meta)


class GroupOwner(Struct, frozen=True):
    """Who answers for a group."""

    name: str | None = None
    email: Any = None


class Group(Struct, frozen=True):
    """A group of dbt's, which models belong to by its name."""

    name: str
    owner: GroupOwner = GroupOwner()


class Metadata(Struct, frozen=True):
    """Who wrote the manifest, when, and of which project."""

    dbt_schema_version: str
    dbt_version: str = "of unknown version"
    project_name: str | None = None
    adapter_type: str | None = None
    generated_at: str | None = None
    invocation_id: str | None = None


class Manifest(Struct, frozen=True):
    """The members of ``manifest.json`` that can hold a declaration.

    Attributes:
        nodes: Models, seeds, snapshots, analyses, tests and operations by ``unique_id``.
        sources: Sources by ``unique_id``.
        exposures: Exposures by ``unique_id``.
        unit_tests: Unit tests by ``unique_id``.
        groups: Groups by ``unique_id``.
        disabled: Disabled resources by ``unique_id``: several can share one, and one that is enabled can have it too.
    """

    metadata: Metadata
    nodes: dict[str, Node] = {}
    sources: dict[str, Node] = {}
    exposures: dict[str, Node] = {}
    unit_tests: dict[str, Node] = {}
    groups: dict[str, Group] = {}
    disabled: dict[str, list[Node]] | None = None


class _WholeNodes(Struct):
    """Nodes, each still as text."""

    nodes: dict[str, msgspec.Raw] = {}


class _Versioned(Struct):
    """What a manifest of any version has in common."""

    metadata: Metadata


def read_manifest(path: Path) -> Manifest:
    """Read the manifest that dbt wrote.

    Args:
        path: The file, usually ``target/manifest.json``.

    Raises:
        ConfigurationError: It is missing, is no manifest, or was written by a dbt version that is too old.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {path}.", advice="Run `dbt build` or `dbt parse` in the project first: dbt writes this file."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except _UNREADABLE as error:
        if metadata := _metadata(content):
            _refuse_old(metadata, path)
        raise ConfigurationError(f"{path} is not a manifest of dbt: {error}.", advice=_WRITE_ANEW) from error
    _refuse_old(manifest.metadata, path)
    return manifest


def whole_nodes(path: Path, unique_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return some nodes of a manifest that was read already, with all that dbt wrote of them."""
    nodes = msgspec.json.decode(path.read_bytes(), type=_WholeNodes).nodes
    return {unique_id: msgspec.json.decode(nodes[unique_id]) for unique_id in unique_ids}


def _metadata(content: bytes) -> Metadata | None:
    """Return the one member that manifests of all versions have alike; None if this is no manifest."""
    try:
        return msgspec.json.decode(content, type=_Versioned).metadata
    except _UNREADABLE:
        return None


def _refuse_old(metadata: Metadata, path: Path) -> None:
    found = re.search(r"/manifest/v(\d+)\.json$", metadata.dbt_schema_version)
    if not found:
        raise ConfigurationError(
            f"{path} is not a manifest of dbt: its dbt_schema_version is {metadata.dbt_schema_version!r}.",
            advice=_WRITE_ANEW,
        )
    if int(found[1]) < OLDEST_SCHEMA:
        raise ConfigurationError(
            f"{path} has manifest version {found[1]}, written by dbt {metadata.dbt_version}; "
            f"dbt-drift reads version {OLDEST_SCHEMA} and later.",
            advice="Upgrade dbt to 1.8 or later, then run `dbt parse`.",
        )


def _drift(config: NodeConfig | ColumnConfig | None, meta: Meta | None) -> Any:
    """Return what ``config.meta`` says, the one place that every dbt version accepts, else what ``meta`` says."""
    inside = config.meta.drift if config and config.meta else None
    return meta.drift if inside is None and meta else inside
