"""The data of the local Drift: organisations, each with contacts, attributes and tags, and their indexes."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from dbt_drift.sandbox.calls.attributes import Attribute, infer_type, standard_attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OrganisationId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""The range of organisation ids that the data file can store; 0 means none in the request log."""

_FIRST_VERSION = 3  # Two real samples show 3 for a new contact without an externalId, and 4 with one.
_COLORS = ("0960C5", "7695A5", "FF69B4", "3BA55D", "D9822B", "8E5BD0")


class Contact(msgspec.Struct):
    """A stored contact.

    Attributes:
        id: Drift's id of the contact: increasing, above 32 bits, never reused.
        created_at: Epoch milliseconds.
        version: Increases with every PATCH.
        attributes: The written attributes: `email`, `externalId` (a string) and the rest.
        tags: The color of each tag by name, in the order in which they were added.
    """

    id: int
    created_at: int
    version: int
    attributes: dict[str, Any]
    tags: dict[str, str] = {}

    @property
    def email(self) -> str | None:
        """The email as it was written."""
        return self.attributes.get("email")

    @property
    def external_id(self) -> str | None:
        """The contact's key in the user's own systems."""
        return self.attributes.get("externalId")


class Unsaved(msgspec.Struct):
    """The changes since they were last taken.

    Attributes:
        contacts: The organisation of each changed or deleted contact, by contact id.
        organisations: The organisations whose attributes or tags changed.
    """

    contacts: dict[int, int] = {}
    organisations: set[int] = set()


class Organisation:
    """One Drift organisation. Its data is invisible to all others."""

    def __init__(self, organisation_id: int, numbers: _Numbers, unsaved: Unsaved) -> None:
        self.id = organisation_id
        self.contacts: dict[int, Contact] = {}
        self.attributes: dict[str, Attribute] = standard_attributes()
        self.tag_colors: dict[str, str] = {}
        self.tag_members: dict[str, int] = {}
        self._by_email: dict[str, list[int]] = {}
        self._by_external_id: dict[str, int] = {}
        self._numbers = numbers
        self._unsaved = unsaved

    def find_by_email(self, email: str) -> list[Contact]:
        """Return the contacts with this email in any case, oldest first."""
        return [self.contacts[found] for found in self._by_email.get(email.casefold(), ())]

    def find_by_external_id(self, external_id: str) -> Contact | None:
        """Return the contact with this externalId."""
        found = self._by_external_id.get(external_id)
        return None if found is None else self.contacts[found]

    def create(self, attributes: dict[str, Any], tags: Mapping[str, str | None]) -> Contact:
        """Add a contact. The caller checks for duplicates."""
        version = _FIRST_VERSION + ("externalId" in attributes)
        contact = Contact(self._numbers.next(), now_ms(), version, attributes)
        self.contacts[contact.id] = contact
        self._index(contact)
        self.learn(attributes)
        self.apply_tags(contact, tags)
        self._unsaved.contacts[contact.id] = self.id
        return contact

    def update(self, contact: Contact, attributes: Mapping[str, Any], cleared: Iterable[str] = ()) -> None:
        """Set some attributes, clear others and increase the version."""
        self._unindex(contact)
        contact.attributes.update(attributes)
        for name in cleared:
            contact.attributes.pop(name, None)
        self._index(contact)
        self.learn(attributes)
        contact.version += 1
        self._unsaved.contacts[contact.id] = self.id

    def delete(self, contact: Contact) -> None:
        """Delete a contact."""
        self.remove_tags(contact, list(contact.tags))
        self._unindex(contact)
        del self.contacts[contact.id]
        self._unsaved.contacts[contact.id] = self.id

    def apply_tags(self, contact: Contact, tags: Mapping[str, str | None]) -> None:
        """Add tags by name. A name is new to the organisation only once, and keeps its first color."""
        for name, color in tags.items():
            if name in contact.tags:
                continue
            if name not in self.tag_colors:
                self.tag_colors[name] = color or _COLORS[len(self.tag_colors) % len(_COLORS)]
                self._unsaved.organisations.add(self.id)
            contact.tags[name] = self.tag_colors[name]
            self.tag_members[name] = self.tag_members.get(name, 0) + 1
            self._unsaved.contacts[contact.id] = self.id

    def remove_tags(self, contact: Contact, names: Iterable[str]) -> None:
        """Remove tags by name. Tags that the contact does not have are ignored."""
        for name in names:
            if contact.tags.pop(name, None) is not None:
                self.tag_members[name] -= 1
                self._unsaved.contacts[contact.id] = self.id

    def learn(self, attributes: Mapping[str, Any]) -> None:
        """Add attributes that are new to the organisation, with the type of their first value."""
        for name, value in attributes.items():
            if name not in self.attributes and name != "externalId":
                self.declare(Attribute(name, infer_type(value)))

    def declare(self, attribute: Attribute) -> None:
        """Add an attribute to the organisation, or change its type."""
        self.attributes[attribute.name] = attribute
        self._unsaved.organisations.add(self.id)

    def restore(self, contact: Contact) -> None:
        """Add a contact from the data file."""
        self.contacts[contact.id] = contact
        self._index(contact)
        for name in contact.tags:
            self.tag_members[name] = self.tag_members.get(name, 0) + 1

    def clear(self) -> None:
        """Delete everything but the organisation itself."""
        self._unsaved.contacts.update(dict.fromkeys(self.contacts, self.id))
        self._unsaved.organisations.add(self.id)
        for held in (self.contacts, self.tag_colors, self.tag_members, self._by_email, self._by_external_id):
            held.clear()
        self.attributes = standard_attributes()

    def _index(self, contact: Contact) -> None:
        if contact.email is not None:
            found = self._by_email.setdefault(contact.email.casefold(), [])
            found.append(contact.id)
            found.sort()
        if contact.external_id is not None:
            self._by_external_id[contact.external_id] = contact.id

    def _unindex(self, contact: Contact) -> None:
        if contact.email is not None:
            key = contact.email.casefold()
            self._by_email[key].remove(contact.id)
            if not self._by_email[key]:
                del self._by_email[key]
        if contact.external_id is not None:
            del self._by_external_id[contact.external_id]


