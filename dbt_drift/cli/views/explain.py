"""How the explanation of a contact looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.escaping import escaped
from dbt_drift.ledger.wire import to_display
from dbt_drift.wording import counted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from dbt_drift.operations.explain import ContactState

EXPLAIN_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""

_SIGNS = {"+": "set by dbt-drift", "-": "taken away by dbt-drift", "*": "perhaps set by dbt-drift"}
_MEMBERS = {True: "wanted", False: "not wanted", None: "-"}


def explain_document(key: str, states: list[ContactState]) -> dict[str, Any]:
    """Return the explanation as one document."""
    return {"explain_version": EXPLAIN_VERSION, "key": key, "syncs": msgspec.to_builtins(states)}


def explain_text(key: str, states: list[ContactState]) -> str:
    """Return the explanation for a person."""
    if not states:
        return escaped(
            f"No model has a row for {key}, and the ledger does not remember it.\n"
            "  A row that has no key, or that left a model before its first sync, is not known by one."
        )
    return "\n\n".join("\n".join(map(escaped, _lines(state))) for state in states)


def _lines(state: ContactState) -> Iterator[str]:
    yield f"{state.model} ({state.relation}): {state.key}"
    yield from (f"  {line}" for line in _verdict(state))
    if state.accepted is not None and state.accepted.contact_id is not None:
        yield f"  Drift id: {state.accepted.contact_id}"
    if state.last_sync is not None:
        yield f"  last sync of the model: {_time(state.last_sync.finished_at)} UTC, {state.last_sync.status}"
        yield from (f"    {line.strip()}" for line in state.last_sync.message.splitlines())
    yield from _table(state)
    if state.requests:
        yield "  a sync would send:"
        yield from (f"    {request}" for request in state.requests)


def _verdict(state: ContactState) -> Iterator[str]:
    """Say why the contact has or has not got what the model says, the answer first."""
    if state.blocked:
        yield from state.blocked.splitlines()
    if state.invalid is not None:
        blame = f" ({state.invalid.attribute})" if state.invalid.attribute else ""
        yield f"Cannot be sent: {state.invalid.reason}{blame}. docs/reference/errors.md says what that means."
    elif state.rejected is not None and state.rejected.status != "invalid":
        yield from _rejected(state)
    elif any(row.is_suppressed for row in state.rows):
        takes = state.change is not None and state.change.action == "leave"
        yield f"Suppressed: nothing is written{', the next sync takes its tags away' if takes else ''}."
    elif state.change is not None and state.change.action == "leave":
        yield "Its row has left the model: the next sync takes its tags away."
    elif state.change is not None:
        yield "The next sync sends it." if not state.blocked else "It would be sent, if the model were not blocked."
    elif not state.rows:
        yield "The model has no row for it any more. Drift keeps what it accepted before."
    else:
        yield "Drift has accepted all that the model says."
    if len(state.rows) > 1:
        yield f"{counted(len(state.rows), 'row')} of the model have this key."


def _rejected(state: ContactState) -> Iterator[str]:
    rejected = state.rejected
    if rejected is None:
        return
    said = f": {rejected.message}" if rejected.message else ""
    last = _time(rejected.last_rejected_at)
    yield f"{rejected.status.capitalize()} by the sync of {last} UTC: {rejected.reason}{said}"
    yield f"First on {_time(rejected.first_rejected_at)} UTC; {counted(rejected.tries, 'run')} tried it."
    if rejected.given_up:
        yield f"Given up until the row changes, or until `dbt-drift retry --key {state.key}`."
    else:
        yield "The next sync tries it again."


def _table(state: ContactState) -> Iterator[str]:
    """Yield the attributes and tags: what the model says, what Drift accepted, what Drift has."""
    wanted = state.rows[0] if state.rows else None
    accepted = state.accepted
    names = list(wanted.attributes if wanted else accepted.attributes if accepted else {})
    tags = list(wanted.members if wanted else accepted.tags if accepted else {})
    head = ["", "model", "accepted"]
    lines = [
        [
            name,
            to_display(wanted.attributes[name]) if wanted else "-",
            to_display(accepted.attributes[name]) if accepted and accepted.is_written else "-",
        ]
        for name in names
    ]
    lines += [
        [
            f"tag {tag}",
            _MEMBERS[wanted.members[tag]] if wanted else "-",
            _SIGNS.get((accepted.tags[tag] if accepted else None) or "", "-"),
        ]
        for tag in tags
    ]
    if state.in_drift is not None:
        held, carried = state.in_drift.attributes, state.in_drift.tags
        head.append(f"Drift now ({state.in_drift.contact_id})")
        for line, name in zip(lines, names, strict=False):
            line.append(held.get(name, "-"))
        for line, tag in zip(lines[len(names) :], tags, strict=True):
            line.append("not listed" if carried is None else "carried" if tag in carried else "-")
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    for line in [head, *lines]:
        yield "    " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    if state.was_asked and state.in_drift is None:
        yield "  Drift has no such contact."
    if state.in_drift is not None and state.in_drift.is_successor:
        yield "  The contact that the ledger remembers is gone from Drift; this one has its key."


def _time(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
