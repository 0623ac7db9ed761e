"""A typed read of the parts of ``manifest.json`` that declarations need.

The manifest of a large project is 100 MB of JSON. Only the members named here are built as objects, so reading it costs
a fraction of what dbt's own classes cost. Members that are null in one dbt version are absent in another (dbt 2 drops
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
"""The oldest supported manifest version; dbt 1.8 to 1.12 and dbt 2 all write version 12."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_WRITE_ANEW = "Run `dbt parse` in the project to write it anew, and check that this is the project's target folder."


class Meta(Struct, frozen=True):
    """dbt-drift's part of a ``meta``, and the owner for exposures; None is the same as absent."""

    drift: Any = None
    owner: Any = None


class ColumnConfig(Struct, frozen=True):
    """The ``config`` of a column; dbt 1.8 and 1.9 put the column's ``meta`` only here."""

    meta: Meta | None = None


class Column(Struct, frozen=True):
    """A column that a properties file describes; often not all columns of the relation are described."""

    name: str
    data_type: str | None = None
    meta: Meta | None = None
    config: ColumnConfig | None = None

    @property
    def drift(self) -> Any:
        """The column's ``meta.drift``, from ``config.meta`` or ``meta``; None if there is none."""
        return _drift(self.config, self.meta)


class Contract(Struct, frozen=True):
    """Whether the relation has exactly the described columns."""

    enforced: bool | None = None


class NodeConfig(Struct, frozen=True):
    """The ``config`` of a node."""

    materialized: str | None = None
    enabled: bool | None = None
    meta: Meta | None = None
    group: str | None = None
    contract: Contract | None = None


class DependsOn(Struct, frozen=True):
    """The nodes that a node selects from, by ``unique_id``."""

    nodes: list[str] = []


class Node(Struct, frozen=True):
    """A model, seed, snapshot, source, test or any other resource of the project.

    Attributes:
        version: The version of a versioned model, as written: 2, 1.5 or "2024-01".
        patch_path: The properties file with its package, such as ``jaffle://models/schema.yml``.
        original_file_path: The node's own file, relative to the root of its package.
        relation_name: The quoted name of the relation in the warehouse; None if there is no relation.
        depends_on: The nodes that it selects from.
        attached_node: For a generic test: the node that it is declared on.
        raw_code: The content of its file; for a model without surrounding blanks.
        created_at: When dbt parsed it, in seconds since 1970. If a later dbt command finds the file unchanged, it
            keeps the node with this time. dbt 2 leaves it out.
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
        """The node's ``meta.drift``, from ``config.meta`` or ``meta``; None if there is none."""
        return _drift(self.config, self.meta)


class GroupOwner(Struct, frozen=True):
    """The owner of a group."""

    name: str | None = None
    email: Any = None


class Group(Struct, frozen=True):
    """A dbt group, which models join by its name."""

    name: str
    owner: GroupOwner = GroupOwner()


class Metadata(Struct, frozen=True):
    """What wrote the manifest, when, and for which project."""

    dbt_schema_version: str
    dbt_version: str = "of unknown version"
    project_name: str | None = None
    adapter_type: str | None = None
    generated_at: str | None = None
    invocation_id: str | None = None


class Manifest(Struct, frozen=True):
    """The members of ``manifest.json`` that can contain a declaration.

    Attributes:
        nodes: Models, seeds, snapshots, analyses, tests and operations by ``unique_id``.
        sources: Sources by ``unique_id``.
        exposures: Exposures by ``unique_id``.
        unit_tests: Unit tests by ``unique_id``.
        groups: Groups by ``unique_id``.
        disabled: Disabled resources by ``unique_id``. Several can share one, also with an enabled resource.
    """

    metadata: Metadata
    nodes: dict[str, Node] = {}
    sources: dict[str, Node] = {}
    exposures: dict[str, Node] = {}
    unit_tests: dict[str, Node] = {}
    groups: dict[str, Group] = {}
    disabled: dict[str, list[Node]] | None = None


class _WholeNodes(Struct):
    """Nodes, each as unparsed JSON."""

    nodes: dict[str, msgspec.Raw] = {}


class _Versioned(Struct):
    """The members that manifests of all versions share."""

    metadata: Metadata


def read_manifest(path: Path) -> Manifest:
    """Read the manifest that dbt wrote.

    Args:
        path: The file, usually ``target/manifest.json``.

    Raises:
        ConfigurationError: The file is missing, is no manifest, or was written by a dbt version that is too old.
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
    """Return some nodes of a manifest, with every member that dbt wrote."""
    nodes = msgspec.json.decode(path.read_bytes(), type=_WholeNodes).nodes
    return {unique_id: msgspec.json.decode(nodes[unique_id]) for unique_id in unique_ids}


def _metadata(content: bytes) -> Metadata | None:
    """Return the member that manifests of all versions share; None if this is no manifest."""
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
    """Return the value in ``config.meta``, the only place that every dbt version accepts, else the one in ``meta``."""
    inside = config.meta.drift if config and config.meta else None
    return meta.drift if inside is None and meta else inside