class _Numbers:
    """Generates contact ids: one series for all organisations, as in Drift."""

    def __init__(self, last: int | None) -> None:
        # Real ids were around 1.7e10 in 2023. A random start prevents two sandboxes from using the same ids.
        self.last = 17_000_000_000 + secrets.randbelow(10**9) if last is None else last

    def next(self) -> int:
        self.last += 1
        return self.last


class Store:
    """All organisations.

    Attributes:
        default: The organisation id of tokens that name none. A new store generates one, so that each sandbox without
            a data file is a different organisation.
        organisations: The organisations by id.
        unsaved: The changes since they were last taken.
    """

    def __init__(self, *, default: int | None = None, last_contact_id: int | None = None) -> None:
        self.default = default if default is not None else 100_000 + secrets.randbelow(9 * 10**8)
        self.organisations: dict[int, Organisation] = {}
        self.unsaved = Unsaved()
        self._numbers = _Numbers(last_contact_id)
        self.organisation(self.default)

    @property
    def last_contact_id(self) -> int:
        """The last contact id that was assigned."""
        return self._numbers.last

    def organisation(self, organisation_id: int | None = None) -> Organisation:
        """Return an organisation, by default the default one. A new id creates a new organisation."""
        wanted = self.default if organisation_id is None else organisation_id
        found = self.organisations.get(wanted)
        if found is None:
            found = self.organisations[wanted] = Organisation(wanted, self._numbers, self.unsaved)
            self.unsaved.organisations.add(wanted)
        return found

    def look_up(self, organisation_id: int | None = None) -> Organisation:
        """Return an organisation, by default the default one, without creating it: an unknown one is empty."""
        wanted = self.default if organisation_id is None else organisation_id
        return self.organisations.get(wanted) or Organisation(wanted, self._numbers, Unsaved())


def now_ms() -> int:
    """Return the current time in epoch milliseconds."""
    return time.time_ns() // 1_000_000
