"""The building blocks of a contact's steps: a generator that yields requests and receives responses.

The same rules run under any driver, and tests need none. The driver repeats what is safe to repeat (see
`retry_policy`) and throws the rest into the generator: `UnconfirmedError`, `AskAloneError`, `GaveUpError`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from dbt_drift.drift.http.messages import Request, Response

Result = TypeVar("Result")

Steps = Generator[Request, Response, Result]
"""Yields requests, receives responses, returns a result."""

Ask = Callable[[Request], Steps[Response]]
"""A step that makes one request."""


class UnconfirmedError(Exception):
    """Thrown in if a non-repeatable request got no usable answer: it may or may not have taken effect."""


class AskAloneError(Exception):
    """Thrown in if the answer to a joint look-up does not show what this look-up found."""


class GaveUpError(Exception):
    """Thrown in if a request has used up its tries; the message says what went wrong last."""


class RejectedError(Exception):
    """Ends a contact's steps: Drift or a rule of dbt-drift refuses the change.

    Attributes:
        reason: Drift's own error type, or one of `reasons`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class GoneError(Exception):
    """The contact with the known id no longer exists."""


def accepted(response: Response) -> Response:
    """Return a successful response.

    Raises:
        RejectedError: The response is an error.
    """
    if not response.good:
        raise rejection(response)
    return response


def rejection(response: Response) -> RejectedError:
    """Return the error to raise for an error response, in Drift's words."""
    error = response.error()
    return RejectedError(error.type, error.message)
