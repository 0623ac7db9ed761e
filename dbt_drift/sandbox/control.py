"""The control API under `/_sandbox/`, for tests and for the page. Its calls are neither limited nor logged."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.behaviour import json_schema
from dbt_drift.sandbox.calls.answers import Answer, RefusedError, error, plain
from dbt_drift.sandbox.calls.attributes import Attribute
from dbt_drift.sandbox.calls.call import read_json
from dbt_drift.sandbox.calls.documents import contact_document
from dbt_drift.sandbox.calls.tokens import Token
from dbt_drift.sandbox.seeds import read_seeds
from dbt_drift.sandbox.traffic.requestlog import RequestCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dbt_drift.sandbox.api import Api
    from dbt_drift.sandbox.behaviour import Behaviour
    from dbt_drift.sandbox.calls.call import Request
    from dbt_drift.sandbox.calls.store import Contact, Organisation
    from dbt_drift.sandbox.setup import Setup

PREFIX = "/_sandbox/"
_SHOWN = 100


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """A summary of the sandbox's data and requests.

    Attributes:
        organisation: The id of the summarised organisation.
        organisations: The ids of all organisations.
        contacts: Number of its contacts.
        tags: Number of its contacts per tag.
        requests: Number of requests per kind and status, in all organisations.
        total_requests: Number of all requests.
        peak_requests: Maximum number of this organisation's requests that arrived within one rate window.
        peak_admitted: Maximum number of this organisation's requests that were admitted within one rate window.
    """

    organisation: int
    organisations: list[int]
    contacts: int
    tags: dict[str, int]
    requests: list[RequestCount]
    total_requests: int
    peak_requests: int
    peak_admitted: int


class About(msgspec.Struct, frozen=True, rename="camel"):
    """Identifies the sandbox, as opposed to another server on its port.

    Attributes:
        sandbox: The version of dbt-drift that serves it.
        contacts: Number of contacts in all organisations.
        running_s: Uptime in seconds.
    """

    sandbox: str
    contacts: int
    running_s: float


class Control:
    """Controls the sandbox for tests and for the page, beyond its API.

    Args:
        api: The API to control.
        setup: The initial state, restored by `reset`.

    Raises:
        ConfigurationError: The setup's contacts are invalid.
    """

    def __init__(self, api: Api, setup: Setup) -> None:
        self.api = api
        self._setup = setup
        self._started = time.monotonic()
        self._declare()
        try:
            self._furnish()
        except RefusedError as refused:
            raise ConfigurationError(f"The sandbox cannot start with these contacts: {refused}") from refused

    def newest_contacts(
        self, *, organisation: int | None = None, search: str = "", limit: int | None = None, offset: int = 0
    ) -> list[Contact]:
        """Return contacts, newest first.

        Args:
            organisation: Its id; None for the default one.
            search: Return only contacts with this id, or with this text, in any case, in an attribute or a tag.
            limit: Maximum number of contacts.
            offset: The number of newer ones to leave out.
        """
        newest: Iterator[Contact] = reversed(self.api.store.look_up(organisation).contacts.values())
        matching = (contact for contact in newest if _holds(contact, search)) if search else newest
        return list(islice(matching, offset, None if limit is None else offset + limit))

    def seed(self, contacts: Iterable[Mapping[str, Any]], *, organisation: int | None = None) -> list[int]:
        """Add contacts without the checks of the API: two may share an email.

        Args:
            contacts: The attributes of each. `tags` holds names, or objects of `name` and `color`.
            organisation: The id of their organisation; None for the default one.

        Returns:
            Their ids, in the same order.

        Raises:
            RefusedError: A contact cannot be read, or its externalId is taken. No contact is added then.
        """
        home = self._organisation(organisation)
        read = read_seeds(contacts)
        for attributes, _ in read:
            if home.find_by_external_id(attributes.get("externalId", "")) is not None:
                raise RefusedError(400, f"There is a contact with the externalId {attributes['externalId']!r} already.")
        return [home.create(attributes, tags).id for attributes, tags in read]

    def revoke(self, token: str) -> None:
        """Refuse an access token or a refresh token from now on, whether known or not."""
        self.api.tokens.revoke(token)
        self.api.grants.revoke(token)

    def declare_attributes(self, attributes: Iterable[Attribute], *, organisation: int | None = None) -> None:
        """Add attributes to an organisation, for types that cannot be inferred from values."""
        home = self._organisation(organisation)
        for attribute in attributes:
            home.declare(attribute)

    def about(self) -> About:
        """Return the identification of the sandbox."""
        contacts = sum(len(home.contacts) for home in self.api.store.organisations.values())
        return About(__version__, contacts, round(time.monotonic() - self._started, 1))

    def summary(self, *, organisation: int | None = None) -> Summary:
        """Return a summary of the sandbox's data and requests."""
        home = self.api.store.look_up(organisation)
        limit = self.api.rate_limits.get(home.id)
        return Summary(
            organisation=home.id,
            organisations=list(self.api.store.organisations),
            contacts=len(home.contacts),
            tags={name: members for name, members in home.tag_members.items() if members},
            requests=self.api.log.counts(),
            total_requests=self.api.log.total,
            peak_requests=limit.peak if limit else 0,
            peak_admitted=limit.admitted_peak if limit else 0,
        )

    def change(self, switches: Mapping[str, object]) -> Behaviour:
        """Change some switches and return them all.

        Raises:
            ConfigurationError: A switch does not exist or does not accept the value.
        """
        self.api.switch(self.api.behaviour.changed(switches))
        return self.api.behaviour

    def reset(self, only: str = "") -> None:
        """Restore the initial state. Organisations keep their ids, and contact ids continue to grow.

        Args:
            only: `requests` for the log, the counts and the rate limits; `contacts` for contacts, attributes and tags;
                `behaviour` for the switches; "" for everything, including the tokens.
        """
        if only not in ("", "requests", "contacts", "behaviour"):
            raise RefusedError(400, "only must be requests, contacts or behaviour.")
        if only in ("", "requests"):
            self.api.clear_requests()
        if only in ("", "contacts"):
            for organisation in self.api.store.organisations.values():
                organisation.clear()
            self._furnish()
        if only in ("", "behaviour"):
            self.api.switch(self._setup.behaviour)
        if not only:
            self._declare()

    def _declare(self) -> None:
        self.api.tokens.declare(self._setup.tokens)
        self.api.tokens.drop_granted()
        self.api.grants.declare(self._setup.apps)

    def _furnish(self) -> None:
        """Add the setup's data to the organisations."""
        for token in self._setup.tokens:
            self._organisation(token.organisation)
        for given in self._setup.organisations:
            home = self._organisation(given.id)
            if given.rate_limit is not None:
                self.api.quotas[home.id] = given.rate_limit
            self.declare_attributes(given.attributes, organisation=home.id)
            if not home.contacts:
                self.seed(given.contacts, organisation=home.id)

    def _organisation(self, organisation_id: int | None) -> Organisation:
        return self.api.store.organisation(organisation_id)


