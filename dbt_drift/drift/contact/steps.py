"""What the steps of one contact are made of: a generator that yields requests and is sent their responses.

So the same rules run under any driver and are tested without one. The driver repeats what can be repeated (see
`retry`); what it cannot decide it throws in: `UnconfirmedError`, `AskAloneError`, `GaveUpError`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from dbt_drift.drift.http.messages import Request, Response

Result = TypeVar("Result")

Steps = Generator[Request, Response, Result]
"""Requests out, responses in, a result at the end."""

Ask = Callable[[Request], Steps[Response]]
"""A step of one request."""


class UnconfirmedError(Exception):
    """Thrown in where a request that must not be repeated got no usable answer: it may or may not have taken effect."""


class AskAloneError(Exception):
    """Thrown in where a look-up went out together with others and the answer does not tell what it found."""


class GaveUpError(Exception):
    """Thrown in where a request has used up its tries; the message says what went wrong last."""


class RejectedError(Exception):
    """Ends a contact's steps: Drift, or a rule of ours, refuses what was wanted.

    Attributes:
        reason: Drift's own error type, or one of `reasons`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class GoneError(Exception):
    """The contact of the known id does not exist any more."""


def accepted(response: Response) -> Response:
    """Return a response that is good.

    Raises:
        RejectedError: It is not.
    """
    if not response.good:
        raise rejection(response)
    return response


def rejection(response: Response) -> RejectedError:
    """Return what to raise for a response that is not good, in Drift's words."""
    error = response.error()
    return RejectedError(error.type, error.message)
