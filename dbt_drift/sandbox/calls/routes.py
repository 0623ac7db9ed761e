"""Finds the API call for a method and a path."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import msgspec

from dbt_drift.sandbox.calls import contacts, oauth, tags
from dbt_drift.sandbox.calls.answers import Answer
from dbt_drift.sandbox.calls.call import Call
from dbt_drift.sandbox.calls.lookups import find_contacts, list_attributes
from dbt_drift.sandbox.calls.oauth import token_info

_READ = "contact_read"
_WRITE = "contact_write"


class Route(msgspec.Struct, frozen=True):
    """An API call: the scope that it needs ("" for any token, None for no token), and its handler."""

    scope: str | None
    answer: Callable[[Call], Answer]


ROUTES: dict[str, dict[str, Route]] = {
    "/contacts": {
        "GET": Route(_READ, find_contacts),
        "POST": Route(_WRITE, contacts.create_contact),
    },
    "/contacts/attributes": {"GET": Route("all_contact_read", list_attributes)},
    "/contacts/normalize": {"PATCH": Route(_WRITE, contacts.update_contact_by_own_id)},
    "/contacts/timeline": {"POST": Route(_WRITE, contacts.post_timeline_event)},
    "/contacts/{id}": {
        "GET": Route(_READ, contacts.get_contact),
        "PATCH": Route(_WRITE, contacts.update_contact),
        "DELETE": Route(_WRITE, contacts.delete_contact),
    },
    "/contacts/{id}/tags": {
        "GET": Route(_READ, tags.list_tags),
        "POST": Route(_WRITE, tags.add_tags),
    },
    "/contacts/{id}/tags/{name}": {"DELETE": Route(_WRITE, tags.remove_tag)},
    "/contacts/{id}/tags/delete/_bulk": {"POST": Route(_WRITE, tags.remove_tags)},
    "/emails/unsubscribe": {"POST": Route(_WRITE, contacts.unsubscribe_emails)},
    "/authorize": {"GET": Route(None, oauth.authorize)},
    "/oauth2/token": {"POST": Route(None, oauth.grant_token)},
    "/app/token_info": {"POST": Route("", token_info)},
}
"""The calls by path template and method."""


def match_path(path: str) -> tuple[str, tuple[str, ...]]:
    """Return a path's template and the values of its variables; "" if no call has the path.

    The path is split before it is decoded, so that a tag may contain a slash. A trailing slash is ignored.
    """
    path = path.removesuffix("/")
    template = ""
    params: tuple[str, ...] = ()
    match path.split("/"):
        case ["", "contacts"] | ["", "contacts", "attributes" | "normalize" | "timeline"]:
            template = path
        case ["", "emails", "unsubscribe"] | ["", "app", "token_info"] | ["", "oauth2", "token"] | ["", "authorize"]:
            template = path
        case ["", "contacts", contact_id]:
            template, params = "/contacts/{id}", (contact_id,)
        case ["", "contacts", contact_id, "tags"]:
            template, params = "/contacts/{id}/tags", (contact_id,)
        case ["", "contacts", contact_id, "tags", name]:
            template, params = "/contacts/{id}/tags/{name}", (contact_id, unquote(name))
        case ["", "contacts", contact_id, "tags", "delete", "_bulk"]:
            template, params = "/contacts/{id}/tags/delete/_bulk", (contact_id,)
    return template, params
