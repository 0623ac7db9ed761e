"""Requests and responses as values, and Drift's answers read tolerantly."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import msgspec

JsonValue = str | msgspec.Raw
"""An attribute's value as the request body holds it: a string, or a JSON literal whose digits stay as they are."""

MESSAGE_LENGTH = 500
"""The most characters of Drift's own words that is kept."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at a document that is not what was expected, not UTF-8, or nested too deep."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the Drift API.

    Attributes:
        method: The HTTP method.
        target: Path and query, encoded.
        body: The document, or None.
        content_type: The media type of the body.
        scope: The OAuth scope that the call needs.
        reads: The decoder of a good answer, where the answer is needed; None where the status says it all.
        repeatable: Whether sending it twice leaves what sending it once leaves.
        after: How many seconds it is not to be sent.
        joint: The externalId that is looked up, where the look-up may go out together with others; else None.
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
        # Query and body hold personal data, and in one case the token.
        return f"Request({self.method} {self.target.partition('?')[0]})"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        status: The HTTP status.
        body: The body as it came.
        retry_after: How long Drift asks to wait, in seconds, or None.
        reused: Whether it came over a connection that was open before the request was sent.
        data: What `Request.reads` made of the body of a good answer.
        mask: Takes secrets out of the words of an answer that is not good, should it quote what was sent.
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
        """Whether Drift did what it was asked: any 2xx, since its documentation and its clients disagree on which."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the range of HTTP's successes

    def error(self) -> DriftError:
        """Return what Drift says went wrong, without secrets."""
        return read_error(self.status, self.body, self.mask)


class DriftError(msgspec.Struct, frozen=True):
    """An error in Drift's words (devdocs.drift.com/docs/data-and-errors).

    Attributes:
        type: Drift's error type, such as `validation_error`, or `http_<status>` where the body names none.
        message: Drift's message, or what can be said in its place. May quote personal data.
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
    """Read an error answer; a body that is empty, cut, HTML or otherwise not Drift's gives the status instead.

    Args:
        status: The HTTP status.
        body: The body.
        mask: Takes secrets out of a text.

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
    # Masked before it is cut, which could leave a part of a secret.
    told = mask(found.message) if isinstance(found.message, str) and found.message.strip() else None
    return DriftError(kind, (told or f"HTTP status {status} without an explanation.")[:MESSAGE_LENGTH])


def _is_type(text: str) -> bool:
    # A type is logged and counted, so a body that puts prose there is not believed.
    return 0 < len(text) <= _TYPE_LENGTH and _TYPE_LETTERS.issuperset(text)
