"""Answers in Drift's envelopes (devdocs.drift.com/docs/data-and-errors)."""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()

ERROR_TYPES = {
    400: "validation_error",
    401: "authentication_error",
    403: "authentication_error",
    404: "not_found",
    409: "conflict",
    429: "rate_limit",
}
"""The error type of each status. `conflict` is invented: Drift's error table has no 409, but its clients get one."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to a request.

    Attributes:
        status: The HTTP status.
        body: The body, or b"".
        headers: Headers other than content type and length.
        contact_id: The id of the contact that the request was about, for the request log.
        content_type: The media type of the body.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    contact_id: int | None = None
    content_type: str = "application/json"


class RefusedError(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, status: int, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.answer = error(status, message, headers=headers)


def data(document: Any, *, contact_id: int | None = None, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Answer 200 with a document under `data`."""
    return Answer(200, _encoder.encode({"data": document}), headers, contact_id)


def with_errors(answer: Answer) -> Answer:
    """Add the list of errors that Drift's lists may contain beside their data; it does not affect the data."""
    errors = [{"type": {}, "message": "One of several sources did not answer.", "param": "email"}]
    document = {**msgspec.json.decode(answer.body), "errors": errors}
    return msgspec.structs.replace(answer, body=_encoder.encode(document))


def refusal(answer: Answer, body: str) -> Answer:
    """Return a refusal with the body that `Behaviour.error_body` selects."""
    if body == "empty":
        return msgspec.structs.replace(answer, body=b"")
    if body == "html":
        page = f"<html><body><h1>{answer.status}</h1></body></html>"
        return msgspec.structs.replace(answer, body=page.encode(), content_type="text/html; charset=utf-8")
    return answer


def plain(document: Any) -> Answer:
    """Answer 200 with a document without envelope."""
    return Answer(200, _encoder.encode(document))


def yes(acknowledgement: str, *, status: int = 200, contact_id: int | None = None) -> Answer:
    """Answer that the request succeeded, with or without a body: see `Behaviour.acknowledgement`."""
    body = b"" if acknowledgement == "empty" else b'{"result":"OK","ok":true}'
    return Answer(status, body, contact_id=contact_id)


def error(status: int, message: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Answer with Drift's error envelope."""
    kind = ERROR_TYPES.get(status, "internal_error" if status >= 500 else "validation_error")  # noqa: PLR2004 - 5xx
    return Answer(status, _encoder.encode({"error": {"type": kind, "message": message}}), headers)
