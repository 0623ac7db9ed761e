"""The local Drift without sockets: takes requests, returns deliveries.

Everything here runs on one thread and never waits, so each request sees and leaves a consistent state.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import msgspec

from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.sandbox.calls.answers import Answer, RefusedError, error, refusal
from dbt_drift.sandbox.calls.call import Call
from dbt_drift.sandbox.calls.grants import Grants
from dbt_drift.sandbox.calls.routes import ROUTES, match_path
from dbt_drift.sandbox.calls.store import now_ms
from dbt_drift.sandbox.calls.tokens import Tokens, require_scope
from dbt_drift.sandbox.traffic.faults import Faults
from dbt_drift.sandbox.traffic.ratelimit import RateLimit, hint
from dbt_drift.sandbox.traffic.requestlog import NO_ANSWER, Contents, RequestLog

if TYPE_CHECKING:
    from dbt_drift.sandbox.behaviour import Behaviour
    from dbt_drift.sandbox.calls.call import Request
    from dbt_drift.sandbox.calls.store import Organisation, Store

_NO_SECRETS = ("/contacts", "/emails")
_SERVED = "it serves contacts, tags, attributes, timeline events, unsubscribe, sign-in and tokens only."


class Delivery(msgspec.Struct, frozen=True):
    """An answer and how it is sent.

    Attributes:
        answer: The answer.
        how: `whole`; `cut`: the connection closes in the middle of the body; `reset`: the connection is reset instead.
        delay_ms: Delay before it is sent, in milliseconds.
    """

    answer: Answer
    how: Literal["whole", "cut", "reset"] = "whole"
    delay_ms: float = 0


class Api:
    """The API calls on one store.

    Attributes:
        store: The contacts, attributes and tags.
        tokens: The known tokens.
        grants: The apps and their grants.
        log: The request log.
        rate_limits: The rate limit of each organisation that has made a request.
        quotas: Requests per window, for organisations that do not use the switch `rate_limit`.
    """

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self.store = store
        self.tokens = Tokens(store.default)
        self.grants = Grants()
        self.log = RequestLog()
        self.rate_limits: dict[int, RateLimit] = {}
        self.quotas: dict[int, int] = {}
        self._behaviour = behaviour
        self._faults = Faults(behaviour)

    @property
    def behaviour(self) -> Behaviour:
        """The switches."""
        return self._behaviour

    def switch(self, behaviour: Behaviour) -> None:
        """Change the switches."""
        self._behaviour = behaviour
        self._faults.switch(behaviour)

    def clear_requests(self) -> None:
        """Clear the log, the counts and the rate limits."""
        self.log.clear()
        self.rate_limits.clear()

    def handle(self, request: Request) -> Delivery:
        """Answer a request and log it."""
        at, started = now_ms(), time.perf_counter()
        template, params = match_path(request.path)
        passage = _Passage()
        try:
            delivery = self._deliver(request, template, params, passage)
        except RefusedError as refused:
            delivery = Delivery(refusal(refused.answer, self._behaviour.error_body))
        delay_ms = delivery.delay_ms + self._faults.latency()
        delivery = Delivery(delivery.answer, delivery.how, delay_ms)
        self.log.add(
            at=at,
            method=request.method,
            template=template,
            path=request.path,
            status=NO_ANSWER if delivery.how == "reset" else delivery.answer.status,
            ms=round((time.perf_counter() - started) * 1000 + delay_ms, 3),
            organisation=passage.organisation,
            contact_id=delivery.answer.contact_id,
            fault="" if passage.fault is None else passage.fault.effect,
            contents=self._contents(request, template),
        )
        return delivery

    def _deliver(self, request: Request, template: str, params: tuple[str, ...], passage: _Passage) -> Delivery:
        if not template:
            raise RefusedError(404, f"The sandbox has no {request.path}: {_SERVED}")
        route = ROUTES[template].get(request.method)
        if route is None:
            raise RefusedError(405, f"There is no {request.method} {template}.")
        organisation = self._let_in(request, route.scope, passage)
        fault = passage.fault = self._faults.strike(request.method, template, request.path)
        if fault is not None and fault.effect in ("status", "reset") and not fault.applied:
            return _struck(fault, Answer(500))
        call = Call(request, params, organisation, self._behaviour, self.tokens, self.grants)
        try:
            answer = route.answer(call)
        except RefusedError as refused:
            answer = refusal(refused.answer, self._behaviour.error_body)
        return Delivery(answer) if fault is None else _struck(fault, answer)

    def _contents(self, request: Request, template: str) -> Contents | None:
        """Return a request's query and body for the log; None if that is off or they could contain a token."""
        if not self._behaviour.log_contents or not template.startswith(_NO_SECRETS):
            return None
        return Contents.of(request.query, request.body)

    def _let_in(self, request: Request, scope: str | None, passage: _Passage) -> Organisation:
        """Return the organisation of a request, if its token and the rate limit allow the request."""
        if scope is None:
            return self.store.organisation(None)
        token = self.tokens.authorize(request.headers.get("authorization", ""), self._behaviour)
        organisation = self.store.organisation(token.organisation)
        passage.organisation = organisation.id
        self._limit(organisation.id)
        require_scope(token, scope, self._behaviour)
        return organisation

    def _limit(self, organisation_id: int) -> None:
        limit = self.rate_limits.get(organisation_id)
        if limit is None:
            limit = self.rate_limits[organisation_id] = RateLimit()
        allowed = self.quotas.get(organisation_id, self._behaviour.rate_limit)
        wait = limit.admit(time.monotonic(), self._behaviour, allowed)
        if wait:
            raise RefusedError(
                429,
                "The number of API calls for the time window is used up.",
                headers=hint(self._behaviour.rate_hint, wait),
            )


class _Passage(msgspec.Struct):
    """What is known about a request for the log, even if it is refused early."""

    organisation: int = 0
    fault: Fault | None = None


def _struck(fault: Fault, answer: Answer) -> Delivery:
    if fault.effect == "reset":
        return Delivery(answer, "reset", fault.delay_ms)
    if fault.effect == "cut":
        return Delivery(answer, "cut", fault.delay_ms)
    if fault.effect == "delay":
        return Delivery(answer, "whole", fault.delay_ms)
    headers = () if fault.retry_after is None else hint(fault.hint, fault.retry_after)
    shown = error(fault.status, f"The sandbox answers {fault.status} on purpose.", headers=headers)
    if fault.body is not None:
        shown = msgspec.structs.replace(shown, body=fault.body.encode(), content_type="text/html; charset=utf-8")
    return Delivery(msgspec.structs.replace(shown, contact_id=answer.contact_id), "whole", fault.delay_ms)
