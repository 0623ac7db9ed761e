"""The steps of one contact with their tries: receives the result of each request, returns the next and its delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.contact.steps import AskAloneError, GaveUpError, UnconfirmedError
from dbt_drift.drift.http.retry_policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.drift.contact.change import Outcome
    from dbt_drift.drift.contact.steps import Steps
    from dbt_drift.drift.http.exchange import Attempt
    from dbt_drift.drift.http.messages import Request
    from dbt_drift.drift.http.retry_policy import RetryPolicy


class ContactTask:
    """A change under way.

    Args:
        steps: The contact's steps.
        policy: How often a request is tried.

    Attributes:
        outcome: The outcome, or None while under way.
        troubled_since: Time of the first fault or 429 on the caller's clock, or None.
        gave_up: Why all tries are used up; "" if they are not.
        gave_up_throttled: Whether every answer was 429 for as long as the policy's patience.
    """

    def __init__(self, steps: Steps[Outcome], policy: RetryPolicy) -> None:
        self._policy = policy
        self._delays = policy.delays()
        self._faults = 0
        self._throttled_since: float | None = None
        self._request: Request | None = None
        self.outcome: Outcome | None = None
        self.troubled_since: float | None = None
        self.gave_up = ""
        self.gave_up_throttled = False
        self._steps = steps
        self._advance(lambda: next(self._steps))

    @property
    def next_request(self) -> Request:
        """The next request to send, while there is no outcome."""
        if self._request is None:
            raise RuntimeError("The contact has its outcome.")
        return self._request

    def receive(self, attempt: Attempt, now: float) -> float:
        """Process the result of the request.

        Returns:
            Seconds until the next request may be sent.
        """
        if attempt.response is not None and attempt.verdict is Verdict.ANSWERED:
            response = attempt.response
            self._throttled_since = None
            self._advance(lambda: self._steps.send(response))
            return 0.0 if self._request is None else self._request.after
        if attempt.verdict in {Verdict.RENEWED, Verdict.UNSENT}:
            return 0.0
        if self.troubled_since is None:
            self.troubled_since = now
        if attempt.verdict is Verdict.THROTTLED:
            return self._throttled(attempt, now)
        return self._fault(attempt)

    def ask_alone(self) -> None:
        """Record that a joint look-up gave no result for this contact."""
        self._throttled_since = None
        self._advance(lambda: self._steps.throw(AskAloneError()))

    def _throttled(self, attempt: Attempt, now: float) -> float:
        # The limiter does the waiting: a 429 delays all contacts, not only this one.
        if self._throttled_since is None:
            self._throttled_since = now
        if max(now - self._throttled_since, attempt.wait or 0.0) > self._policy.patience:
            self.gave_up_throttled = True
            self._give_up(attempt.problem)
        return 0.0

    def _fault(self, attempt: Attempt) -> float:
        self._throttled_since = None
        self._faults += 1
        if self._faults >= self._policy.tries:
            self._give_up(attempt.problem)
            return 0.0
        if not self.next_request.repeatable:
            self._advance(lambda: self._steps.throw(UnconfirmedError()))
        return max(next(self._delays), min(attempt.wait or 0.0, self._policy.patience))

    def _give_up(self, problem: str) -> None:
        self.gave_up = problem
        self._advance(lambda: self._steps.throw(GaveUpError(f"Given up: {problem}.")))

    def _advance(self, step: Callable[[], Request]) -> None:
        try:
            self._request = step()
        except StopIteration as end:
            self._request = None
            self.outcome = end.value
