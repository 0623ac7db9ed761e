"""A request on its way through the API, as the handlers see it."""

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
_DIGITS = 18  # All numbers of so many digits fit 64 bit.
_DEEPEST = 100
_TOO_DEEP = f"The body is nested more than {_DEEPEST} levels deep."


class Request(msgspec.Struct, frozen=True):
    """An HTTP request, read to its end.

    Attributes:
        method: The HTTP method.
        path: The path as it was sent, still encoded.
        query: The query as it was sent, still encoded.
        headers: The headers that the sandbox looks at, by their names in lower case.
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
        """Return the values of each query parameter, in their order."""
        return parse_qs(self.query, keep_blank_values=True)

    def number(self, name: str) -> int | None:
        """Return a query parameter that is a number, or None where it is not given.

        Raises:
            RefusedError: It is no number: 400.
        """
        text = self.parameters().get(name, [""])[0]
        number = read_number(text)
        if text and number is None:
            raise RefusedError(400, f"{name} must be a number.")
        return number


class Call(msgspec.Struct, frozen=True):
    """A request that was let in.

    Attributes:
        request: The request.
        params: What its path gives the variables of its template.
        organisation: The organisation of its token.
        behaviour: The switches at this moment.
        tokens: The tokens that are known.
        grants: The apps, and what was granted to them.
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
            RefusedError: There is none: 404.
        """
        return self.contact_by_id(self.params[0])

    def contact_by_id(self, text: str) -> Contact:
        """Return a contact by its Drift id.

        Raises:
            RefusedError: There is none: 404.
        """
        contact_id = read_number(text)
        found = None if contact_id is None else self.organisation.contacts.get(contact_id)
        if found is None:
            raise RefusedError(404, "The contact was not found.")
        return found

    def read(self, kind: type[T]) -> T:
        """Return the body.

        Raises:
            RefusedError: It is no JSON, or not of this shape: 400.
        """
        return read_json(self.request.body, kind)


def read_json(body: bytes, kind: type[T]) -> T:
    """Return a JSON body.

    Raises:
        RefusedError: It is no JSON, not of this shape, or too deeply nested: 400.
    """
    try:
        # A body with few brackets cannot be deep, and most have few.
        if body.count(b"[") + body.count(b"{") > _DEEPEST and is_deep(msgspec.json.decode(body)):
            raise RefusedError(400, _TOO_DEEP)
        return msgspec.json.decode(body, type=kind)
    except RecursionError as error:
        raise RefusedError(400, _TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(400, f"The body cannot be read: {error}") from error


def is_deep(value: Any, left: int = _DEEPEST) -> bool:
    """Return whether a value is nested so deeply that it might be read and then not be written again."""
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    return left < 0 or any(is_deep(one, left - 1) for one in inner)


def read_number(text: str) -> int | None:
    """Return a number that fits 64 bit, or None where the text is no such number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
