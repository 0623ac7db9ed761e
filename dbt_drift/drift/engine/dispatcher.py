"""Many contacts at once: a bounded pool of threads that runs the contacts' steps within one rate limit.

A thread holds a contact only while a request is under way. Contacts that wait (for a slot or a retry) are in a queue,
so they never keep a thread from sending another. One of the idle threads, the leader, waits until the next time at
which something can be sent; the others sleep until they are needed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from dbt_drift.drift.contact.new_contacts import NewContacts
from dbt_drift.drift.contact.upsert import upsert
from dbt_drift.drift.engine.contact_task import ContactTask
from dbt_drift.drift.engine.joining import in_one, share_out
from dbt_drift.drift.engine.send_queue import SendQueue
from dbt_drift.drift.engine.statistics import Meter
from dbt_drift.drift.http.retry_policy import Verdict
from dbt_drift.errors import DriftAwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from dbt_drift.drift.contact.change import ContactChange, Outcome
    from dbt_drift.drift.contact.organisation import Organisation
    from dbt_drift.drift.contact.upsert import Flow
    from dbt_drift.drift.engine.statistics import Statistics
    from dbt_drift.drift.http.exchange import Attempt, Exchange
    from dbt_drift.drift.http.messages import Request
    from dbt_drift.drift.http.retry_policy import RetryPolicy

STOP_SECONDS = 10.0
"""Seconds that `stop` waits for requests under way. After SIGTERM, a scheduler usually waits 30 seconds, in which the
answers must also be recorded."""

_BACKLOG = 4
"""Number of changes per worker that are accepted before `submit` blocks."""


_ASK_AGAIN_SECONDS = 0.1
"""Seconds between checks whether the run holds the ledger lock again."""


class Dispatcher:
    """Brings many contacts at once to the state of the model. Created by `DriftClient.dispatcher`.

    Use it as a context manager: leaving it stops its threads. A single thread must submit and collect.

    Args:
        exchange: Sends the requests.
        policy: How often a request is tried.
        workers: Maximum number of concurrent requests.
        organisation: What the run knows about the Drift organisation.
        flow: The steps for each change.
        may_send: Returns whether the run still holds the ledger lock. No request starts while it returns False.

    Attributes:
        new_contacts: What the run knows about new contacts.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        policy: RetryPolicy,
        workers: int,
        organisation: Organisation,
        flow: Flow = upsert,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._exchange = exchange
        self._limiter = exchange.limiter
        self._policy = policy
        self._workers = workers
        self._organisation = organisation
        self._flow = flow
        self._may_send = may_send
        self.new_contacts = NewContacts()
        self._lock = threading.Lock()
        self._leader = threading.Condition(self._lock)
        self._followers = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)
        self._led = False
        self._following = 0
        self._threads: list[threading.Thread] = []
        self._queue = SendQueue()
        self._sending = 0
        self._open = 0
        self._outcomes: deque[Outcome] = deque()
        self._stopping = False
        self._fatal: BaseException | None = None
        self._meter = Meter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def open(self) -> int:
        """Number of submitted changes without an outcome."""
        with self._lock:
            return self._open

    @property
    def room(self) -> int:
        """Number of changes that `submit` accepts without blocking."""
        with self._lock:
            return self._room()

    def submit(self, change: ContactChange) -> None:
        """Submit a change; blocks while there is no room.

        After a fatal error or `stop`, changes are ignored without an error here: `collect` raises the error after it
        has returned all earlier outcomes.
        """
        steps = self._flow(change, self._organisation, self.new_contacts)
        task = ContactTask(steps, self._policy)
        with self._lock:
            self._news.wait_for(lambda: self._room() > 0 or self._closed())
            if self._closed():
                return
            if task.outcome is not None:
                self._outcomes.append(task.outcome)
                return
            self._open += 1
            self._queue.add(task, time.monotonic())
            self._wake()

    def collect(self, timeout: float | None = None) -> list[Outcome]:
        """Return the outcomes since the last call.

        Args:
            timeout: Seconds to wait for the first outcome; None to wait as long as any change is open.

        Returns:
            The outcomes; empty after the timeout or if nothing is open.

        Raises:
            DriftUnavailableError: Drift refuses every request, or cannot be reached. Raised after all earlier outcomes
                were returned and no request is under way.
        """
        with self._lock:
            self._news.wait_for(lambda: self._outcomes or self._at_rest(), timeout)
            outcomes = list(self._outcomes)
            self._outcomes.clear()
            if not outcomes and self._fatal is not None and not self._sending:
                raise self._fatal
            return outcomes

    def stop(self) -> None:
        """End the threads after their current requests. `collect` still returns the outcomes of these.

        A request that takes longer than `STOP_SECONDS` is abandoned: its effect is unknown, as if the run had been
        killed during the request.
        """
        with self._lock:
            self._stopping = True
            self._wake_all()
            threads = list(self._threads)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def statistics(self) -> Statistics:
        """Return the current statistics."""
        now = time.monotonic()
        with self._lock:
            return self._meter.statistics(
                now, sending=self._sending, quota=self._limiter.per_second, waiting=self._waiting(now)
            )

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            tasks, request = taken
            try:
                attempt = self._exchange.attempt(request)
                now = time.monotonic()
                due = [now + wait for wait in _receive(tasks, attempt, now)]
                with self._lock:
                    self._settle(tasks, request, attempt, due, now)
            except BaseException as error:  # noqa: BLE001 - a thread must not die unseen: the consumer gets it
                with self._lock:
                    self._fail(error)
            finally:
                with self._lock:
                    self._sending -= 1
                    if self._closed():
                        self._wake_all()

    def _take(self) -> tuple[list[ContactTask], Request] | None:
        """Wait for a request to send and a slot for it; returns None after the last one."""
        with self._lock:
            while not self._closed():
                now = time.monotonic()
                idle = not self._sending
                wait = self._queue.due_in(now, idle=idle) or self._barred() or self._limiter.reserve(now)
                if wait <= 0:
                    self._sending += 1
                    tasks = self._queue.take(now, idle=idle)
                    self._wake()
                    return tasks, in_one([one.next_request for one in tasks])
                self._rest(wait)
            return None

    # Callers of everything below hold the lock.

    def _settle(
        self, tasks: list[ContactTask], request: Request, attempt: Attempt, due: list[float], now: float
    ) -> None:
        """Queue or finish the tasks of a request after a try."""
        again = attempt.verdict is Verdict.FAULT and any(one.outcome is None for one in tasks)
        self._meter.count(attempt, now, again=again)
        if attempt.verdict is Verdict.FATAL and attempt.response is not None:
            self._fail(self._exchange.fatal_error(request, attempt.response))
            return
        for task, time_due in zip(tasks, due, strict=True):
            if task.outcome is None:
                self._queue.resume(task, time_due)
            elif task.gave_up and self._meter.outage(task):
                self._fail(_away(task.gave_up))
            else:
                self._open -= 1
                self._outcomes.append(task.outcome)
                self._news.notify()
            self._wake()

    def _fail(self, error: BaseException) -> None:
        self._fatal = self._fatal or error

    def _barred(self) -> float:
        return 0.0 if self._may_send() else _ASK_AGAIN_SECONDS

    def _rest(self, wait: float) -> None:
        """Sleep: the leader until something can be sent or has changed, the others until they are needed."""
        if self._led:
            self._following += 1
            self._followers.wait()
            self._following -= 1
        else:
            self._led = True
            self._leader.wait(wait if wait < threading.TIMEOUT_MAX else None)
            self._led = False

    def _wake(self) -> None:
        """Make a thread check the queue: the leader, else an idle thread, else a new one."""
        if self._led:
            self._leader.notify()
        elif self._following:
            self._followers.notify()
        elif self._queue and not self._closed() and len(self._threads) < self._workers:
            # A daemon thread, so that a hanging request does not keep the process alive.
            thread = threading.Thread(target=self._work, name=f"dbt-drift-{len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _wake_all(self) -> None:
        self._leader.notify_all()
        self._followers.notify_all()
        self._news.notify_all()

    def _room(self) -> int:
        return max(0, self._workers * _BACKLOG - self._open)

    def _closed(self) -> bool:
        """Whether no further request may start."""
        return self._fatal is not None or self._stopping

    def _at_rest(self) -> bool:
        return not self._open or (self._closed() and not self._sending)

    def _waiting(self, now: float) -> str:
        if self._limiter.paused(now):
            return "Drift asked to slow down (429)"
        if not self._may_send():
            return "asking the ledger whether its lock is still this run's"
        if self._sending or not self._queue:
            return ""
        if self._queue.due_in(now, idle=not self._sending) <= 0:
            return "the rate limit is used up"
        return f"trying again after: {self._meter.problem}"


def _receive(tasks: list[ContactTask], attempt: Attempt, now: float) -> list[float]:
    """Pass each task its part of the answer; returns each task's delay in seconds."""
    if attempt.verdict is Verdict.FATAL:
        return [0.0] * len(tasks)
    if len(tasks) == 1:
        return [tasks[0].receive(attempt, now)]
    parts = share_out(attempt, [one.next_request for one in tasks])
    if parts is None:
        for task in tasks:
            task.ask_alone()
        return [0.0] * len(tasks)
    return [one.receive(part, now) for one, part in zip(tasks, parts, strict=True)]


def _away(problem: str) -> DriftAwayError:
    return DriftAwayError(
        f"Drift does not answer: {problem}, after all tries.",
        advice="What Drift has accepted is kept: run again when it is back. Look at DRIFT_API_URL and the network too.",
    )
