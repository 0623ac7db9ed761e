"""Drift's contact attributes as documented: which are standard, which cannot be written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt_drift.declarations.problems import Report

STANDARD = {
    "email": "The e-mail address: the one attribute that every sync maps.",
    "name": "The full name.",
    "phone": "The phone number, as free text.",
    "alias": "A second name.",
    "externalId": "The contact's key in your own systems, as text. Drift keeps it unique.",
}
"""The attributes that every Drift organisation has and that can be written, each with its meaning."""

_VISIT = "Drift records it from the contact's visits"
_TIME = "Drift sets this time itself"
_VERSION = "it is Drift's own version counter"

READ_ONLY = {
    "id": "it is Drift's own number of the contact; your own key goes to externalId",
    "createdAt": _TIME,
    "tags": "tags are written through `audiences`, each tag with its own mode",
    "events": "events are not attributes; Drift fills this from its timeline",
    "socialProfiles": "Drift fills it",
    "external_id": "it is Drift's copy of externalId; map externalId",
    "start_date": _TIME,
    "last_active": _TIME,
    "last_contacted": _TIME,
    "_END_USER_VERSION": _VERSION,
    "_end_user_version": _VERSION,
    "_calculated_version": _VERSION,
    "_classification": "Drift classifies the contact",
    "ip": _VISIT,
    "original_ip": _VISIT,
    "last_context_location": _VISIT,
    "recent_medium": _VISIT,
    "recent_source": _VISIT,
    "recent_referer_url": _VISIT,
    "recent_entrance_page_url": _VISIT,
    "recent_entrance_page_title": _VISIT,
    "original_referer_url": _VISIT,
    "original_entrance_page_url": _VISIT,
    "original_entrance_page_title": _VISIT,
    "recent_conversation_started_page_url": _VISIT,
    "recent_conversation_started_page_title": _VISIT,
    "original_conversation_started_page_url": _VISIT,
    "original_conversation_started_page_title": _VISIT,
}
"""The attributes that Drift owns, each with the reason why it cannot be written.

Sources: the field table of devdocs.drift.com/docs/contact-model, and the keys that Drift adds by itself to the answers
shown in its documentation (creating-a-contact, retrieving-contact). ``first_name`` and ``last_name`` appear there too,
but nothing says that Drift owns them, so they can be mapped.
"""


def check_attribute(name: str, key: str, report: Report) -> str:
    """Report the attribute if it is a misspelled standard one, or one that Drift owns.

    Args:
        name: The Drift attribute, as the user wrote it.
        key: Its position in the declaration.
        report: Receives the problem, if any.

    Returns:
        The intended attribute, so that a misspelling is not reported as a missing attribute too.
    """
    meant = _STANDARD_BY_LETTERS.get(_letters(name), name)
    if meant != name:
        report.add(key, f"{name!r} is not how Drift spells this attribute", f"Did you mean `{meant}`?")
    elif name.casefold() in _READ_ONLY_BY_FOLDED:
        report.add(key, f"the attribute {name!r} cannot be written: {_READ_ONLY_BY_FOLDED[name.casefold()]}")
    return meant


def _letters(name: str) -> str:
    """Return the name without case and separators, which users vary: E-Mail, external_id."""
    return re.sub(r"[\W_]", "", name).casefold()


_STANDARD_BY_LETTERS = {_letters(name): name for name in STANDARD}
_READ_ONLY_BY_FOLDED = {name.casefold(): reason for name, reason in READ_ONLY.items()}
