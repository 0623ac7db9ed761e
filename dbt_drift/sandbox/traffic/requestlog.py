"""Which requests came in: the newest one by one, all of them counted."""

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
    """What a request said: personal data.

    Attributes:
        query: The query as it was sent, still encoded.
        body: The body as text, cut off where it is long.
    """

    query: str
    body: str

    @classmethod
    def of(cls, query: str, body: bytes) -> Contents:
        """Keep at most so much of a request."""
        return cls(query[:_LONGEST_BODY], body[: 4 * _LONGEST_BODY].decode("utf-8", "replace")[:_LONGEST_BODY])


class LoggedRequest(msgspec.Struct, frozen=True, rename="camel"):
    """One request of the API.

    Attributes:
        number: Counts all requests since the start, from 1.
        at: When it arrived, in epoch milliseconds.
        method: The HTTP method.
        template: The path with its variables, such as `/contacts/{id}`; "" where there is no such call.
        path: The path as it was sent, without the query: that holds emails.
        status: The HTTP status, or `NO_ANSWER`.
        ms: How long it took, in milliseconds.
        organisation: The id of the organisation; 0 where the token opens none.
        contact_id: The contact, if it was about one.
        fault: The effect of the fault that struck it, or "".
        contents: Its query and body, where the switch `log_contents` asks for them and they hold no token: of the
            newest requests only.
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
    """How many requests of one kind had one status."""

    template: str
    method: str
    status: int
    count: int


class RequestLog:
    """The newest requests one by one, and exact counts of all.

    Args:
        size: How many requests are kept one by one.
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
        """Note a request."""
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
        since: int = 0,
        limit: int | None = None,
    ) -> list[LoggedRequest]:
        """Return the kept requests that match, the oldest first.

        Args:
            method: Only this HTTP method.
            path: Only this path: a template, or as it was sent; `*` stands for anything.
            status: Only this status.
            organisation: Only those of the organisation with this id.
            since: Only those after this number.
            limit: Only the newest of them.
        """
        matching = (
            request
            for request in reversed(self._newest)
            if request.number > since
            and method in (None, request.method)
            and (path is None or matches(path, request.template, request.path))
            and status in (None, request.status)
            and organisation in (None, request.organisation)
        )
        found = list(islice(matching, limit))[::-1]
        if not self._contents:
            return found
        contents = dict(self._contents)
        return [msgspec.structs.replace(request, contents=contents.get(request.number)) for request in found]

    def counts(self) -> list[RequestCount]:
        """Return how often each kind of request had each status, since the start."""
        return sorted(
            RequestCount(template, method, status, count) for (template, method, status), count in self._counts.items()
        )

    def clear(self) -> None:
        """Forget all requests; the numbers go on."""
        self._newest.clear()
        self._contents.clear()
        self._counts.clear()
