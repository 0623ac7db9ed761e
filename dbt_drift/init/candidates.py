"""The models of a project for which a declaration can be proposed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.declarations.manifest import Node
from dbt_drift.declarations.nodes import label, short_forms
from dbt_drift.declarations.problems import did_you_mean
from dbt_drift.errors import ConfigurationError, WarehouseError
from dbt_drift.init.proposal import Column, Proposal, likeness, propose

if TYPE_CHECKING:
    from dbt_drift.declarations.manifest import Manifest
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session

_HALF_WAY = re.compile(r"^(stg|base|int|src|raw)_")
"""Typical names of intermediate models. These are proposed only if the user names them."""


class Candidate(Struct, frozen=True):
    """A model and its proposed declaration."""

    node: Node
    proposal: Proposal

    @property
    def name(self) -> str:
        """The model's name for users."""
        return label(self.node)


def candidates(project: DbtProject, manifest: Manifest) -> list[Candidate]:
    """Return the models without a declaration that look like contacts, the most likely first."""
    nodes = [node for node in _models(manifest) if not is_declared(node) and not _HALF_WAY.match(node.name)]
    columns = _columns(project, nodes)
    found = [Candidate(node, proposal) for node in nodes if (proposal := propose(columns[node.unique_id]))]
    return sorted(found, key=lambda one: (-likeness(one.node.name, one.proposal), one.name))


def candidate(project: DbtProject, manifest: Manifest, name: str) -> Candidate:
    """Return a model without a declaration by its name.

    Raises:
        ConfigurationError: The project has no such model, or it has no column that looks like an email address.
    """
    nodes = {label(node): node for node in _models(manifest)}
    if name not in nodes:
        raise ConfigurationError(
            f"The project has no model {name!r} with a relation.", advice=did_you_mean(name, nodes)
        )
    columns = _columns(project, [nodes[name]])[nodes[name].unique_id]
    proposal = propose(columns)
    if proposal is None and not columns:
        raise ConfigurationError(
            f"The columns of {name} are not known: it is not in the warehouse, and no properties file describes them.",
            advice=f"Run `dbt build --select {name}` first.",
        )
    if proposal is None:
        raise ConfigurationError(
            f"No column of {name} looks like an email address: {', '.join(one.name for one in columns)}.",
            advice="If one is, declare the model by hand: docs/reference/declarations.md shows how.",
        )
    return Candidate(nodes[name], proposal)


def is_declared(node: Node) -> bool:
    """Return whether the model declares anything for Drift, even `drift: false`."""
    return node.drift is not None or bool(short_forms(node))


def _models(manifest: Manifest) -> list[Node]:
    """Return the project's own models that have a relation."""
    own = [node for node in manifest.nodes.values() if node.package_name == manifest.metadata.project_name]
    return [node for node in own if node.resource_type == "model" and node.relation_name]


def _columns(project: DbtProject, nodes: list[Node]) -> dict[str, list[Column]]:
    """Return the columns of each model: those of its relation, or the described ones if it is not built."""
    try:
        with project.connect("init") as session:
            return {node.unique_id: _built(session, node) or _described(node) for node in nodes}
    except WarehouseError:
        return {node.unique_id: _described(node) for node in nodes}


def _built(session: Session, node: Node) -> list[Column]:
    place = {"database": node.database, "schema": node.schema, "identifier": node.alias or node.name}
    return [Column(one["name"], one["kind"]) for one in session.call("model_columns", sync=place)]


def _described(node: Node) -> list[Column]:
    columns = (node.columns or {}).values()
    return [Column(one.name, "boolean" if (one.data_type or "").lower().startswith("bool") else "") for one in columns]
