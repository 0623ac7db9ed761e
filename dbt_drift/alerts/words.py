"""A message as the lines that people read, the same in each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dbt_drift.alerts.incident import Message

MOST_LINES = 20
"""A message with a line for each of a hundred models would be refused."""

_LONGEST_LINE = 300


def lines_of(message: Message) -> Iterator[tuple[str, list[str]]]:
    """Yield each part of a message: its heading, and its lines."""
    if message.opened:
        lines = [f"{incident}{_owned_by(incident.owner)}" for incident in message.opened]
        yield "New since the last run", _shown(lines)
    if message.recovered:
        yield "Well again", _shown([str(incident) for incident in message.recovered])
    if not message.opened and not message.recovered:
        yield "This is a test", ["Alerts arrive here."]


def _owned_by(owner: str) -> str:
    return f". Owner: {owner}" if owner else ""


def _shown(lines: Sequence[str]) -> list[str]:
    shown = [f"- {escaped(line)[:_LONGEST_LINE]}" for line in lines[:MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, *([f"- and {left:,} more"] if left else [])]
