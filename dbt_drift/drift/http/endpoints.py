"""The Drift API calls that dbt-drift makes: paths, bodies and the content of successful answers.

Source: devdocs.drift.com/docs (contact-model, creating-a-contact, retrieving-contact, updating-a-contact,
listing-custom-attributes, get-token-information) and, for contact tags, Drift's own client drift-python 1.1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

import msgspec

from dbt_drift.drift.http.messages import UNREADABLE, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt_drift.drift.http.messages import JsonValue

OTHER_TOKEN_KEY = "accessToken"  # noqa: S105 - the name of a key
"""The key in which two of Drift's other clients send the token to inspect."""

READ = "contact_read"
WRITE = "contact_write"
READ_ATTRIBUTES = "all_contact_read"

MOST_FOUND = 100
"""Number of contacts to request per email: the number that Drift's other clients use. Drift documents no maximum."""


MOST_JOINED = 50
"""Number of externalIds in one look-up: half of what Drift's other clients use."""

_LONGEST_JOINED = 64
"""Longer encoded externalIds are looked up alone, so that the URL of a joint request stays below 4 KB."""


_LARGEST_ID = 2**63 - 1


class Contact(msgspec.Struct, frozen=True, rename={"created_at": "createdAt"}):
    """A contact as Drift returns it.

    Attributes:
        id: Drift's id of the contact, 64 bit.
        created_at: Epoch milliseconds, or None if the answer lacks it.
        attributes: Each attribute as Drift returned it.
    """

    id: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_ID)]
    created_at: int | None = None
    attributes: dict[str, msgspec.Raw] = {}

    def __repr__(self) -> str:
        return f"Contact({self.id})"

    @property
    def tags(self) -> frozenset[str] | None:
        """The names of its tags, or None if the answer lacks them: only some editions of the API return them."""
        raw = self.attributes.get("tags")
        return None if raw is None else _tag_names(raw)

    @property
    def email(self) -> str | None:
        """Its email address as Drift spells it, or None."""
        raw = self.attributes.get("email")
        try:
            return None if raw is None else _text.decode(raw)
        except UNREADABLE:
            return None

    @property
    def external_id(self) -> str | None:
        """Its externalId as text, or None. Drift's documentation shows a number, but its answers contain strings."""
        raw = self.attributes.get("externalId")
        try:
            value = None if raw is None else msgspec.json.decode(raw)
            return None if value in (None, "") else str(value)
        except UNREADABLE:
            # An unknown type still counts as an externalId: the contact belongs to someone.
            return bytes(raw or b"").decode(errors="replace")


class Attribute(msgspec.Struct, frozen=True):
    """A contact attribute of the Drift organisation: its key, its display name, its type in Drift's words."""

    name: str
    label: str
    type: str


class TokenInfo(msgspec.Struct, frozen=True):
    """What Drift says about a token.

    Attributes:
        organisation: Such as `orgId:123`.
        scope: The scopes granted, separated by spaces.
        expires_in: Milliseconds; 0 for a token that does not expire.
    """

    organisation: str = msgspec.field(name="authenticated_userid", default="")
    scope: str = ""
    expires_in: int = 0

    @property
    def organisation_id(self) -> str:
        """The id without Drift's prefix; "" if Drift names no organisation."""
        return self.organisation.removeprefix("orgId:").strip()


class _Tag(msgspec.Struct):
    name: str


class _One(msgspec.Struct):
    data: Contact


class _Many(msgspec.Struct):
    # Drift's documentation shows one object, but its clients get an array.
    data: list[Contact] | Contact


class _Tagged(msgspec.Struct):
    data: msgspec.Raw


class _Property(msgspec.Struct, rename={"label": "displayName"}):
    name: str
    type: str = ""
    label: str | None = None


class _Properties(msgspec.Struct):
    properties: list[_Property]


class _Listing(msgspec.Struct):
    data: _Properties


_tags = msgspec.json.Decoder(list[_Tag])
_text = msgspec.json.Decoder(str)
# Not strict: a quoted number is accepted as a number.
_one = msgspec.json.Decoder(_One, strict=False)
_many = msgspec.json.Decoder(_Many, strict=False)
_tagged = msgspec.json.Decoder(_Tagged)
_any = msgspec.json.Decoder(msgspec.Raw)
_listing = msgspec.json.Decoder(_Listing)
_token_info = msgspec.json.Decoder(TokenInfo, strict=False)


def find_by_email(email: str) -> Request:
    """Request the contacts with this email; read the answer with `contacts_in`."""
    query = urlencode({"email": email, "limit": MOST_FOUND}, quote_via=quote)
    return Request(method="GET", target=f"/contacts?{query}", scope=READ, reads=_many)


