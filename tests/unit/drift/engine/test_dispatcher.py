"""Many contacts at once, against the sandbox over HTTP."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.drift.contact.change import ContactChange, Outcome
from dbt_drift.drift.engine import dispatcher as dispatching
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.drift.http.transport import Timeouts
from dbt_drift.errors import DriftUnavailableError
from dbt_drift.sandbox.behaviour import Behaviour, Fault
from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dbt_drift.drift.engine.dispatcher import Dispatcher

TOKEN = AccessToken("s3cret-token")
QUICK = RetryPolicy(tries=12, first_delay=0.002, longest_delay=0.02)

# Faults by chance must not use up anybody's tries.
PERSISTENT = RetryPolicy(tries=200, first_delay=0.002, longest_delay=0.02)
create_fault = functools.partial(Fault, method="POST", path="/contacts")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        yield sandbox


def client(
    url: str,
    *,
    limiter: RateLimiter | None = None,
    policy: RetryPolicy = QUICK,
    workers: int = 16,
    timeouts: Timeouts | None = None,
) -> DriftClient:
    limiter = limiter or RateLimiter(None)
    client = DriftClient(url, TOKEN, limiter=limiter, policy=policy, workers=workers, timeouts=timeouts)
    client.tags_were_seen()
    return client


def email(number: int) -> str:
    return f"person{number}@example.com"


def new(number: int, **differences: Any) -> ContactChange:
    identity = {"email": email(number)}
    values: dict[str, Any] = {"seq": number, "key": email(number), "identity": identity}
    values |= {"attributes": {**identity, "name": f"Person {number}"}, "add_tags": ("VIP",)}
    return ContactChange(**values | differences)


def deliver(dispatcher: Dispatcher, changes: Iterable[ContactChange]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for change in changes:
        dispatcher.submit(change)
        if not dispatcher.room:
            outcomes += dispatcher.collect()
    while dispatcher.open:
        outcomes += dispatcher.collect()
    return outcomes + dispatcher.collect(0)


def deliver_into(outcomes: list[Outcome], dispatcher: Dispatcher, most: int) -> None:
    """Keep what came before an error."""
    for number in range(most):
        dispatcher.submit(new(number))
        outcomes += dispatcher.collect(0)
    while dispatcher.open:
        outcomes += dispatcher.collect()


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("dbt-drift-")]


def test_every_contact_once(sandbox: Sandbox) -> None:
    with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
        outcomes = deliver(dispatcher, (new(number) for number in range(300)))
        statistics = dispatcher.statistics()
    assert sorted(outcome.seq for outcome in outcomes) == list(range(300))
    # Looked up first, until it is clear that Drift has nobody; from then on created at once.
    # One contact is looked at, to see that the tag is there.
    assert {(outcome.status, outcome.requests) for outcome in outcomes} <= {("created", n) for n in (2, 3, 4)}
    assert 600 < statistics.requests < 700
    held = sandbox.contacts()
    assert len(held) == 300
    assert all(set(contact.tags) == {"VIP"} for contact in held)
    assert statistics.requests == sum(outcome.requests for outcome in outcomes)
    assert statistics.statuses == {200: statistics.requests}
    assert statistics.sending == statistics.retries == statistics.throttled == 0
    assert statistics.rate > 0


def test_a_second_run_sends_one_request_each_and_writes_nothing(sandbox: Sandbox) -> None:
    with client(sandbox.url) as drift:
        with drift.dispatcher() as dispatcher:
            deliver(dispatcher, (new(number) for number in range(50)))
        with drift.dispatcher() as dispatcher:
            again = deliver(dispatcher, (new(number) for number in range(50)))
    assert {(outcome.status, outcome.requests) for outcome in again} == {("matched", 1)}


def test_a_change_without_anything_to_do_has_its_outcome_at_once(sandbox: Sandbox) -> None:
    with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
        (outcome,) = deliver(dispatcher, [new(1, contact_id=5, attributes={}, add_tags=())])
    assert outcome.status == "matched"
    assert sandbox.counts() == {}


FAULTS = {
    "errors before the write": Fault(status=500, rate=0.3),
    "errors after the write": Fault(status=502, body="<html>", rate=0.3, applied=True),
    "resets before the write": Fault(effect="reset", rate=0.3),
    "resets after the write": Fault(effect="reset", rate=0.3, applied=True),
    "cut answers": Fault(effect="cut", rate=0.3),
    "429": Fault(status=429, rate=0.1),
    "429 with a wait": Fault(status=429, retry_after=0, rate=0.1),
    "every create answered by a gateway that gave up": create_fault(status=504, applied=True),
    "every create reset after the write": create_fault(effect="reset", applied=True),
    "cut answers to creates": create_fault(effect="cut", rate=0.3),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("external", [False, True], ids=["email", "externalId"])
def test_nothing_is_made_twice_and_everything_arrives(
    sandbox: Sandbox, fault: Fault, monkeypatch: pytest.MonkeyPatch, *, external: bool
) -> None:
    monkeypatch.setattr("dbt_drift.drift.http.limiter._FIRST_PAUSE", 0.001)
    sandbox.change(faults=[fault])

    def change(number: int) -> ContactChange:
        identity = {"email": email(number), "externalId": f"c-{number}"}
        attributes = {**identity, "name": "Ada"}
        return new(number, match_on="externalId", identity=identity, attributes=attributes) if external else new(number)

    with client(sandbox.url, policy=PERSISTENT) as drift, drift.dispatcher() as dispatcher:
        outcomes = deliver(dispatcher, (change(number) for number in range(60)))
    # Who created a contact that nobody had looked for, and whose creation nobody confirmed, is not known.
    assert {outcome.status for outcome in outcomes} <= ({"created"} if external else {"created", "updated"})
    held = sandbox.contacts()
    assert sorted(str(contact.email) for contact in held) == sorted(email(number) for number in range(60))
    assert all(set(contact.tags) == {"VIP"} for contact in held)
    assert {outcome.contact_id for outcome in outcomes} == {contact.id for contact in held}


def test_a_contact_that_keeps_failing_costs_one_row(sandbox: Sandbox) -> None:
    (poison,) = sandbox.seed([{"attributes": {"email": email(0)}}])
    sandbox.change(faults=[Fault(status=500, method="PATCH", path=f"/contacts/{poison}")])
    with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
        outcomes = deliver(dispatcher, [new(0, contact_id=poison), *(new(number) for number in range(1, 40))])
        assert dispatcher.statistics().retries == QUICK.tries - 1
    by_seq = {outcome.seq: outcome for outcome in outcomes}
    assert (by_seq[0].status, by_seq[0].reason) == ("failed", "gave_up")
    assert {by_seq[number].status for number in range(1, 40)} == {"created"}


def test_refused_rows_cost_themselves(sandbox: Sandbox) -> None:
    sandbox.change(attribute_types="checked")
    bad = new(0, attributes={"email": ""}, identity={"email": ""})
    with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
        outcomes = deliver(dispatcher, [bad, new(1)])
    assert {outcome.seq: outcome.status for outcome in outcomes} == {0: "rejected", 1: "created"}


class TestRateLimit:
    def test_the_limit_is_kept_and_used(self) -> None:
        behaviour = Behaviour(rate_limit=40, rate_window_s=1, latency_ms=30, latency_jitter_ms=20)
        with Sandbox(behaviour=behaviour) as sandbox, client(sandbox.url, limiter=RateLimiter(40, 1.0)) as drift:
            with drift.dispatcher() as dispatcher:
                outcomes = deliver(dispatcher, (new(number) for number in range(30)))
                assert dispatcher.statistics().throttled == 0
            assert len(outcomes) == 30
            assert not sandbox.requests(status=429)

    @pytest.mark.parametrize("hint", ["none", "retry-after", "ratelimit-reset"])
    def test_a_limit_that_nobody_told_us_of_is_waited_out(self, hint: str) -> None:
        behaviour = Behaviour(rate_limit=20, rate_window_s=0.5).changed({"rate_hint": hint})
        with Sandbox(behaviour=behaviour) as sandbox, client(sandbox.url, limiter=RateLimiter(1000, 0.5)) as drift:
            with drift.dispatcher() as dispatcher:
                outcomes = deliver(dispatcher, (new(number) for number in range(20)))
            assert {outcome.status for outcome in outcomes} == {"created"}
            assert len(sandbox.contacts()) == 20

    def test_nothing_but_429_ends_the_run(self, sandbox: Sandbox) -> None:
        sandbox.change(faults=[Fault(status=429, retry_after=9999)])
        with (
            client(sandbox.url) as drift,
            drift.dispatcher() as dispatcher,
            pytest.raises(DriftUnavailableError, match="429"),
        ):
            deliver(dispatcher, (new(number) for number in range(20)))
        assert len(sandbox.requests()) <= 16


class TestFatal:
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_token_that_is_refused_in_the_middle(self, sandbox: Sandbox, status: int) -> None:
        sandbox.change(faults=[Fault(status=status, skip=100)])
        outcomes: list[Outcome] = []
        with client(sandbox.url, workers=8) as drift, drift.dispatcher() as dispatcher:
            with pytest.raises(DriftUnavailableError, match=r"dev\.drift\.com") as error:
                deliver_into(outcomes, dispatcher, 2000)
            assert dispatcher.statistics().sending == 0
        # What was accepted was handed out first, and nothing was begun after the refusal.
        done = {contact.id for contact in sandbox.contacts() if set(contact.tags) == {"VIP"}}
        assert {outcome.contact_id for outcome in outcomes} == done
        assert len(sandbox.requests()) <= 100 + 8
        assert "s3cret" not in str(error.value)

    def test_a_missing_scope_is_named(self, sandbox: Sandbox) -> None:
        sandbox.change(faults=[create_fault(status=403)])
        with (
            client(sandbox.url) as drift,
            drift.dispatcher() as dispatcher,
            pytest.raises(DriftUnavailableError, match=r"(?s)POST /contacts .*scope contact_write"),
        ):
            deliver(dispatcher, [new(1)])

    def test_nobody_there(self, sandbox: Sandbox) -> None:
        with (
            client(sandbox.url.replace("127.0.0.1", "127.0.0.2")) as drift,
            drift.dispatcher() as dispatcher,
            pytest.raises(DriftUnavailableError, match="connection refused"),
        ):
            deliver(dispatcher, [new(1)])

    def test_everybody_gets_500(self, sandbox: Sandbox) -> None:
        sandbox.change(faults=[Fault(status=500)])
        outcomes: list[Outcome] = []
        with (
            client(sandbox.url, workers=4) as drift,
            drift.dispatcher() as dispatcher,
            pytest.raises(DriftUnavailableError, match="500"),
        ):
            deliver_into(outcomes, dispatcher, 1000)
        assert {outcome.reason for outcome in outcomes} == {"gave_up"}
        assert len(outcomes) < 10

    def test_silence_is_not_endless(self, sandbox: Sandbox) -> None:
        sandbox.change(faults=[Fault(effect="delay", delay_ms=2000)])
        timeouts = Timeouts(read=0.02)
        policy = RetryPolicy(tries=2, first_delay=0.001)
        with (
            client(sandbox.url, timeouts=timeouts, policy=policy) as drift,
            drift.dispatcher() as dispatcher,
            pytest.raises(DriftUnavailableError, match=r"no answer within 0\.02 s"),
        ):
            deliver(dispatcher, [new(1)])

    def test_an_error_of_our_own_is_not_swallowed(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("dbt_drift.drift.engine.contact_task.ContactTask.receive", broken)
        with client(sandbox.url) as drift, drift.dispatcher() as dispatcher, pytest.raises(ZeroDivisionError):
            deliver(dispatcher, [new(1)])


class TestEnding:
    def test_stop_ends_with_the_requests_under_way(self, sandbox: Sandbox) -> None:
        sandbox.change(latency_ms=20)
        with client(sandbox.url, workers=4) as drift, drift.dispatcher() as dispatcher:
            for number in range(16):
                dispatcher.submit(new(number))
            dispatcher.stop()
            outcomes = dispatcher.collect()
        assert len(outcomes) < 16
        assert not our_threads()
        assert len(sandbox.requests()) <= 3 * 16

    def test_stop_waits_for_a_request_under_way_and_not_for_ever(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dispatching, "STOP_SECONDS", 0.2)
        sandbox.change(faults=[Fault(effect="delay", delay_ms=2000)])
        with client(sandbox.url, workers=2) as drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1))
            while not sandbox.requests():
                assert dispatcher.collect(0.01) == []
            began = time.monotonic()
            dispatcher.stop()
            assert time.monotonic() - began < 1.5
            assert dispatcher.collect() == []
        assert all(thread.daemon for thread in our_threads())
        for thread in our_threads():
            thread.join()
        assert len(sandbox.requests()) == 1

    def test_a_retry_in_the_far_future_does_not_hold_it_up(self, sandbox: Sandbox) -> None:
        sandbox.change(faults=[Fault(status=503, retry_after=600)])
        with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1))
            while not dispatcher.statistics().waiting.startswith("trying again after: status 503"):
                assert dispatcher.collect(0.01) == []
        assert not our_threads()

    def test_after_the_end_nothing_is_taken(self, sandbox: Sandbox) -> None:
        with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
            dispatcher.stop()
            dispatcher.submit(new(1))
            assert dispatcher.collect() == []
        assert sandbox.counts() == {}

    def test_an_error_of_the_consumer_leaves_no_thread(self, sandbox: Sandbox) -> None:
        def consume() -> None:
            with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
                dispatcher.submit(new(1))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            consume()
        assert not our_threads()

    def test_no_thread_starts_after_the_stop(self, sandbox: Sandbox) -> None:
        sandbox.change(latency_ms=300)
        with client(sandbox.url) as drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1))
            while not dispatcher.statistics().sending:
                assert dispatcher.collect(0.01) == []
            dispatcher.stop()  # the contact has another request to send, and nobody will
            assert len(dispatcher._threads) == 1


class TestMaySend:
    def test_while_the_run_may_not_send_everything_waits(self, sandbox: Sandbox) -> None:
        may_send = threading.Event()
        limiter = RateLimiter(None)
        drift = DriftClient(sandbox.url, TOKEN, limiter=limiter, policy=QUICK, may_send=may_send.is_set)
        with drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1))
            assert dispatcher.collect(0.3) == []
            assert not sandbox.requests()
            assert dispatcher.statistics().waiting.startswith("asking the ledger")
            may_send.set()
            (outcome,) = dispatcher.collect()
        assert outcome.status == "created"

    @pytest.mark.parametrize("steps", range(4))
    def test_a_contact_stops_between_any_two_steps(self, sandbox: Sandbox, steps: int) -> None:
        """Looked up, made, tagged, looked at: after so many of them the run may not send for a while."""
        allowed = threading.Event()

        def may_send() -> bool:
            return len(sandbox.requests()) < steps or allowed.is_set()

        drift = DriftClient(sandbox.url, TOKEN, limiter=RateLimiter(None), policy=QUICK, may_send=may_send)
        with drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1))
            assert dispatcher.collect(0.5) == []
            assert len(sandbox.requests()) == steps
            allowed.set()
            (outcome,) = dispatcher.collect()
        assert (outcome.status, outcome.requests, len(sandbox.requests())) == ("created", 4, 4)

    def test_what_was_about_to_go_out_does_not(self, sandbox: Sandbox) -> None:
        """The run learns of it between the dispatcher's look and the wire: as if the machine had slept in between."""
        (contact_id,) = sandbox.seed([{"email": email(1)}])
        asked: list[bool] = []
        allowed = threading.Event()

        def may_send() -> bool:
            asked.append(allowed.is_set() or not asked)
            return asked[-1]

        drift = DriftClient(sandbox.url, TOKEN, limiter=RateLimiter(None), policy=QUICK, may_send=may_send)
        with drift, drift.dispatcher() as dispatcher:
            dispatcher.submit(new(1, contact_id=contact_id, add_tags=()))
            assert dispatcher.collect(0.5) == []
            assert not sandbox.requests()
            allowed.set()
            (outcome,) = dispatcher.collect()
        assert (outcome.status, [request.method for request in sandbox.requests()]) == ("updated", ["PATCH"])


