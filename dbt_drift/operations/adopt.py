"""Records the members of a mirror that something else has tagged, from a model that lists them.

Drift cannot list contacts by tag, so the list has to come from elsewhere: an export, a seed, or the tables of the tool
that kept the audience before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.nodes import label
from dbt_drift.declarations.problems import did_you_mean
from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped
from dbt_drift.operations.alone import alone

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.declarations.manifest import Node
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.project.session import Session


def adopt(prepared: Prepared, model: str, tag: str, *, members: str, column: str | None = None) -> int:
    """Record contacts as members of a mirror, so that it takes its tag away from those that are no longer members.

    Args:
        prepared: The project and its syncs.
        model: The model that declares the audience.
        tag: The audience's tag, or `<attribute>=true`.
        members: A model, seed or snapshot with a row for each contact that carries the tag in Drift.
        column: The column of `members` with the key; None for the same name as in the first model.

    Returns:
        How many contacts were not known as members before.

    Raises:
        ConfigurationError: The audience or the relation of the members does not exist, or the audience is no mirror.
        LockedError: A run is at work on the ledger.
        WarehouseError: The warehouse refused a statement.
    """
    sync = _sync(prepared, model)
    state = _mirror(sync, tag)
    node = _node(prepared, members)
    with prepared.project.connect("members") as session:
        members_of = _keys(session, node, sync, column)
    with alone(prepared, "adopt") as (session, lock, _), lock.transaction(session):
        session.call("open_ledger", sync=sync)
        session.call("register_audiences", sync=sync)
        # What an interrupted run did is older than what is adopted now.
        session.call("fold", sync=sync)
        session.call("fix_transaction")
        return int(session.call("adopt_members", sync=sync, state=state, members=members_of))


def _sync(prepared: Prepared, model: str) -> BoundSync:
    syncs = {sync.name: sync for sync in prepared.syncs}
    if model not in syncs:
        raise ConfigurationError(f"No model {model!r} declares a sync.", advice=did_you_mean(model, syncs))
    return syncs[model]


def _mirror(sync: BoundSync, tag: str) -> str:
    """Return the ledger's column of an audience."""
    modes = {one.tag: one.mode for one in sync.audiences}
    if modes.get(tag) != "mirror":
        found = f"is {modes[tag]!r}, and only" if tag in modes else "is not among its audiences; only"
        raise ConfigurationError(
            f"{sync.name}: {tag!r} {found} `mirror` takes its tag away from contacts that are no longer members.",
            advice=did_you_mean(tag, modes),
        )
    return next(one.state for one in sync.audiences if one.tag == tag)


def _node(prepared: Prepared, name: str) -> Node:
    manifest = read_manifest(prepared.project.target_path / "manifest.json")
    nodes = {label(node): node for node in manifest.nodes.values() if node.relation_name}
    if name not in nodes:
        raise ConfigurationError(
            f"dbt's manifest has no model, seed or snapshot {name!r}.",
            advice=f"If you have just added it, run `dbt build --select {name}` first. "
            f"{did_you_mean(name, nodes)}".rstrip(),
        )
    return nodes[name]


def _keys(session: Session, node: Node, sync: BoundSync, column: str | None) -> BoundSync:
    """Return the sync with the relation of the members instead of its own."""
    place = {"database": node.database, "schema": node.schema, "identifier": node.alias or node.name}
    kinds = {found["name"]: found["kind"] for found in session.call("model_columns", sync=place)}
    if not kinds:
        raise ConfigurationError(
            f"The relation {escaped(node.relation_name or '')} is not in the warehouse.",
            advice=f"Run `dbt build --select {label(node)}`.",
        )
    wanted = column or sync.match_column
    key_column = next((name for name in kinds if name.casefold() == wanted.casefold()), None)
    if key_column is None:
        raise ConfigurationError(
            f"{label(node)} has no column {wanted!r}, which identifies the members by {sync.match_on}.",
            advice=did_you_mean(wanted, kinds) or "Name the column with --column.",
        )
    return structs.replace(sync, **place, key_column=key_column, key_kind=kinds[key_column])
