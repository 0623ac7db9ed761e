"""The request log: the newest requests in detail, and counts of all."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice

import msgspec

from dbt_drift.sandbox.traffic.faults import matches

NO_ANSWER = 0
"""The status of a request whose connection was reset."""


_LONGEST_BODY = 4000
_MOST_CONTENTS = 1000


class Contents(msgspec.Struct, frozen=True):
    """The content of a request: personal data.

    Attributes:
        query: The query as sent, still encoded.
        body: The body as text, truncated if long.
    """

    query: str
    body: str

    @classmethod
    def of(cls, query: str, body: bytes) -> Contents:
        """Return the content of a request, truncated."""
        return cls(query[:_LONGEST_BODY], body[: 4 * _LONGEST_BODY].decode("utf-8", "replace")[:_LONGEST_BODY])


class LoggedRequest(msgspec.Struct, frozen=True, rename="camel"):
    """One request of the API.

    Attributes:
        number: Number of the request since the start, from 1.
        at: Time of arrival, in epoch milliseconds.
        method: The HTTP method.
        template: The path with its variables, such as `/contacts/{id}`; "" if there is no such call.
        path: The path as sent, without the query, which contains emails.
        status: The HTTP status, or `NO_ANSWER`.
        ms: Duration in milliseconds.
        organisation: The id of the organisation; 0 if the request has no valid token.
        contact_id: The contact, if the request was about one.
        fault: The effect of its fault, or "".
        contents: Its query and body, if the switch `log_contents` is on and they contain no token; only for the
            newest requests.
    """

    number: int
    at: int
    method: str
    template: str
    path: str
    status: int
    ms: float
    organisation: int
    contact_id: int | None
    fault: str
    contents: Contents | None = None


class RequestCount(msgspec.Struct, frozen=True, order=True):
    """The number of requests of one kind with one status."""

    template: str
    method: str
    status: int
    count: int


class RequestLog:
    """The newest requests in detail, and exact counts of all.

    Args:
        size: Number of requests to keep in detail.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._newest: deque[LoggedRequest] = deque(maxlen=size)
        self._contents: deque[tuple[int, Contents]] = deque(maxlen=_MOST_CONTENTS)
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self.total = 0

    def add(
        self,
        *,
        at: int,
        method: str,
        template: str,
        path: str,
        status: int,
        ms: float,
        organisation: int,
        contact_id: int | None,
        fault: str,
        contents: Contents | None = None,
    ) -> None:
        """Add a request."""
        self.total += 1
        self._counts[template, method, status] += 1
        if contents is not None:
            self._contents.append((self.total, contents))
        self._newest.append(
            LoggedRequest(self.total, at, method, template, path, status, ms, organisation, contact_id, fault)
        )

    def find(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        organisation: int | None = None,
        contact: int | None = None,
        since: int = 0,
        limit: int | None = None,
    ) -> list[LoggedRequest]:
        """Return the matching requests that are kept, oldest first.

        Args:
            method: Only this HTTP method.
            path: Only this path: a template, or as sent; `*` matches anything.
            status: Only this status.
            organisation: Only requests of the organisation with this id.
            contact: Only requests about the contact with this id.
            since: Only requests after this number.
            limit: Only this many of the newest.
        """
        matching = (
            request
            for request in reversed(self._newest)
            if request.number > since
            and method in (None, request.method)
            and (path is None or matches(path, request.template, request.path))
            and status in (None, request.status)
            and organisation in (None, request.organisation)
            and contact in (None, request.contact_id)
        )
        found = list(islice(matching, limit))[::-1]
        if not self._contents:
            return found
        contents = dict(self._contents)
        return [msgspec.structs.replace(request, contents=contents.get(request.number)) for request in found]

    def counts(self) -> list[RequestCount]:
        """Return the number of requests per kind and status since the start."""
        return sorted(
            RequestCount(template, method, status, count) for (template, method, status), count in self._counts.items()
        )

    def clear(self) -> None:
        """Delete all requests. Numbering continues."""
        self._newest.clear()
        self._contents.clear()
        self._counts.clear()
