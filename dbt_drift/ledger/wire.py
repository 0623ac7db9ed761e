"""Wire text: the form of a value on its way from the warehouse to Drift.

SQL makes it (macros/values/wire.sql), the ledger keeps it, and this module turns it into the JSON of a request body.
A text that begins with ``"`` is a string: everything after it, unescaped. Any other text is a JSON literal. Its digits
stay as they are, so a decimal or a big integer is never rounded.
"""

from __future__ import annotations

import msgspec

JsonValue = str | msgspec.Raw

CLEARED = "null"
"""The wire text that asks Drift to clear a value; the ledger keeps it after Drift has accepted that."""


UNCERTAIN = "?"
"""Prefix of an accepted value that Drift may not have: its request was under way, or it has to be sent again."""


def to_json(wire: str) -> JsonValue:
    """Return the JSON of a wire text: a string, or the raw JSON literal.

    >>> to_json('"Ada "the" Great')
    'Ada "the" Great'
    >>> msgspec.json.encode(to_json("12345678901234567890.5"))
    b'12345678901234567890.5'
    """
    return wire[1:] if wire.startswith('"') else msgspec.Raw(wire.encode())


def to_display(wire: str | None) -> str:
    """Return a wire text for people: strings quoted as JSON, no value as ``null``."""
    if wire is None:
        return "null"
    if wire.startswith(UNCERTAIN):
        return f"{to_display(wire[1:])} (uncertain)"
    return msgspec.json.encode(wire[1:]).decode() if wire.startswith('"') else wire
