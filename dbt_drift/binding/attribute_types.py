"""Compares the mapping with the attributes of the Drift organisation, and decides the type in which values are sent.

The types decide the wire text, so every run has to use the same ones: those that Drift lists, or else those that it
listed for the last sync. Without either, the column decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.declarations.attributes import STANDARD
from dbt_drift.declarations.problems import Problem, nearest, render
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.errors import DeclarationError, DriftUnavailableError
from dbt_drift.ledger.organisation import remember_attributes
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.endpoints import Attribute

_TIMES = frozenset({"date", "timestamp", "timestamptz"})

_SUITS = {
    "STRING": frozenset({"text", "json", "integer", "decimal", "float", "boolean"}),
    "NUMERIC": frozenset({"text", "integer", "decimal", "float"}) | _TIMES,
    "BOOLEAN": frozenset({"boolean"}),
    "DATE": frozenset({"integer", "decimal"}) | _TIMES,
    "DATETIME": frozenset({"integer", "decimal"}) | _TIMES,
}
"""The kinds of columns whose values an attribute of each type can hold; Drift documents the types in
devdocs.drift.com/docs/listing-custom-attributes. Times suit NUMERIC, because an attribute that begins with epoch
milliseconds may be one. They do not suit STRING, because people would read the milliseconds."""

_WAY_OUT = {
    "STRING": "Cast it to text in the model, in the form that people should read.",
    "NUMERIC": "Make it a number in the model.",
    "BOOLEAN": "Make it a condition in the model, such as `plan = 'gold' as is_gold`.",
    "DATE": "Cast it to a date in the model.",
    "DATETIME": "Cast it to a timestamp in the model.",
}

# Fewer tries than a contact gets: a run can go on without the list.
_PATIENCE = RetryPolicy(tries=4)

_SHOWN = 5
"""The number of unknown attributes that the log names."""


def fit_to_drift(
    prepared: Prepared, client: DriftClient | None, *, before_remembering: Callable[[], None] | None = None
) -> tuple[Prepared, list[str]]:
    """Compare the mapping with the organisation's attributes, and decide the type in which each is sent.

    Asks Drift once, and not at all if only standard attributes are mapped: those are always strings.

    Args:
        prepared: The project and its syncs.
        client: The Drift to ask; None to use what the ledger remembers.
        before_remembering: For a sync, which sends values in these types: called before a list that has changed is
            written to the ledger; an error that it raises keeps it out. None to write nothing.

    Returns:
        The project with the types applied, and the notices for the user.

    Raises:
        DeclarationError: A column cannot fill its attribute, or an attribute is unknown and the settings refuse that.
        WarehouseError: The warehouse refused a statement.
    """
    if not _has_custom_attributes(prepared):
        return prepared, []
    kept = prepared.registry.attributes
    known = types = {name: kind for name, _, kind in kept}
    notices: list[str] = []
    prepared.project.let_go()
    listed, notice = _ask(client) if client else (None, "")
    if notice:
        notices.append(notice)
    if listed is not None:
        notices += _compare(prepared, listed)
        types = {attribute.name: attribute.type for attribute in listed}
        found = sorted((attribute.name, attribute.label, attribute.type) for attribute in listed)
        if before_remembering is not None and found != kept:
            before_remembering()
            remember_attributes(prepared.project, prepared.location, found)
    elif problems := list(_misfits(prepared, types)):
        raise DeclarationError(render(problems))
    if known:
        notices += _respelled(prepared, known, types)
    syncs = [sync.sent_as(types) for sync in prepared.syncs]
    return msgspec.structs.replace(prepared, syncs=syncs), notices


def _respelled(prepared: Prepared, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield a notice for each sync with attributes whose type differs from that of the last sync."""
    for sync in prepared.syncs:
        parts = zip(sync.sent_as(before).attributes, sync.sent_as(now).attributes, strict=True)
        if names := [new.attribute for old, new in parts if old.is_string != new.is_string]:
            listed = ", ".join(f"{name} ({now.get(name, 'not listed')})" for name in names)
            yield (
                f"{sync.name}: Drift lists another type than before for {listed}. Values that change from now on are "
                "sent in it; what Drift has is not sent again. `dbt-drift sync --full-refresh` sends all."
            )


def check_mapping(prepared: Prepared, client: DriftClient) -> list[str]:
    """Compare the mapping with the organisation's attributes; do not write to the ledger.

    Returns:
        The notices for the user.

    Raises:
        DeclarationError: As for `fit_to_drift`.
    """
    if not _has_custom_attributes(prepared):
        return []
    listed, notice = _ask(client)
    return [notice] if listed is None else _compare(prepared, listed)


