"""Personal data on its way to a log, an artifact or a terminal that somebody else may read."""

from __future__ import annotations


def masked(key: str | None) -> str:
    """Return a contact's key so that its owner recognises it and nobody else learns it.

    >>> masked("ada.lovelace@example.org")
    'a***@example.org'
    >>> masked("cust_000123")
    'c***3'
    """
    if not key:
        return "(none)"
    name, at, domain = key.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{key[0]}***{key[-1]}" if len(key) > 1 else "***"
