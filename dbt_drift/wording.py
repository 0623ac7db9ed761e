"""Numbers and contact keys as people read them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours if there are any.

    >>> duration(65), duration(3725)
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
