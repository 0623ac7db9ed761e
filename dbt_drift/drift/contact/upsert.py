"""The steps that bring one contact to the state of the model, without I/O (see `steps`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from dbt_drift.drift.contact import reasons
from dbt_drift.drift.contact.change import ContactChange, Outcome
from dbt_drift.drift.contact.comparison import differing
from dbt_drift.drift.contact.finding import Finder
from dbt_drift.drift.contact.new_contacts import NewContacts
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.steps import (
    GaveUpError,
    GoneError,
    RejectedError,
    Steps,
    UnconfirmedError,
    accepted,
    rejection,
)
from dbt_drift.drift.contact.tagging import set_tags, take_tags_away
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.messages import MESSAGE_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.drift.contact.change import Status
    from dbt_drift.drift.http.endpoints import Contact
    from dbt_drift.drift.http.messages import JsonValue, Request, Response

Flow = Callable[[ContactChange, Organisation, NewContacts], Steps[Outcome]]
"""The steps for one change, based on what the run knows about the organisation and about new contacts."""

_NULL = msgspec.Raw(b"null")
_FALSE = msgspec.Raw(b"false")
"""A contact that does not exist need not be created for this value: there is nothing to unset."""
_NOTHING = (None, msgspec.Raw(b"null"), msgspec.Raw(b'""'))
"""Values that mean that an attribute has no value in Drift."""

_ROUNDS = 3
_NOT_FOUND = 404
_CONFLICT = 409
# Drift documents "error" for a duplicate. Clients saw 409, but Drift's error table only lists 400.
_MAY_BE_DUPLICATE = frozenset({400, _CONFLICT, 422})


def upsert(change: ContactChange, organisation: Organisation, first: NewContacts) -> Steps[Outcome]:
    """Bring one contact to the state of the model.

    A contact with a known id costs one request, or two with tags. Otherwise it is looked up first (see `finding`), or
    created first if Drift itself refuses duplicates and most contacts are new to it (see `new_contacts`).

    Args:
        change: The change to make.
        organisation: What the run knows about the Drift organisation. The steps update it.
        first: What the run knows about new contacts. The steps update it.

    Yields:
        Requests, to be answered with `send`, or with `throw`: `UnconfirmedError` if the request is not `repeatable`,
        `AskAloneError` if it was `joint`, `GaveUpError` for any.

    Returns:
        The outcome. The driver handles refusals of the token (401, 403).
    """
    work = _Upsert(change, organisation, first)
    try:
        yield from work.run()
    except RejectedError as rejected:
        return work.refused(rejected)
    except GaveUpError as gave_up:
        return work.outcome("failed", reasons.GAVE_UP, str(gave_up))
    return work.outcome("created" if work.created else "updated" if work.wrote else "matched")


def look_up(change: ContactChange, organisation: Organisation, first: NewContacts) -> Steps[Outcome]:
    """Find one contact by the rules of `upsert` and return its differences; writes nothing.

    Args:
        change: The values of the model.
        organisation: What the run knows about the Drift organisation. The steps update it.
        first: What the run knows about new contacts. The steps update it.

    Yields:
        Requests, as `upsert` does.

    Returns:
        `matched` with `lacking` and `tags`; `missing`: no contact exists; or `rejected`: the match is uncertain.
    """
    work = _Upsert(change, organisation, first)
    try:
        contact = yield from work.look_up()
    except RejectedError as rejected:
        return work.refused(rejected)
    except GaveUpError as gave_up:
        return work.outcome("failed", reasons.GAVE_UP, str(gave_up))
    lacking = frozenset(differing(change.attributes, contact.attributes))
    return structs.replace(work.outcome("matched"), contact_id=contact.id, lacking=lacking, tags=contact.tags)


class _Upsert:
    """One change under way: what is still to be written, and what Drift has accepted."""

    def __init__(self, change: ContactChange, organisation: Organisation, first: NewContacts) -> None:
        self._change = change
        self._organisation = organisation
        self._first = first
        self._finder = Finder(change, organisation, self._ask)
        self._id = change.contact_id
        self._attributes = change.attributes
        self._add: Sequence[str] = change.add_tags
        self._remove: Sequence[str] = change.remove_tags
        self._attributes_accepted = False
        self._tags_accepted = False
        self._requests = 0
        self._seen = False
        self._attributes_written: frozenset[str] = frozenset()
        self._tags_added: frozenset[str] = frozenset()
        self._tags_removed: frozenset[str] = frozenset()
        self.created = False

    @property
    def wrote(self) -> bool:
        """Whether Drift has accepted any write."""
        return bool(self._attributes_written or self._tags_added or self._tags_removed)

    def refused(self, error: RejectedError) -> Outcome:
        status: Status = "missing" if error.reason == reasons.NO_CONTACT else "rejected"
        return self.outcome(status, error.reason, str(error))

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
            attributes_written=self._attributes_written,
            tags_added=self._tags_added,
            tags_removed=self._tags_removed,
        )

    def run(self) -> Steps[None]:
        for _ in range(_ROUNDS):
            if (yield from self._write()):
                return
            if self._change.deleted == "leave":
                self._attributes_accepted = self._tags_accepted = True
                return
            if self._change.deleted == "reject" and self._change.contact_id is not None:
                raise RejectedError(reasons.DELETED, f"Drift no longer has the contact {self._change.contact_id}.")
            self._forget()
        raise RejectedError(reasons.UNSTABLE, "The contact was deleted in Drift each time it had been found or made.")

    def look_up(self) -> Steps[Contact]:
        if self._id is not None:
            response = yield from self._ask(endpoints.read_contact(self._id))
            if response.status != _NOT_FOUND:
                return endpoints.contact_in(accepted(response).data)
        contact = yield from self._finder.find()
        if contact is None:
            raise RejectedError(reasons.NO_CONTACT, "There is no such contact in Drift.")
        return contact

    def _write(self) -> Steps[bool]:
        """Make all remaining requests; returns False if the contact was deleted meanwhile."""
        try:
            if self._id is None:
                yield from self._find_or_create()
            if self._id is not None:
                yield from self._write_attributes(self._id)
                self._attributes_accepted = True
                yield from self._write_tags(self._id)
        except GoneError:
            return False
        self._attributes_accepted = self._tags_accepted = True
        return True

    def _ask(self, request: Request) -> Steps[Response]:
        self._requests += 1
        return (yield request)

    def _forget(self) -> None:
        """Start over without the id, with everything that the successor of the deleted contact needs."""
        self._id = None
        self._seen = False
        self.created = False
        self._attributes_written = self._tags_added = self._tags_removed = frozenset()
        self._attributes_accepted = False
        # Values written to the deleted contact must be written to the successor too.
        given = {name: value for name, value in self._change.attributes.items() if value != _NULL}
        self._attributes = {**self._change.unchanged, **given}
        self._add = (*self._change.unchanged_tags, *self._change.add_tags)
        self._remove = (*self._change.unchanged_removals, *self._change.remove_tags)

    def _find_or_create(self) -> Steps[None]:
        contact = yield from self._first_met()
        if contact is None:
            return
        self._id = contact.id
        self._leave_what_is_there(contact)
        if contact.tags is not None:
            self._add = [tag for tag in self._add if tag not in contact.tags]
            self._remove = [tag for tag in self._remove if tag in contact.tags]

    def _first_met(self) -> Steps[Contact | None]:
        """Return the contact, found or created; None if there is none and none is needed."""
        if not self._change.guarded_by_drift:
            return (yield from self._looked_up_first())
        without_lookup = self._first.begin()
        try:
            if without_lookup:
                contact = yield from self._create(without_lookup=True)
                self._first.learn(known=not self.created, without_lookup=self.created)
                return contact
            return (yield from self._looked_up_first())
        finally:
            self._first.end()

    def _looked_up_first(self) -> Steps[Contact | None]:
        contact = yield from self._finder.find()
        self._first.learn(known=contact is not None)
        if contact is None and self._change.create_missing:
            contact = yield from self._create(without_lookup=False)
            yield from self._finder.learn_spelling()
        elif contact is None and (self._add or any(value != _FALSE for value in self._attributes.values())):
            raise RejectedError(reasons.NO_CONTACT, "There is no such contact in Drift, and none is to be made.")
        return contact

    def _leave_what_is_there(self, contact: Contact) -> None:
        """Keep only differing values, and drop `fill_only` attributes that have a value in Drift."""
        lacking = differing(self._attributes, contact.attributes)
        kept = {name for name in self._change.fill_only if contact.attributes.get(name) not in _NOTHING}
        self._attributes = {name: value for name, value in lacking.items() if name not in kept}
        self._seen = True

    def _create(self, *, without_lookup: bool) -> Steps[Contact]:
        """Create the contact.

        Args:
            without_lookup: Whether no look-up took place. A contact found afterwards then existed before.
        """
        # A new contact has nothing to clear, and Drift documents only non-null values.
        given = {name: value for name, value in self._attributes.items() if value != _NULL}
        attributes: dict[str, JsonValue] = {**self._change.identity, **given}
        while True:
            try:
                response = yield from self._ask(endpoints.create_contact(attributes))
            except UnconfirmedError:
                # Only a look-up shows whether it was created. The driver's GaveUpError ends this loop.
                if found := (yield from self._finder.find()):
                    self._made(attributes, certain=not without_lookup)
                    return found
                continue
            if response.good:
                self._made(attributes, certain=True)
                self._attributes = {}
                return endpoints.contact_in(response.data)
            if response.status in _MAY_BE_DUPLICATE:
                if found := (yield from self._finder.find()):
                    return found
                yield from self._blame_external_id(attributes, own_id=None)
            raise rejection(response)

    def _made(self, attributes: dict[str, JsonValue], *, certain: bool) -> None:
        """Record that the contact exists; `certain` says that this run created it."""
        self.created = certain
        self._attributes_written = frozenset(attributes) if certain else frozenset()

    def _write_attributes(self, contact_id: int) -> Steps[None]:
        if not self._seen and self._change.fill_only & self._attributes.keys():
            response = yield from self._ask(endpoints.read_contact(contact_id))
            if response.status == _NOT_FOUND:
                raise GoneError
            self._leave_what_is_there(endpoints.contact_in(accepted(response).data))
        if not self._attributes:
            return
        response = yield from self._ask(endpoints.update_contact(contact_id, self._attributes))
        if response.status == _NOT_FOUND:
            raise GoneError
        if response.status in _MAY_BE_DUPLICATE:
            yield from self._blame_external_id(self._attributes, own_id=contact_id)
        if response.status == _CONFLICT and "email" in self._attributes:
            others = [contact for contact in (yield from self._finder.with_email()) if contact.id != contact_id]
            if others:
                raise RejectedError(reasons.EMAIL_TAKEN, f"The email belongs to contact {others[0].id}.")
        accepted(response)
        self._attributes_written |= self._attributes.keys()

    def _write_tags(self, contact_id: int) -> Steps[None]:
        if self._add:
            yield from set_tags(contact_id, self._add, self._organisation, self._ask, colors=self._change.colors)
            self._tags_added = frozenset(self._add)
        if self._remove and (yield from take_tags_away(contact_id, self._remove, self._organisation, self._ask)):
            self._tags_removed = frozenset(self._remove)

    def _blame_external_id(self, attributes: dict[str, JsonValue], *, own_id: int | None) -> Steps[None]:
        external_id = attributes.get("externalId")
        if isinstance(external_id, str):
            found = yield from self._finder.with_external_id(external_id)
            if found and found[0].id != own_id:
                raise RejectedError(reasons.EXTERNAL_ID_TAKEN, f"The externalId belongs to contact {found[0].id}.")
