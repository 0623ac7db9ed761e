"""The steps that bring one contact to what the model says, without doing any of them.

`upsert` is a generator: it yields requests and is sent their responses, so that the same rules run under any driver and
are tested without one. The driver repeats what can be repeated (see `retry`); what it cannot decide it throws in:
`UnconfirmedError` and `GaveUpError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from dbt_drift.drift import endpoints
from dbt_drift.drift.changes import MESSAGE_LENGTH, ContactChange, Outcome
from dbt_drift.drift.comparison import differing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import TypeVar

    from dbt_drift.drift.changes import JsonValue, Status
    from dbt_drift.drift.endpoints import Contact
    from dbt_drift.drift.messages import Request, Response

    Result = TypeVar("Result")
    Steps = Generator[Request, Response, Result]
    Flow = Callable[[ContactChange], Steps[Outcome]]

EXTERNAL_ID_TAKEN = "external_id_taken"
"""The reason when the externalId belongs to another contact, which would have to give it up first."""

EMAIL_TAKEN = "email_taken"
"""The reason when the email belongs to another contact and a second one with it is not made."""

TAGS_UNAVAILABLE = "tags_unavailable"
"""The reason when Drift knows the contact but not its tags: newer organisations no longer have contact tags."""

NO_CONTACT = "no_contact"
"""The reason when there is no such contact and none is to be made."""

DELETED = "deleted_in_drift"
"""The reason when the contact was deleted in Drift after it was remembered, and no successor is to be made."""

UNSTABLE = "deleted_meanwhile"
"""The reason when the contact is deleted each time it is found."""

GAVE_UP = "gave_up"
"""The reason when all tries are used up."""

_NULL = msgspec.Raw(b"null")
_NOTHING = (None, msgspec.Raw(b"null"), msgspec.Raw(b'""'))
"""How an answer has no value for an attribute."""

_ROUNDS = 3
_NOT_FOUND = 404
_CONFLICT = 409
# Drift documents "error" for a duplicate; clients saw 409, and its table of errors knows only 400.
_MAY_BE_DUPLICATE = frozenset({400, _CONFLICT, 422})


class UnconfirmedError(Exception):
    """Thrown in where a request that must not be repeated got no usable answer: it may or may not have taken effect."""


class GaveUpError(Exception):
    """Thrown in where a request has used up its tries; the message says what went wrong last."""


class _RejectedError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _GoneError(Exception):
    """The contact of the known id does not exist any more."""


def upsert(change: ContactChange) -> Steps[Outcome]:
    """Bring one contact to what the model says.

    A contact whose id is known costs one request, or two with tags. Otherwise it is looked up first, always by email
    too, because Drift makes a second contact with the same email when an externalId is given
    (devdocs.drift.com/docs/creating-a-contact). Of several contacts with one email the first created is taken, unless
    another of them has the externalId already.

    Args:
        change: What the contact lacks.

    Yields:
        Requests, each to be answered with `send`, or with `throw` of `UnconfirmedError` (only where the request is not
        `repeatable`) or `GaveUpError`.

    Returns:
        What came of it. Refusals of the token (401, 403) are the driver's matter and never get here.
    """
    work = _Upsert(change)
    try:
        yield from work.run()
    except _RejectedError as rejected:
        return work.outcome("rejected", rejected.reason, str(rejected))
    except GaveUpError as gave_up:
        return work.outcome("failed", GAVE_UP, str(gave_up))
    return work.outcome("created" if work.created else "updated" if work.wrote else "matched")


def look_up(change: ContactChange) -> Steps[Outcome]:
    """Find one contact, by the same rules, and say what it lacks; writes nothing.

    Args:
        change: What the model says.

    Yields:
        Requests, as `upsert` does.

    Returns:
        `matched` with `lacking` and `tags`, or `rejected`: there is none (`no_contact`), or which one is not certain.
    """
    work = _Upsert(change)
    try:
        contact = yield from work.look_up()
    except _RejectedError as rejected:
        return work.outcome("rejected", rejected.reason, str(rejected))
    except GaveUpError as gave_up:
        return work.outcome("failed", GAVE_UP, str(gave_up))
    lacking = frozenset(differing(change.attributes, contact.attributes))
    return structs.replace(work.outcome("matched"), contact_id=contact.id, lacking=lacking, tags=contact.tags)


class _Upsert:
    """One change on its way: what is still to be written, and what Drift has accepted."""

    def __init__(self, change: ContactChange) -> None:
        self._change = change
        self._id = change.contact_id
        self._attributes = change.attributes
        self._add: Sequence[str] = change.add_tags
        self._remove: Sequence[str] = change.remove_tags
        self._attributes_accepted = False
        self._tags_accepted = False
        self._requests = 0
        self._seen = False
        self.created = False
        self.wrote = False

    def outcome(self, status: Status, reason: str | None = None, message: str | None = None) -> Outcome:
        return Outcome(
            seq=self._change.seq,
            key=self._change.key,
            contact_id=self._id,
            status=status,
            attributes_accepted=self._attributes_accepted,
            tags_accepted=self._tags_accepted,
            reason=reason,
            message=message and message[:MESSAGE_LENGTH],
            requests=self._requests,
        )

    def run(self) -> Steps[None]:
        for _ in range(_ROUNDS):
            if (yield from self._write()):
                return
            if self._change.deleted == "reject" and self._change.contact_id is not None:
                raise _RejectedError(DELETED, f"Drift no longer has the contact {self._change.contact_id}.")
            self._forget()
        raise _RejectedError(UNSTABLE, "The contact was deleted in Drift each time it had been found or made.")

    def look_up(self) -> Steps[Contact]:
        if self._id is not None:
            response = yield from self._ask(endpoints.read_contact(self._id))
            if response.status != _NOT_FOUND:
                return endpoints.contact_in(_accepted(response).data)
        contact = yield from self._find()
        if contact is None:
            raise _RejectedError(NO_CONTACT, "There is no such contact in Drift.")
        return contact

    def _write(self) -> Steps[bool]:
        """Do all that is left to do; False when the contact was deleted in the meantime."""
        try:
            if self._id is None:
                yield from self._find_or_create()
            if self._id is not None:
                yield from self._write_attributes(self._id)
                self._attributes_accepted = True
                yield from self._write_tags(self._id)
        except _GoneError:
            return False
        self._attributes_accepted = self._tags_accepted = True
        return True

    def _ask(self, request: Request) -> Steps[Response]:
        self._requests += 1
        return (yield request)

    def _forget(self) -> None:
        """Start over without the id, and with all that the successor of the deleted contact needs."""
        self._id = None
        self._seen = False
        self._attributes_accepted = False
        self._attributes = {**self._change.unchanged, **self._change.attributes}
        self._add = (*self._change.unchanged_tags, *self._change.add_tags)
        self._remove = self._change.remove_tags

    def _find_or_create(self) -> Steps[None]:
        contact = yield from self._find()
        if contact is None:
            if not self._change.create_missing:
                if self._attributes or self._add:
                    raise _RejectedError(NO_CONTACT, "There is no such contact in Drift, and none is to be made.")
                return
            contact = yield from self._create()
        self._id = contact.id
        self._leave_what_is_there(contact)
        if contact.tags is not None:
            self._add = [tag for tag in self._add if tag not in contact.tags]
            self._remove = [tag for tag in self._remove if tag in contact.tags]

    def _leave_what_is_there(self, contact: Contact) -> None:
        """Write only what differs, and nothing over a value of Drift's where that is not wanted."""
        lacking = differing(self._attributes, contact.attributes)
        kept = {name for name in self._change.fill_only if contact.attributes.get(name) not in _NOTHING}
        self._attributes = {name: value for name, value in lacking.items() if name not in kept}
        self._seen = True

    def _find(self) -> Steps[Contact | None]:
        external_id = self._change.identity.get("externalId")
        if self._change.match_on == "externalId":
            if external_id and (found := (yield from self._look_up(endpoints.find_by_external_id(external_id)))):
                return found[0]
            found = yield from self._with_email()
            free = [contact for contact in found if contact.external_id in (None, external_id)]
            if found and not free:
                raise _RejectedError(
                    EMAIL_TAKEN, f"The email belongs to contact {found[0].id}, with another externalId."
                )
            return free[0] if free else None
        found = yield from self._with_email()
        return next(
            (one for one in found if external_id and one.external_id == external_id), found[0] if found else None
        )

    def _with_email(self) -> Steps[list[Contact]]:
        email = self._change.identity.get("email")
        if not email:
            return []
        found = yield from self._look_up(endpoints.find_by_email(email))
        if not found and email != email.lower():
            # Whether Drift's look-up minds upper and lower case is not documented.
            found = yield from self._look_up(endpoints.find_by_email(email.lower()))
        return found

    def _look_up(self, request: Request) -> Steps[list[Contact]]:
        response = yield from self._ask(request)
        if response.status == _NOT_FOUND:
            return []
        return endpoints.contacts_in(_accepted(response).data)

    def _create(self) -> Steps[Contact]:
        # A new contact has nothing to clear, and Drift documents values that are not null.
        given = {name: value for name, value in self._attributes.items() if value != _NULL}
        attributes: dict[str, JsonValue] = {**self._change.identity, **given}
        while True:
            try:
                response = yield from self._ask(endpoints.create_contact(attributes))
            except UnconfirmedError:
                # Made or not: only a look-up tells. The driver's GaveUpError ends this loop.
                if found := (yield from self._find()):
                    self.created = True
                    return found
                continue
            if response.good:
                self.created = True
                self._attributes = {}
                return endpoints.contact_in(response.data)
            if response.status in _MAY_BE_DUPLICATE:
                if found := (yield from self._find()):
                    return found
                yield from self._blame_external_id(attributes, own_id=None)
            raise _rejection(response)

    def _write_attributes(self, contact_id: int) -> Steps[None]:
        if not self._seen and self._change.fill_only & self._attributes.keys():
            response = yield from self._ask(endpoints.read_contact(contact_id))
            if response.status == _NOT_FOUND:
                raise _GoneError
            self._leave_what_is_there(endpoints.contact_in(_accepted(response).data))
        if not self._attributes:
            return
        response = yield from self._ask(endpoints.update_contact(contact_id, self._attributes))
        if response.status == _NOT_FOUND:
            raise _GoneError
        if response.status in _MAY_BE_DUPLICATE:
            yield from self._blame_external_id(self._attributes, own_id=contact_id)
        if response.status == _CONFLICT and "email" in self._attributes:
            others = [contact for contact in (yield from self._with_email()) if contact.id != contact_id]
            if others:
                raise _RejectedError(EMAIL_TAKEN, f"The email belongs to contact {others[0].id}.")
        _accepted(response)
        self.wrote = True

    def _blame_external_id(self, attributes: dict[str, JsonValue], *, own_id: int | None) -> Steps[None]:
        external_id = attributes.get("externalId")
        if isinstance(external_id, str):
            found = yield from self._look_up(endpoints.find_by_external_id(external_id))
            if found and found[0].id != own_id:
                raise _RejectedError(EXTERNAL_ID_TAKEN, f"The externalId belongs to contact {found[0].id}.")

    def _write_tags(self, contact_id: int) -> Steps[None]:
        if self._add:
            response = yield from self._ask(endpoints.add_tags(contact_id, self._add))
            if response.status == _NOT_FOUND:
                yield from self._still_there(contact_id)
                raise _RejectedError(TAGS_UNAVAILABLE, _no_tags(response))
            _accepted(response)
            self.wrote = True
        if self._remove:
            response = yield from self._ask(endpoints.remove_tags(contact_id, self._remove))
            if response.status == _NOT_FOUND:
                contact = yield from self._still_there(contact_id)
                if contact.tags is None or not contact.tags.isdisjoint(self._remove):
                    raise _RejectedError(TAGS_UNAVAILABLE, _no_tags(response))
                return
            _accepted(response)
            self.wrote = True

    def _still_there(self, contact_id: int) -> Steps[Contact]:
        """Tell a deleted contact from an organisation without contact tags: Drift answers both with 404."""
        response = yield from self._ask(endpoints.read_contact(contact_id))
        if response.status == _NOT_FOUND:
            raise _GoneError
        return endpoints.contact_in(_accepted(response).data)


def _accepted(response: Response) -> Response:
    if not response.good:
        raise _rejection(response)
    return response


def _rejection(response: Response) -> _RejectedError:
    error = response.error()
    return _RejectedError(error.type, error.message)


def _no_tags(response: Response) -> str:
    error = response.error()
    return (
        "Drift has the contact but not its tags. Contact tags may have been retired in this Drift organisation: "
        f"write the audience as an attribute instead. ({error.type}: {error.message})"
    )