def test_waiting_retries_do_not_hold_the_workers(sandbox: Sandbox) -> None:
    """Far more contacts wait for their retry than there are workers, and the others are delivered meanwhile."""
    slow = [new(number, contact_id=number + 1) for number in range(20)]
    sandbox.change(faults=[Fault(status=503, retry_after=600, method="PATCH")])
    with client(sandbox.url, workers=6) as drift, drift.dispatcher() as dispatcher:
        for change in slow:
            dispatcher.submit(change)
        for number in range(100, 104):
            dispatcher.submit(new(number))
        outcomes = list[Outcome]()
        while len(outcomes) < 4:
            outcomes += dispatcher.collect()
        assert dispatcher.open == 20
    assert {outcome.seq for outcome in outcomes} == {100, 101, 102, 103}


def test_submit_blocks_when_there_is_no_room(sandbox: Sandbox) -> None:
    sandbox.change(faults=[Fault(status=503, retry_after=600)])
    with client(sandbox.url, workers=2) as drift, drift.dispatcher() as dispatcher:
        for number in range(8):
            dispatcher.submit(new(number))
        assert dispatcher.room == 0
        waiting = _in_thread(lambda: dispatcher.submit(new(8)))
        assert dispatcher.open == 8
        dispatcher.stop()
        waiting.join()


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
