"""The Drift client for the rest of dbt-drift."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.probing import probe
from dbt_drift.drift.contact.reading import read
from dbt_drift.drift.contact.steps import RejectedError
from dbt_drift.drift.contact.upsert import upsert
from dbt_drift.drift.engine.dispatcher import Dispatcher
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.exchange import Exchange
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.retry_policy import RetryPolicy, Verdict
from dbt_drift.drift.http.transport import Transport
from dbt_drift.errors import DriftAwayError, DriftRefusedError, DriftUnavailableError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from dbt_drift.drift.contact.change import ContactChange
    from dbt_drift.drift.contact.probing import Probe
    from dbt_drift.drift.contact.reading import Reading
    from dbt_drift.drift.contact.steps import Steps
    from dbt_drift.drift.contact.upsert import Flow
    from dbt_drift.drift.http.credentials import Credential
    from dbt_drift.drift.http.endpoints import Attribute, TokenInfo
    from dbt_drift.drift.http.exchange import Requested
    from dbt_drift.drift.http.messages import Request, Response
    from dbt_drift.drift.http.transport import Timeouts

T = TypeVar("T")

WORKERS = 128
"""Enough for 1000 requests in 20 seconds at a latency of 2 seconds: 50 per second times 2 is 100 at once."""


_BAD_REQUEST = 400
_NOT_FOUND = 404


class DriftClient:
    """One Drift organisation, reached with one credential under one rate limit.

    Args:
        url: Drift's base URL (see `url.drift_url`).
        credential: Authorizes the requests.
        limiter: The quota; by default 1000 requests in 20 seconds.
        policy: How often a request is tried.
        workers: Maximum number of concurrent requests.
        timeouts: How long an answer may take.
        may_send: Returns whether the run still holds the ledger lock. The dispatcher's threads call it before each
            request, and again right before a write is sent. While it returns False, everything waits. None for
            commands that need no ledger.
        requested: Gets each request, in the thread that sent it; see `Exchange`.
    """

    def __init__(
        self,
        url: str,
        credential: Credential,
        *,
        limiter: RateLimiter | None = None,
        policy: RetryPolicy | None = None,
        workers: int = WORKERS,
        timeouts: Timeouts | None = None,
        may_send: Callable[[], bool] | None = None,
        requested: Requested | None = None,
    ) -> None:
        self._credential = credential
        self._workers = workers
        self._policy = policy or RetryPolicy()
        self._limiter = limiter or RateLimiter()
        self._organisation = Organisation()
        self._transport = Transport(url, connections=workers, timeouts=timeouts, may_write=may_send)
        self._may_send = may_send or (lambda: True)
        self._exchange = Exchange(self._transport, self._limiter, credential, requested)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def tags_were_seen(self) -> None:
        """Record that an earlier run has seen that Drift applies tags; otherwise the first tags are checked."""
        self._organisation.tags.were_seen()

    def dispatcher(self, flow: Flow = upsert) -> Dispatcher:
        """Return a pool that brings contacts to the state of the model. Leave it before the client.

        Args:
            flow: The steps for each contact, if not `upsert`: `upsert.look_up`.
        """
        return Dispatcher(
            self._exchange,
            policy=self._policy,
            workers=self._workers,
            organisation=self._organisation,
            flow=flow,
            may_send=self._may_send,
        )

    def attributes(self, *, policy: RetryPolicy | None = None) -> list[Attribute]:
        """Return the organisation's contact attributes. Needs the scope `all_contact_read`.

        Args:
            policy: How often the request is tried, if not by the client's policy.

        Raises:
            DriftUnavailableError: Drift refuses the request, or cannot be reached.
        """
        return endpoints.attributes_in(self._ask(endpoints.list_attributes(), policy).data)

    def token_info(self) -> TokenInfo:
        """Return what Drift says about the current token.

        Raises:
            DriftUnavailableError: Drift refuses the request, or cannot be reached.
        """
        request = endpoints.look_at_token(self._credential.current().reveal())
        response = self._send(request)
        if response.status == _BAD_REQUEST:
            request = endpoints.look_at_token(self._credential.current().reveal(), key=endpoints.OTHER_TOKEN_KEY)
            response = self._send(request)
        info: TokenInfo = self._good(request, response).data
        return info

    def probe(self, email: str) -> Probe:
        """Test on one contact whether Drift applies tags; see `probing.probe`.

        Raises:
            DriftUnavailableError: Drift refuses the request, or cannot be reached.
        """
        return self._walk(probe(email), "Drift refuses to try it on that contact")

    def read(self, change: ContactChange) -> Reading:
        """Return the contact of a change as Drift has it; see `reading.read`.

        Raises:
            DriftUnavailableError: Drift refuses the request, or cannot be reached.
        """
        return self._walk(read(change), "Drift does not show that contact")

    def _walk(self, steps: Steps[T], refused: str) -> T:
        """Send the requests of one contact's steps in this thread, and return what came of them."""
        try:
            request = next(steps)
            while True:
                time.sleep(request.after)
                request = steps.send(self._send(request))
        except StopIteration as end:
            found: T = end.value
            return found
        except RejectedError as rejected:
            said = escaped(f"{rejected.reason}: {rejected}")
            raise DriftUnavailableError(f"{refused} ({said})") from None

    def _ask(self, request: Request, policy: RetryPolicy | None = None) -> Response:
        """Send a single request that must succeed."""
        return self._good(request, self._send(request, policy))

    def _send(self, request: Request, policy: RetryPolicy | None = None) -> Response:
        """Send a single request in this thread."""
        policy = policy or self._policy
        delays = policy.delays()
        problem = ""
        deadline = time.monotonic() + policy.patience
        faults = 0
        while faults < policy.tries and time.monotonic() < deadline:
            while wait := self._limiter.reserve(time.monotonic()):
                time.sleep(min(wait, 1.0))
            attempt = self._exchange.attempt(request)
            response, problem = attempt.response, attempt.problem
            if response is not None and attempt.verdict is Verdict.FATAL:
                raise self._exchange.fatal_error(request, response)
            if response is not None and attempt.verdict is Verdict.ANSWERED:
                return response
            if attempt.verdict is Verdict.FAULT:
                faults += 1
                time.sleep(next(delays))
        raise DriftAwayError(
            f"Drift does not answer {request.target.partition('?')[0]}: {problem}, after all tries.",
            advice="Look at Drift's status, at DRIFT_API_URL and at the network, then run again.",
        )

    def _good(self, request: Request, response: Response) -> Response:
        if response.good:
            return response
        error = response.error()
        said = escaped(f"{response.status} {error.type}: {error.message}")
        raise DriftRefusedError(
            f"Drift refuses {request.method} {request.target.partition('?')[0]} ({said})",
            advice="Look at DRIFT_API_URL: there may be no Drift." if response.status == _NOT_FOUND else "",
        )
