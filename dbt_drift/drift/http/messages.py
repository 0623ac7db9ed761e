"""Requests and responses as values, and tolerant reading of Drift's answers."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import msgspec

JsonValue = str | msgspec.Raw
"""The value of an attribute in the request body: a string, or a JSON literal with its digits unchanged."""

MESSAGE_LENGTH = 500
"""Maximum number of characters kept of Drift's error messages."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a document of another shape, not in UTF-8, or too deeply nested."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the Drift API.

    Attributes:
        method: The HTTP method.
        target: Path and query, encoded.
        body: The document, or None.
        content_type: The media type of the body.
        scope: The OAuth scope that the call needs.
        reads: The decoder of a successful answer; None if only the status is needed.
        repeatable: Whether sending it twice has the same effect as sending it once.
        after: Seconds to wait before it is sent.
        joint: The externalId to look up, if the look-up can be joined with others; else None.
    """

    method: str
    target: str
    body: bytes | None = None
    content_type: str = "application/json"
    scope: str
    reads: msgspec.json.Decoder[Any] | None = None
    repeatable: bool = True
    after: float = 0.0
    joint: str | None = None

    def __repr__(self) -> str:
        # Query and body contain personal data, and in one case the token.
        return f"Request({self.method} {self.target.partition('?')[0]})"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        status: The HTTP status.
        body: The body as received.
        retry_after: Seconds that Drift asks to wait, or None.
        reused: Whether the connection was open before the request was sent.
        data: The result of `Request.reads` for the body of a successful answer.
        mask: Masks secrets in an error text, which may quote the request.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None
    reused: bool = False
    data: Any = None
    mask: Callable[[str], str] = str

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"

    @property
    def good(self) -> bool:
        """Whether the request succeeded: any 2xx, because Drift's documentation and its clients disagree on which."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the range of HTTP's successes

    def error(self) -> DriftError:
        """Return Drift's error, without secrets."""
        return read_error(self.status, self.body, self.mask)


class DriftError(msgspec.Struct, frozen=True):
    """An error in Drift's words (devdocs.drift.com/docs/data-and-errors).

    Attributes:
        type: Drift's error type, such as `validation_error`, or `http_<status>` if the body names none.
        message: Drift's message, or a substitute. May contain personal data.
    """

    type: str
    message: str


class _ErrorBody(msgspec.Struct):
    type: Any = None
    message: Any = None


class _Envelope(msgspec.Struct):
    error: _ErrorBody


_envelope = msgspec.json.Decoder(_Envelope)
_TYPE_LENGTH = 64
_TYPE_LETTERS = frozenset(string.ascii_letters + string.digits + "_-.")


def read_error(status: int, body: bytes, mask: Callable[[str], str] = str) -> DriftError:
    """Read an error answer. A body that is empty, truncated, HTML or otherwise not Drift's is replaced by the status.

    Args:
        status: The HTTP status.
        body: The body.
        mask: Masks secrets in a text.

    >>> read_error(400, b'{"error":{"type":"validation_error","message":"email is invalid"}}')
    DriftError(type='validation_error', message='email is invalid')
    >>> read_error(502, b"<html>Bad Gateway</html>")
    DriftError(type='http_502', message='HTTP status 502 without an explanation.')
    """
    try:
        found = _envelope.decode(body).error
    except UNREADABLE:
        found = _ErrorBody()
    kind = found.type if isinstance(found.type, str) and _is_type(mask(found.type)) else f"http_{status}"
    # Mask before truncating, which could leave part of a secret.
    told = mask(found.message) if isinstance(found.message, str) and found.message.strip() else None
    return DriftError(kind, (told or f"HTTP status {status} without an explanation.")[:MESSAGE_LENGTH])


def _is_type(text: str) -> bool:
    # The type is logged and counted, so prose in its place is ignored.
    return 0 < len(text) <= _TYPE_LENGTH and _TYPE_LETTERS.issuperset(text)
