"""Compares a contact's attributes in Drift with the model's values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.drift.http.messages import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.messages import JsonValue


def differing(wanted: Mapping[str, JsonValue], held: Mapping[str, msgspec.Raw]) -> dict[str, JsonValue]:
    """Return the wanted attributes whose value in Drift differs.

    A number, true or false equals a text that spells it, and the reverse: Drift may return a value in the attribute's
    listed type, whatever type was sent.
    Emails that differ only in case are equal: Drift does not document whether it folds case, and if it does, writing
    would change nothing. An attribute to clear is equal if Drift has no value for it. A value from Drift that cannot be
    read differs.
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
    """Return whether a text spells a number, true or false; raises `UNREADABLE` errors for unreadable text."""
    spelled = msgspec.json.decode(text)
    raw = msgspec.Raw(text.encode())
    return isinstance(spelled, (bool, int, float)) and _same_literal(literal, spelled, raw)


def _same_literal(wanted: msgspec.Raw, value: Any, raw: msgspec.Raw) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Compare as decimals, because floats would treat two different large numbers as equal.
        return _number(wanted) == _number(raw)
    return type(expected := msgspec.json.decode(wanted)) is type(value) and bool(expected == value)


def _number(raw: msgspec.Raw) -> Decimal | None:
    try:
        return _decimal.decode(raw)
    except UNREADABLE:
        return None


_decimal = msgspec.json.Decoder(Decimal)
