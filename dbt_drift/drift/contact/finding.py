"""Finds a change's contact in Drift while its Drift id is unknown.

| found in Drift | `match_on: email` | `match_on: externalId` |
|---|---|---|
| a contact with the externalId | irrelevant | used, whatever its email |
| several contacts with the email | the one with the row's externalId, else the oldest | as below, for each of them |
| the email, without an externalId | used | used, and gets the externalId |
| the email, with another externalId | used | rejected: `email_taken` |

The email is looked up too, because Drift creates a second contact with the same email if an externalId is given
(devdocs.drift.com/docs/creating-a-contact).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.contact.reasons import EMAIL_TAKEN
from dbt_drift.drift.contact.steps import AskAloneError, RejectedError, accepted
from dbt_drift.drift.http import endpoints

if TYPE_CHECKING:
    from dbt_drift.drift.contact.change import ContactChange
    from dbt_drift.drift.contact.organisation import Organisation
    from dbt_drift.drift.contact.steps import Ask, Steps
    from dbt_drift.drift.http.endpoints import Contact
    from dbt_drift.drift.http.messages import Request

_NOT_FOUND = 404


class Finder:
    """Looks up one contact.

    Args:
        change: The change whose contact to find.
        organisation: What the run knows about the Drift organisation. Look-ups update it.
        ask: Sends a request.
    """

    def __init__(self, change: ContactChange, organisation: Organisation, ask: Ask) -> None:
        self._match_on = change.match_on
        self._email = change.identity.get("email")
        self._external_id = change.identity.get("externalId")
        self._organisation = organisation
        self._ask = ask
        self._asked_together = False

    def find(self) -> Steps[Contact | None]:
        """Return the contact, or None if there is none.

        Raises:
            RejectedError: The email belongs to a contact with another externalId, and externalId identifies contacts.
        """
        if self._match_on == "email":
            found = yield from self.with_email()
            return self._own(found) or (found[0] if found else None)
        if self._external_id and (found := (yield from self._with_external_id_together(self._external_id))):
            return found[0]
        found = yield from self.with_email()
        if own := self._own(found):
            # The look-up by externalId missed it: Drift does not answer joint look-ups as documented.
            self._organisation.joint_look_ups = False
            return own
        free = [contact for contact in found if contact.external_id is None]
        if found and not free:
            raise RejectedError(EMAIL_TAKEN, f"The email belongs to contact {found[0].id}, with another externalId.")
        return free[0] if free else None

    def with_email(self) -> Steps[list[Contact]]:
        """Return the contacts with this email in any spelling, oldest first."""
        if not self._email:
            return []
        spelling = self._organisation.spelling
        found = yield from self._look_up(endpoints.find_by_email(self._email))
        spelling.found(self._email, found)
        if not found and self._email != self._email.lower() and not spelling.folds:
            found = yield from self._look_up(endpoints.find_by_email(self._email.lower()))
        return found

    def with_external_id(self, external_id: str) -> Steps[list[Contact]]:
        """Return the contacts with this externalId."""
        return (yield from self._look_up(endpoints.find_by_external_id(external_id)))

    def learn_spelling(self) -> Steps[None]:
        """Test with an existing contact whether Drift also finds its email in lower case."""
        spelling = self._organisation.spelling
        if self._email and self._email != self._email.lower() and spelling.probe():
            spelling.folds = bool((yield from self._look_up(endpoints.find_by_email(self._email.lower()))))

    def _with_external_id_together(self, external_id: str) -> Steps[list[Contact]]:
        """Use a joint look-up first, and look up alone if that did not help."""
        if self._asked_together or not self._organisation.joint_look_ups:
            return (yield from self.with_external_id(external_id))
        self._asked_together = True
        try:
            return (yield from self._look_up(endpoints.find_by_external_id(external_id, joint=True)))
        except AskAloneError:
            self._organisation.joint_look_ups = False
            return (yield from self.with_external_id(external_id))

    def _own(self, found: list[Contact]) -> Contact | None:
        """Return the contact that already has the row's externalId, of several with one email."""
        return next((one for one in found if self._external_id and one.external_id == self._external_id), None)

    def _look_up(self, request: Request) -> Steps[list[Contact]]:
        response = yield from self._ask(request)
        if response.status == _NOT_FOUND:
            return []
        return endpoints.contacts_in(accepted(response).data)
