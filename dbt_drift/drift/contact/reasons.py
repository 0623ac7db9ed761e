"""Why a contact does not get through, where Drift's own error type does not say it (docs/reference/errors.md).

The ledger tells by the reason whether a row is sent again: see the macro `passing_reasons`.
"""

EXTERNAL_ID_TAKEN = "external_id_taken"
"""The externalId belongs to another contact, which would have to give it up first."""

EMAIL_TAKEN = "email_taken"
"""The email belongs to another contact, and a second one with it is not made."""

TAGS_UNAVAILABLE = "tags_unavailable"
"""Drift knows the contact but not its tags: newer organisations no longer have contact tags."""

TAGS_IGNORED = "tags_ignored"
"""Drift took the tags and did not apply them: the other way in which an organisation no longer has them."""

NO_CONTACT = "no_contact"
"""There is no such contact and none is to be made."""

DELETED = "deleted_in_drift"
"""The contact was deleted in Drift after it was remembered, and no successor is to be made."""

UNSTABLE = "deleted_meanwhile"
"""The contact is deleted each time it is found."""

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
"""Why a row can be given up, as far as the documents say."""
