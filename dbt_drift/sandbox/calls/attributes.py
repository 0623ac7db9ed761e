"""The contact attributes of an organisation.

Source: devdocs.drift.com/docs/listing-custom-attributes (the envelope, the five types).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

AttributeType = Literal["STRING", "NUMERIC", "BOOLEAN", "DATETIME", "DATE"]


class Attribute(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename="camel"):
    """A contact attribute: its key, its type in Drift's words, and its display name ("" to use the key)."""

    name: str
    type: AttributeType = "STRING"
    display_name: str = ""


_STANDARD = (
    Attribute("age", "NUMERIC"),
    Attribute("alias", display_name="Alias"),
    Attribute("avatar_url"),
    Attribute("bio", display_name="Bio"),
    Attribute("city", display_name="City"),
    Attribute("country", display_name="Country"),
    Attribute("display_name"),
    Attribute("email", display_name="Email"),
    Attribute("employment_name"),
    Attribute("first_name"),
    Attribute("last_active", "DATETIME"),
    Attribute("last_contacted", "DATETIME"),
    Attribute("last_name"),
    Attribute("name", display_name="Name"),
    Attribute("phone", display_name="Phone"),
    Attribute("start_date", "DATETIME"),
)


def standard_attributes() -> dict[str, Attribute]:
    """Return the attributes that a new organisation has, by name."""
    return {attribute.name: attribute for attribute in _STANDARD}


def infer_type(value: Any) -> AttributeType:
    """Return the type of an attribute that is created by writing this value; a date looks like a number."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, (int, float)):
        return "NUMERIC"
    return "STRING"


def suits(value: Any, kind: AttributeType) -> bool:
    """Return whether a value has this type; dates are epoch milliseconds."""
    if kind == "BOOLEAN":
        return isinstance(value, bool)
    if kind == "NUMERIC":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("DATETIME", "DATE"):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)