def _ask(client: DriftClient) -> tuple[list[Attribute] | None, str]:
    """Return the organisation's attributes; if Drift does not list them, None and a notice."""
    try:
        return client.attributes(policy=_PATIENCE), ""
    except DriftUnavailableError as error:
        return None, f"Drift did not list its attributes, so the mapping is not compared with them. {error}"


def _compare(prepared: Prepared, listed: Sequence[Attribute]) -> list[str]:
    """Compare the mapping with the organisation's attributes.

    Returns:
        A notice about the attributes that Drift does not have, if any. They are no mistakes: Drift creates an attribute
        when it is first written (devdocs.drift.com/docs/contact-model).

    Raises:
        DeclarationError: A column cannot fill its attribute, or an attribute is unknown and the settings refuse that.
    """
    problems = list(_misfits(prepared, {attribute.name: attribute.type for attribute in listed}))
    unknown = list(_unknown(prepared, listed))
    if prepared.settings.unknown_attributes == "error":
        problems += unknown
        unknown = []
    if problems:
        raise DeclarationError(render(problems))
    return [_not_there_yet(unknown)] if unknown else []


def _not_there_yet(unknown: list[Problem]) -> str:
    """Return one line about the attributes that Drift creates; likely spelling mistakes come first."""
    shown = sorted(unknown, key=lambda problem: not problem.suggestion)[:_SHOWN]
    named = [
        f"{problem.key} of {problem.model}{f' ({problem.suggestion})' if problem.suggestion else ''}"
        for problem in shown
    ]
    named += [f"{len(unknown) - len(shown):,} more"] if len(unknown) > len(shown) else []
    return (
        f"Drift does not have {counted(len(unknown), 'mapped attribute')} yet, and creates each when it is first "
        f"written: {'; '.join(named)}. `dbt-drift attributes` lists them all."
    )


def _has_custom_attributes(prepared: Prepared) -> bool:
    return any(
        mapped.attribute not in STANDARD
        for sync in prepared.syncs
        for mapped in (*sync.attributes, *sync.attribute_audiences)
    )


def _misfits(prepared: Prepared, types: Mapping[str, str]) -> Iterator[Problem]:
    for sync in prepared.syncs:
        for mapped in sync.attributes:
            kind = types.get(mapped.attribute, "")
            if mapped.attribute not in STANDARD and mapped.kind not in _SUITS.get(kind, {mapped.kind}):
                yield Problem(
                    path=sync.path,
                    model=sync.name,
                    key=mapped.key,
                    message=f"the attribute {mapped.attribute!r} is {kind} in Drift, and the column "
                    f"{mapped.column!r} is {_KIND_NAMES.get(mapped.kind, mapped.kind)}",
                    suggestion=_WAY_OUT[kind],
                )
        for audience in sync.attribute_audiences:
            kind = types.get(audience.attribute, "BOOLEAN")
            if kind != "BOOLEAN":
                yield Problem(
                    path=sync.path,
                    model=sync.name,
                    key=audience.key,
                    message=f"the attribute {audience.attribute!r} is {kind} in Drift, and an audience needs BOOLEAN",
                    suggestion="Name another attribute: Drift creates one that it does not have.",
                )


_KIND_NAMES = {
    "json": "JSON, an array or a struct",
    "timestamp": "a timestamp",
    "timestamptz": "a timestamp",
    "date": "a date",
    "integer": "an integer",
    "decimal": "a decimal",
    "float": "a float",
}


def _unknown(prepared: Prepared, listed: Sequence[Attribute]) -> Iterator[Problem]:
    names = {attribute.name for attribute in listed}
    # People know an attribute by its label; what is mapped is its name.
    by_label = {attribute.label: attribute.name for attribute in listed} | {name: name for name in names}
    for sync in prepared.syncs:
        for mapped in (*sync.attributes, *sync.attribute_audiences):
            if mapped.attribute not in names and mapped.attribute not in STANDARD:
                near = nearest(mapped.attribute, by_label)
                yield Problem(
                    path=sync.path,
                    model=sync.name,
                    key=mapped.key,
                    message=f"Drift has no attribute {mapped.attribute!r}, and creates it when it is first written",
                    suggestion=f"Did you mean `{by_label[near]}`?" if near else "",
                )