def find_by_external_id(external_id: str, *, joint: bool = False) -> Request:
    """Request the contacts with this externalId; read the answer with `contacts_in`.

    Args:
        external_id: The externalId.
        joint: Whether the driver may join the request with others and split the answer.
    """
    query = urlencode({"idType": "external", "id": external_id}, quote_via=quote)
    return Request(
        method="GET",
        target=f"/contacts?{query}",
        scope=READ,
        reads=_many,
        joint=external_id if joint and len(quote(external_id)) <= _LONGEST_JOINED else None,
    )


def find_by_external_ids(external_ids: Sequence[str]) -> Request:
    """Request the contacts with any of these externalIds; read the answer with `shared_out`.

    `id` may be repeated (devdocs.drift.com/docs/retrieving-contact). Drift does not document a maximum, or its answer
    if some contacts are missing.
    """
    query = urlencode(
        {"idType": "external", "id": external_ids, "limit": len(external_ids)}, doseq=True, quote_via=quote
    )
    return Request(method="GET", target=f"/contacts?{query}", scope=READ, reads=_many)


def read_contact(contact_id: int) -> Request:
    """Request one contact; read the answer with `contact_in`."""
    return Request(method="GET", target=f"/contacts/{contact_id}", scope=READ, reads=_one)


def create_contact(attributes: Mapping[str, JsonValue]) -> Request:
    """Create a contact; read the answer with `contact_in`."""
    body = _json({"attributes": attributes})
    return Request(method="POST", target="/contacts", body=body, scope=WRITE, reads=_one, repeatable=False)


def update_contact(contact_id: int, attributes: Mapping[str, JsonValue]) -> Request:
    """Change only these attributes."""
    return Request(
        method="PATCH", target=f"/contacts/{contact_id}", body=_json({"attributes": attributes}), scope=WRITE
    )


def list_tags(contact_id: int) -> Request:
    """Request a contact's tags; read the answer with `tags_in`."""
    return Request(method="GET", target=f"/contacts/{contact_id}/tags", scope=READ, reads=_any)


def add_tags(contact_id: int, tags: Sequence[str], colors: Mapping[str, str] | None = None) -> Request:
    """Add tags by name, some with a colour. A tag that the contact already has is kept."""
    colors = colors or {}
    body = _json([{"name": tag, "color": colors[tag]} if tag in colors else {"name": tag} for tag in tags])
    return Request(method="POST", target=f"/contacts/{contact_id}/tags", body=body, scope=WRITE)


def remove_tags(contact_id: int, tags: Sequence[str]) -> Request:
    """Remove tags by name.

    Drift also has `DELETE /contacts/{id}/tags/{name}` for a single tag. It is not used, because gateways refuse or
    rewrite an encoded slash, and with a tag named `..` the path would be that of the contact and delete it.
    """
    return Request(method="POST", target=f"/contacts/{contact_id}/tags/delete/_bulk", body=_json(tags), scope=WRITE)


def list_attributes() -> Request:
    """Request the organisation's contact attributes; read the answer with `attributes_in`."""
    return Request(method="GET", target="/contacts/attributes", scope=READ_ATTRIBUTES, reads=_listing)


def look_at_token(token: str, *, key: str = "access_token") -> Request:
    """Request the scopes of a token; the answer's data is a `TokenInfo`.

    Args:
        token: The token.
        key: The name of the body's token field: the one documented in devdocs.drift.com/docs/get-token-information,
            or `OTHER_TOKEN_KEY`.
    """
    return Request(method="POST", target="/app/token_info", body=_json({key: token}), scope=READ, reads=_token_info)


def contact_in(data: _One) -> Contact:
    """Return the contact of an answer."""
    return data.data


def contacts_in(data: _Many) -> list[Contact]:
    """Return the contacts of an answer, oldest first."""
    found = data.data if isinstance(data.data, list) else [data.data]
    return sorted(found, key=lambda contact: (contact.created_at or 0, contact.id))


def tags_in(data: msgspec.Raw) -> frozenset[str] | None:
    """Return the names of the tags of an answer, or None if it is no list of tags."""
    try:
        return _tag_names(_tagged.decode(data).data)
    except UNREADABLE:
        return None


def _tag_names(raw: msgspec.Raw) -> frozenset[str] | None:
    try:
        return frozenset(tag.name for tag in _tags.decode(raw))
    except UNREADABLE:
        return None


def shared_out(data: _Many, external_ids: Sequence[str]) -> list[_Many] | None:
    """Return each externalId's part of an answer, or None if the answer contains a contact that was not requested."""
    parts: dict[str | None, list[Contact]] = {external_id: [] for external_id in external_ids}
    for contact in contacts_in(data):
        if contact.external_id not in parts:
            return None
        parts[contact.external_id].append(contact)
    return [_Many(parts[external_id]) for external_id in external_ids]


def attributes_in(data: _Listing) -> list[Attribute]:
    """Return the attributes of an answer."""
    return [Attribute(found.name, found.label or found.name, found.type) for found in data.data.properties]


def _json(document: Any) -> bytes:
    return _encoder.encode(document)


_encoder = msgspec.json.Encoder()
