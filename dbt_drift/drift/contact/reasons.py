"""Reasons for a rejected contact that Drift's error types do not cover (docs/reference/errors.md).

The ledger decides by the reason whether to send a row again: see the macro `passing_reasons`.
"""

EXTERNAL_ID_TAKEN = "external_id_taken"
"""The externalId belongs to another contact, which would have to give it up first."""

EMAIL_TAKEN = "email_taken"
"""The email belongs to another contact, and no second contact with it is created."""

TAGS_UNAVAILABLE = "tags_unavailable"
"""Drift has the contact but no tag calls: newer organisations no longer have contact tags."""

TAGS_IGNORED = "tags_ignored"
"""Drift accepted the tags but did not apply them: the other sign that an organisation has no contact tags."""

NO_CONTACT = "no_contact"
"""The contact does not exist and must not be created."""

DELETED = "deleted_in_drift"
"""The contact was deleted in Drift after it was remembered, and no successor must be created."""

UNSTABLE = "deleted_meanwhile"
"""The contact is deleted each time after it is found."""

GAVE_UP = "gave_up"
"""All tries are used up."""

_OF_DRIFT = frozenset({"validation_error", "authentication_error", "not_found", "rate_limit", "internal_error"})
"""Drift's documented error types (devdocs.drift.com/docs/data-and-errors). It may have others."""

KNOWN = _OF_DRIFT | {
    EXTERNAL_ID_TAKEN,
    EMAIL_TAKEN,
    TAGS_UNAVAILABLE,
    TAGS_IGNORED,
    NO_CONTACT,
    DELETED,
    UNSTABLE,
    GAVE_UP,
}
"""All documented reasons for giving up a row."""