def answer_control(control: Control, request: Request) -> Answer:
    """Answer a request below `PREFIX`."""
    handler = _HANDLERS.get((request.method, request.path.removeprefix(PREFIX)))
    if handler is None:
        return error(404, "There is no such call.")
    try:
        return handler(control, request)
    except RefusedError as refused:
        return refused.answer
    except ConfigurationError as mistaken:
        return error(400, str(mistaken))


def _get_contacts(control: Control, request: Request) -> Answer:
    found = control.newest_contacts(
        organisation=request.number("organisation"),
        search=_text(request, "search") or "",
        limit=request.number("limit") or _SHOWN,
        offset=request.number("offset") or 0,
    )
    return plain({"contacts": [contact_document(contact) for contact in found]})


def _put_contacts(control: Control, request: Request) -> Answer:
    contacts = read_json(request.body, list[dict[str, Any]])
    return plain({"ids": control.seed(contacts, organisation=_home(request))})


def _put_attributes(control: Control, request: Request) -> Answer:
    attributes = read_json(request.body, list[Attribute])
    control.declare_attributes(attributes, organisation=_home(request))
    return plain({"attributes": len(attributes)})


def _put_tokens(control: Control, request: Request) -> Answer:
    tokens = read_json(request.body, list[Token])
    control.api.tokens.declare(tokens)
    return plain({"tokens": len(tokens)})


class _Revoked(msgspec.Struct):
    token: str


def _revoke_token(control: Control, request: Request) -> Answer:
    control.revoke(read_json(request.body, _Revoked).token)
    return plain({"result": "OK"})


def _get_requests(control: Control, request: Request) -> Answer:
    found = control.api.log.find(
        method=_text(request, "method"),
        path=_text(request, "path"),
        status=request.number("status"),
        organisation=request.number("organisation"),
        contact=request.number("contact"),
        since=request.number("since") or 0,
        limit=request.number("limit") or _SHOWN,
    )
    return plain({"requests": found})


def _get_about(control: Control, _request: Request) -> Answer:
    return plain(control.about())


def _get_summary(control: Control, request: Request) -> Answer:
    return plain(control.summary(organisation=request.number("organisation")))


def _get_behaviour(control: Control, _request: Request) -> Answer:
    return plain(control.api.behaviour)


def _patch_behaviour(control: Control, request: Request) -> Answer:
    return plain(control.change(read_json(request.body, dict[str, Any])))


def _get_schema(_control: Control, _request: Request) -> Answer:
    return Answer(200, json_schema())


def _post_reset(control: Control, request: Request) -> Answer:
    control.reset(_text(request, "only") or "")
    return plain({"result": "OK"})


_HANDLERS: dict[tuple[str, str], Callable[[Control, Request], Answer]] = {
    ("GET", "about"): _get_about,
    ("GET", "contacts"): _get_contacts,
    ("PUT", "contacts"): _put_contacts,
    ("PUT", "attributes"): _put_attributes,
    ("PUT", "tokens"): _put_tokens,
    ("POST", "tokens/revoke"): _revoke_token,
    ("GET", "requests"): _get_requests,
    ("GET", "summary"): _get_summary,
    ("GET", "behaviour"): _get_behaviour,
    ("PATCH", "behaviour"): _patch_behaviour,
    ("GET", "behaviour/schema"): _get_schema,
    ("POST", "reset"): _post_reset,
}


def _home(request: Request) -> int | None:
    organisation = request.number("organisation")
    if organisation == 0:
        raise RefusedError(400, "organisation must be 1 or more.")
    return organisation


def _text(request: Request, name: str) -> str | None:
    values = request.parameters().get(name)
    return values[0] if values else None


def _holds(contact: Contact, search: str) -> bool:
    wanted = search.casefold()
    if wanted == str(contact.id) or any(wanted in tag.casefold() for tag in contact.tags):
        return True
    return any(wanted in value.casefold() for value in contact.attributes.values() if isinstance(value, str))
