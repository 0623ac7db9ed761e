"""Many contacts at once: a bounded pool of threads that works off flows, under one rate limit.

A thread holds a contact only while a request is under way. Contacts that wait (for a slot, for a retry) are in a
queue, and so never keep a thread from sending another. Of the idle threads one, the leader, waits for the next point
in time at which something can be sent; the others sleep until they are needed.
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
from dbt_drift.errors import DriftUnavailableError

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
"""How long `stop` waits for requests under way. A scheduler that has sent SIGTERM mostly waits for 30 seconds, in which
the answers that came have to be written down."""

_BACKLOG = 4
"""How many changes per worker are taken in before `submit` blocks."""


_ASK_AGAIN_SECONDS = 0.1
"""How often it is asked whether a run that is not certain to have its ledger is certain again."""


class Dispatcher:
    """Brings contacts to what the model says, many at once. Made by `DriftClient.dispatcher`.

    Used as a context manager: leaving it stops, and the threads are gone. One thread submits and collects.

    Args:
        exchange: Sends the requests.
        policy: How often a request is tried.
        workers: The most requests under way at once.
        organisation: What is known of Drift's ways.
        flow: What is done about each change.
        may_send: Whether the run is certain to have its ledger still; nothing is begun while it is not.

    Attributes:
        new_contacts: What is known of the contacts that are new to us.
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
        """How many changes were submitted and have no outcome yet."""
        with self._lock:
            return self._open

    @property
    def room(self) -> int:
        """How many changes `submit` takes without blocking."""
        with self._lock:
            return self._room()

    def submit(self, change: ContactChange) -> None:
        """Take a change; blocks while there is no room.

        After a fatal error or `stop` nothing is taken any more, and nothing is said of it here: `collect` raises the
        error once all outcomes before it are handed out.
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
            timeout: How many seconds to wait for the first; None for as long as anything is open.

        Returns:
            The outcomes; none when the time is up or nothing is open.

        Raises:
            DriftUnavailableError: Drift refuses every request, or cannot be reached. Raised when every outcome before
                it was handed out and no request is under way any more.
        """
        with self._lock:
            self._news.wait_for(lambda: self._outcomes or self._at_rest(), timeout)
            outcomes = list(self._outcomes)
            self._outcomes.clear()
            if not outcomes and self._fatal is not None and not self._sending:
                raise self._fatal
            return outcomes

    def stop(self) -> None:
        """End the threads when their requests under way have ended; what they bring can be collected afterwards.

        A request that takes longer than `STOP_SECONDS` is left to itself: what becomes of it is not known, as if the
        run had been killed in it.
        """
        with self._lock:
            self._stopping = True
            self._wake_all()
            threads = list(self._threads)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def statistics(self) -> Statistics:
        """Return the figures of this moment."""
        now = time.monotonic()
        with self._lock:
            return self._meter.statistics(now, sending=self._sending, waiting=self._waiting(now))

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
        """Wait for something to send and a slot for it; None when there will be nothing more."""
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

    # All below is called with the lock held.

    def _settle(
        self, tasks: list[ContactTask], request: Request, attempt: Attempt, due: list[float], now: float
    ) -> None:
        """Put the tasks of a request where they belong after a try."""
        again = attempt.verdict is Verdict.FAULT and any(one.outcome is None for one in tasks)
        self._meter.count(attempt, now, again=again)
        if attempt.verdict is Verdict.FATAL and attempt.response is not None:
            self._fail(self._exchange.fatal_error(request, attempt.response))
            return
        for task, time_due in zip(tasks, due, strict=True):
            if task.outcome is None:
                self._queue.resume(task, time_due)
            elif task.gave_up and self._meter.outage(task):
                self._fail(_unavailable(task.gave_up))
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
        """Sleep: the leader until something can be sent or has changed, a follower until it is needed."""
        if self._led:
            self._following += 1
            self._followers.wait()
            self._following -= 1
        else:
            self._led = True
            self._leader.wait(wait if wait < threading.TIMEOUT_MAX else None)
            self._led = False

    def _wake(self) -> None:
        """See to it that somebody looks at the queue: the leader, else an idle thread, else a new one."""
        if self._led:
            self._leader.notify()
        elif self._following:
            self._followers.notify()
        elif self._queue and len(self._threads) < self._workers:
            # A daemon, so that a request that does not end does not keep the process from ending.
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
    """Let each task take in its part of the answer; returns in how many seconds each goes on."""
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


def _unavailable(problem: str) -> DriftUnavailableError:
    return DriftUnavailableError(
        f"Drift does not answer: {problem}, after all tries.",
        advice="What Drift has accepted is kept: run again when it is back. Look at DRIFT_API_URL and the network too.",
    )
