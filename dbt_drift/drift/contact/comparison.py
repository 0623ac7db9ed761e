"""Which attributes of a contact are not yet what the model says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.drift.http.messages import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.messages import JsonValue


def differing(wanted: Mapping[str, JsonValue], held: Mapping[str, msgspec.Raw]) -> dict[str, JsonValue]:
    """Return those of the wanted attributes that Drift does not hold with this value.

    A number, true or false is held as a text that spells it too, and the other way round: Drift may show a value in the
    type that it lists for the attribute, whatever type it was sent in.
    An email that differs only in upper and lower case is held: whether Drift folds it is not documented, and if it
    does, writing it would change nothing. What is to be cleared is held where Drift has no value. A value of Drift's
    that cannot be read is another one.
    """
    return {name: value for name, value in wanted.items() if not _held(name, value, held.get(name))}


def _held(name: str, wanted: JsonValue, raw: msgspec.Raw | None) -> bool:
    if raw is None:
        return isinstance(wanted, msgspec.Raw) and bytes(wanted) == b"null"
    if not isinstance(wanted, str) and bytes(wanted) == bytes(raw):
        return True
    try:
        value = msgspec.json.decode(raw)
        if isinstance(wanted, str) and isinstance(value, str):
            return wanted == value or (name == "email" and wanted.lower() == value.lower())
        if isinstance(wanted, str):
            return _spells(wanted, raw)
        return _spells(value, wanted) if isinstance(value, str) else _same_literal(wanted, value, raw)
    except UNREADABLE:
        return False


def _spells(text: str, literal: msgspec.Raw) -> bool:
    """Return whether a text spells a number, true or false; raises what `UNREADABLE` names where it spells nothing."""
    spelled = msgspec.json.decode(text)
    raw = msgspec.Raw(text.encode())
    return isinstance(spelled, (bool, int, float)) and _same_literal(literal, spelled, raw)


def _same_literal(wanted: msgspec.Raw, value: Any, raw: msgspec.Raw) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Compared as decimals, because a float would take two large numbers that differ for one.
        return _number(wanted) == _number(raw)
    return type(expected := msgspec.json.decode(wanted)) is type(value) and bool(expected == value)


def _number(raw: msgspec.Raw) -> Decimal | None:
    try:
        return _decimal.decode(raw)
    except UNREADABLE:
        return None


_decimal = msgspec.json.Decoder(Decimal)
