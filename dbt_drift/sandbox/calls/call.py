"""A request as the handlers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.calls.answers import RefusedError
from dbt_drift.sandbox.calls.grants import Grants
from dbt_drift.sandbox.calls.store import Organisation
from dbt_drift.sandbox.calls.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.sandbox.calls.store import Contact

T = TypeVar("T")
_DIGITS = 18  # All numbers with this many digits fit into 64 bits.
_DEEPEST = 100
_TOO_DEEP = f"The body is nested more than {_DEEPEST} levels deep."


class Request(msgspec.Struct, frozen=True):
    """An HTTP request, fully read.

    Attributes:
        method: The HTTP method.
        path: The path as sent, still encoded.
        query: The query as sent, still encoded.
        headers: The headers that the sandbox uses, by lower-case name.
        body: The whole body.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method})"

    def parameters(self) -> dict[str, list[str]]:
        """Return the values of each query parameter, in order."""
        return parse_qs(self.query, keep_blank_values=True)

    def number(self, name: str) -> int | None:
        """Return a numeric query parameter, or None if it is missing.

        Raises:
            RefusedError: It is not a number: 400.
        """
        text = self.parameters().get(name, [""])[0]
        number = read_number(text)
        if text and number is None:
            raise RefusedError(400, f"{name} must be a number.")
        return number


class Call(msgspec.Struct, frozen=True):
    """A request that passed the token and rate checks.

    Attributes:
        request: The request.
        params: The values of the path template's variables.
        organisation: The organisation of the request's token.
        behaviour: The current switches.
        tokens: The known tokens.
        grants: The apps and their grants.
    """

    request: Request
    params: tuple[str, ...]
    organisation: Organisation
    behaviour: Behaviour
    tokens: Tokens
    grants: Grants

    def contact(self) -> Contact:
        """Return the contact that the path names.

        Raises:
            RefusedError: The contact does not exist: 404.
        """
        return self.contact_by_id(self.params[0])

    def contact_by_id(self, text: str) -> Contact:
        """Return a contact by its Drift id.

        Raises:
            RefusedError: The contact does not exist: 404.
        """
        contact_id = read_number(text)
        found = None if contact_id is None else self.organisation.contacts.get(contact_id)
        if found is None:
            raise RefusedError(404, "The contact was not found.")
        return found

    def read(self, kind: type[T]) -> T:
        """Return the body.

        Raises:
            RefusedError: The body is not JSON, or has another shape: 400.
        """
        return read_json(self.request.body, kind)


def read_json(body: bytes, kind: type[T]) -> T:
    """Return a JSON body.

    Raises:
        RefusedError: The body is not JSON, has another shape, or is too deeply nested: 400.
    """
    try:
        # A body with few brackets cannot be deep, and most bodies have few.
        if body.count(b"[") + body.count(b"{") > _DEEPEST and is_deep(msgspec.json.decode(body)):
            raise RefusedError(400, _TOO_DEEP)
        return msgspec.json.decode(body, type=kind)
    except RecursionError as error:
        raise RefusedError(400, _TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"The body cannot be read: {error}") from error


def is_deep(value: Any, left: int = _DEEPEST) -> bool:
    """Return whether a value is nested so deeply that it could be read but not written again."""
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    return left < 0 or any(is_deep(one, left - 1) for one in inner)


def read_number(text: str) -> int | None:
    """Return a number that fits into 64 bits, or None if the text is no such number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
