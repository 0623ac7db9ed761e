"""One try of one request: sends it, judges the answer, and informs the limiter."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.drift.http.connection import UnsentError
from dbt_drift.drift.http.messages import Response
from dbt_drift.drift.http.retry_policy import Verdict, classify
from dbt_drift.drift.http.transport import NoAnswerError
from dbt_drift.drift.http.url import DRIFT_URL
from dbt_drift.errors import DriftRefusedError, DriftUnavailableError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from dbt_drift.drift.http.credentials import Credential
    from dbt_drift.drift.http.limiter import RateLimiter
    from dbt_drift.drift.http.messages import Request
    from dbt_drift.drift.http.transport import Transport


Requested = Callable[[str, str, int | None, int], None]

_REFUSED = frozenset({401, 403})

_log = logging.getLogger("dbt_drift.drift")


class Attempt(msgspec.Struct, frozen=True):
    """The result of a try.

    Attributes:
        verdict: What the result means for the run.
        response: The answer, or None if there was no usable one.
        problem: What went wrong, without personal data; "" if nothing did.
        heard: Whether there was any answer.
        wait: Seconds that Drift asks to wait, or None.
    """

    verdict: Verdict
    response: Response | None = None
    problem: str = ""
    heard: bool = True
    wait: float | None = None


class Exchange:
    """Sends requests for which a slot of the limiter is reserved.

    Args:
        transport: Sends the requests.
        limiter: Receives the result of every request.
        credential: Authorizes the requests.
        requested: Gets each request that was sent: its method, its target, the status of its answer or None, and
            when it began, in nanoseconds since 1970.
    """

    def __init__(
        self,
        transport: Transport,
        limiter: RateLimiter,
        credential: Credential,
        requested: Requested | None = None,
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._requested = requested or (lambda *_: None)
        self.limiter = limiter

    def attempt(self, request: Request) -> Attempt:
        """Send a request with a reserved slot, and release the slot.

        Masks secrets in every error text from Drift or a gateway, because the text may quote the header.

        Raises:
            DriftUnavailableError: The sign-in has expired.
            ConfigurationError: The sign-in cannot be stored.
        """
        began = time.time_ns()
        try:
            token = self._credential.current()
            sent = time.monotonic()
            response = self._transport.send(request, token)
        except NoAnswerError as error:
            _log.debug("%s %s: no answer, %s", request.method, request.target.partition("?")[0], error)
            self._requested(request.method, request.target, None, began)
            self.limiter.no_answer(time.monotonic())
            return Attempt(Verdict.FAULT, problem=str(error), heard=error.heard)
        except UnsentError:
            self.limiter.no_answer(time.monotonic())
            return Attempt(Verdict.UNSENT)
        except BaseException:
            self.limiter.no_answer(time.monotonic())
            raise
        now = time.monotonic()
        # Without the query and the bodies: they hold personal data.
        _log.debug(
            "%s %s: %d in %.0f ms",
            request.method,
            request.target.partition("?")[0],
            response.status,
            (now - sent) * 1000,
        )
        self._requested(request.method, request.target, response.status, began)
        response = msgspec.structs.replace(response, mask=self._credential.mask)
        verdict = classify(response.status)
        if verdict is Verdict.THROTTLED:
            self.limiter.throttled(sent, now, response.retry_after)
        else:
            self.limiter.answered(sent, now, reused=response.reused)
        if verdict is Verdict.ANSWERED:
            self._credential.confirm(token)
        elif response.status in _REFUSED and self._credential.renew(token, response.status):
            return Attempt(Verdict.RENEWED, response)
        problem = "" if verdict is Verdict.ANSWERED else f"status {response.status} ({response.error().type})"
        return Attempt(verdict, response, problem, wait=response.retry_after)

    def fatal_error(self, request: Request, response: Response) -> DriftUnavailableError:
        """Return the error for an answer that every other request would get too."""
        error = response.error()
        said = escaped(f"{response.status} {error.type}: {error.message}")
        if response.status == 401:  # noqa: PLR2004 - HTTP's number for it
            return DriftUnavailableError(f"Drift refuses the access token ({said})", advice=self._credential.advice)
        if response.status == 403:  # noqa: PLR2004 - HTTP's number for it
            return DriftRefusedError(
                f"Drift refuses {request.method} {request.target.partition('?')[0]} ({said})",
                advice=(
                    f"The call needs the scope {request.scope}. A token keeps the scopes it was made with: add the "
                    "scope at dev.drift.com > your app > OAuth & Permissions, then install again. "
                    f"{self._credential.advice}"
                ),
            )
        return DriftUnavailableError(
            f"Drift's API does not redirect, but status {response.status} came back.",
            advice=f"Check DRIFT_API_URL ({DRIFT_URL} where it is not set), and the proxy if there is one.",
        )
