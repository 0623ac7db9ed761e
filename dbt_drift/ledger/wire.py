"""Wire text: how a value travels from the warehouse to Drift.

SQL makes it (macros/values/wire.sql), the ledger keeps it, and this module turns it into what a request body holds.
One text per value, which says by itself what it is: a leading ``"`` marks a string and everything behind it is the
string, unescaped; anything else is a JSON literal. Keeping the literal's digits as they are means that a decimal or a
big integer is never rounded on its way.
"""

from __future__ import annotations

import msgspec

JsonValue = str | msgspec.Raw

CLEARED = "null"
"""The wire text that asks Drift to take a value away, and that the ledger keeps when it has."""


UNCERTAIN = "?"
"""What stands before the wire text of a value that Drift may or may not hold: its writing was under way, or it is to be
sent again. Only accepted values are such texts."""


def to_json(wire: str) -> JsonValue:
    """Return what a request body holds for a wire text: a string, or the raw JSON literal.

    >>> to_json('"Ada "the" Great')
    'Ada "the" Great'
    >>> msgspec.json.encode(to_json("12345678901234567890.5"))
    b'12345678901234567890.5'
    """
    return wire[1:] if wire.startswith('"') else msgspec.Raw(wire.encode())


def to_display(wire: str | None) -> str:
    """Return a wire text as a person reads it: strings quoted as JSON, no value as ``null``."""
    if wire is None:
        return "null"
    if wire.startswith(UNCERTAIN):
        return f"{to_display(wire[1:])} (uncertain)"
    return msgspec.json.encode(wire[1:]).decode() if wire.startswith('"') else wire
