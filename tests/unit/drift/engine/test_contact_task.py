"""One contact's tries: what is repeated, what is told to the flow, when it ends."""

from __future__ import annotations

import pytest

from dbt_drift.drift.engine.contact_task import ContactTask
from dbt_drift.drift.http.exchange import Attempt
from dbt_drift.drift.http.messages import Response
from dbt_drift.drift.http.retry_policy import RetryPolicy, Verdict
from tests.support.contact_script import BY_EMAIL, change, contact, found, steps_of

POLICY = RetryPolicy(tries=4, first_delay=1, longest_delay=10, patience=100)
FAULT = Attempt(Verdict.FAULT, problem="status 500 (internal_error)")
THROTTLED = Attempt(Verdict.THROTTLED, Response(status=429), "status 429 (rate_limit)")
OK = Attempt(Verdict.ANSWERED, Response(status=200))


def known() -> ContactTask:
    return ContactTask(steps_of(change(contact_id=7)), POLICY)


def about_to_create() -> ContactTask:
    task = ContactTask(steps_of(change()), POLICY)
    reads = task.next_request.reads
    assert reads is not None
    nobody = Response(status=200, data=reads.decode(found().body))
    task.receive(Attempt(Verdict.ANSWERED, nobody), 0)
    assert task.next_request.method == "POST"
    return task


def test_a_repeatable_request_is_repeated_as_it_was() -> None:
    task = known()
    first = task.next_request
    assert task.receive(FAULT, 0) <= 1
    assert task.next_request is first
    task.receive(OK, 1)
    assert task.outcome is not None
    assert task.outcome.status == "updated"


def test_a_create_is_looked_up_before_it_is_repeated() -> None:
    task = about_to_create()
    task.receive(FAULT, 0)
    assert f"{task.next_request.method} {task.next_request.target}" == BY_EMAIL
    reads = task.next_request.reads
    assert reads is not None
    data = reads.decode(found(contact(5, email="ada@example.com")).body)
    task.receive(Attempt(Verdict.ANSWERED, Response(status=200, data=data)), 1)
    assert task.outcome is not None
    assert task.outcome.status == "created"


def test_a_throttled_create_did_not_take_effect_and_is_repeated() -> None:
    task = about_to_create()
    task.receive(THROTTLED, 0)
    assert task.next_request.method == "POST"


def test_tries_are_counted_over_the_whole_contact() -> None:
    task = about_to_create()
    for _ in range(3):
        task.receive(FAULT, 0)
        assert task.outcome is None
    task.receive(FAULT, 0)
    assert task.outcome is not None
    assert (task.outcome.status, task.outcome.reason) == ("failed", "gave_up")
    assert task.outcome.message == "Given up: status 500 (internal_error)."
    with pytest.raises(RuntimeError):
        task.next_request  # noqa: B018 - the access is what raises


def test_a_429_is_no_try_but_has_an_end() -> None:
    task = known()
    for now in range(100):
        assert task.receive(THROTTLED, now) == 0
    assert task.gave_up == ""
    task.receive(THROTTLED, 101)
    assert task.outcome is not None
    assert task.gave_up_throttled


def test_a_wait_longer_than_our_patience_is_not_begun() -> None:
    task = known()
    task.receive(Attempt(Verdict.THROTTLED, Response(status=429), "status 429", wait=3600), 0)
    assert task.outcome is not None


def test_a_fault_that_says_when_to_come_back() -> None:
    assert known().receive(Attempt(Verdict.FAULT, Response(status=503), "status 503", wait=30), 0) == 30
