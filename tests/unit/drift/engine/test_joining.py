"""Look-ups by externalId that go out together, against the sandbox over HTTP."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from dbt_drift.drift.engine import send_queue as queue
from dbt_drift.drift.engine.contact_task import ContactTask
from dbt_drift.drift.engine.joining import in_one, share_out
from dbt_drift.drift.engine.send_queue import SendQueue
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.exchange import Attempt
from dbt_drift.drift.http.messages import Response
from dbt_drift.drift.http.retry_policy import RetryPolicy, Verdict
from dbt_drift.sandbox.behaviour import Behaviour, Fault
from dbt_drift.sandbox.server import Sandbox
from tests.support.contact_script import change, contact, steps_of
from tests.unit.drift.engine.test_dispatcher import PERSISTENT, client, deliver, email

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.drift.contact.change import ContactChange, Outcome


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        yield sandbox


def person(number: int, **differences: Any) -> ContactChange:
    identity = {"email": email(number), "externalId": f"c-{number}"}
    values = {"seq": number, "key": f"c-{number}", "match_on": "externalId", "identity": identity}
    return change(**values | {"attributes": {**identity, "name": "Ada"}} | differences)


def seed(sandbox: Sandbox, numbers: range) -> None:
    sandbox.seed({"email": email(number), "externalId": f"c-{number}"} for number in numbers)


def send(sandbox: Sandbox, numbers: range) -> list[Outcome]:
    with client(sandbox.url, policy=PERSISTENT) as drift, drift.dispatcher() as dispatcher:
        return deliver(dispatcher, (person(number) for number in numbers))


def test_known_contacts_cost_hardly_more_than_their_update(sandbox: Sandbox) -> None:
    seed(sandbox, range(1000))
    outcomes = send(sandbox, range(1000))
    assert {outcome.status for outcome in outcomes} == {"updated"}
    counts = sandbox.counts()
    assert counts["PATCH", "/contacts/{id}", 200] == 1000
    assert counts["GET", "/contacts", 200] <= 50
    assert {contact.attributes["name"] for contact in sandbox.contacts()} == {"Ada"}


def test_those_that_are_missing_are_looked_up_by_email_and_made(sandbox: Sandbox) -> None:
    seed(sandbox, range(0, 200, 2))
    outcomes = send(sandbox, range(200))
    assert collections.Counter(outcome.status for outcome in outcomes) == {"updated": 100, "created": 100}
    held = sandbox.contacts()
    assert sorted(str(contact.attributes["externalId"]) for contact in held) == sorted(f"c-{n}" for n in range(200))


@pytest.mark.parametrize("status", [400, 404, 414])
def test_where_drift_refuses_joint_look_ups_each_is_looked_up_alone(sandbox: Sandbox, status: int) -> None:
    seed(sandbox, range(200))
    # The first look-up finds nobody to go with.
    sandbox.change(faults=[Fault(status=status, method="GET", path="/contacts", skip=1, count=1)])
    with client(sandbox.url, policy=PERSISTENT) as drift, drift.dispatcher() as dispatcher:
        outcomes = deliver(dispatcher, (person(number) for number in range(200)))
    assert {outcome.status for outcome in outcomes} == {"updated"}
    assert len(sandbox.contacts()) == 200


def test_faults_are_tried_again(sandbox: Sandbox) -> None:
    seed(sandbox, range(300))
    faults = [Fault(status=502, rate=0.3, method="GET"), Fault(effect="cut", rate=0.2, method="GET")]
    sandbox.change(faults=faults)
    outcomes = send(sandbox, range(300))
    assert {outcome.status for outcome in outcomes} == {"updated"}
    assert len(outcomes) == 300


def attempt(document: Any, status: int = 200) -> Attempt:
    body = msgspec.json.encode(document)
    data = endpoints.find_by_external_id("x").reads.decode(body) if status == 200 else None  # type: ignore[union-attr]
    return Attempt(Verdict.ANSWERED, Response(status=status, body=body, data=data))


REQUESTS = [endpoints.find_by_external_id(external_id, joint=True) for external_id in ("a b", "2", "c")]


def test_several_go_out_in_one_address() -> None:
    joint = in_one(REQUESTS)
    assert parse_qs(urlsplit(joint.target).query) == {"idType": ["external"], "id": ["a b", "2", "c"], "limit": ["3"]}
    assert in_one(REQUESTS[:1]) is REQUESTS[0]


def test_each_gets_its_part_of_the_answer() -> None:
    parts = share_out(attempt({"data": [contact(7, externalId="c"), contact(8, externalId=2)]}), REQUESTS)
    assert parts is not None
    found = [endpoints.contacts_in(part.response.data) for part in parts if part.response is not None]
    assert [[one.id for one in contacts] for contacts in found] == [[], [8], [7]]


@pytest.mark.parametrize(
    "unclear",
    [attempt({"data": [contact(7, externalId="other")]}), attempt({"data": [contact(7)]}), attempt({}, status=404)],
    ids=["somebody else", "no externalId", "refused"],
)
def test_an_answer_that_does_not_tell_whose_it_is(unclear: Attempt) -> None:
    assert share_out(unclear, REQUESTS) is None


def test_long_external_ids_go_alone() -> None:
    assert endpoints.find_by_external_id("x" * 64, joint=True).joint
    assert endpoints.find_by_external_id("ü" * 12, joint=True).joint is None


class TestGathering:
    def tasks(self, count: int) -> list[ContactTask]:
        return [ContactTask(steps_of(person(number)), RetryPolicy()) for number in range(count)]

    def test_few_wait_for_others_while_something_is_under_way(self) -> None:
        waiting = SendQueue()
        for task in self.tasks(3):
            waiting.add(task, now=5.0)
        assert waiting.due_in(5.25, idle=False) == queue.LINGER - 0.25
        assert waiting.due_in(5.25, idle=True) == 0
        assert waiting.due_in(5.0 + queue.LINGER, idle=False) == 0
        assert len(waiting.take(5.25, idle=True)) == 3
        assert not waiting

    def test_many_go_at_once(self) -> None:
        waiting = SendQueue()
        for task in self.tasks(70):
            waiting.add(task, now=5.0)
        assert waiting.due_in(5.0, idle=False) == 0
        assert len(waiting.take(5.0, idle=False)) == endpoints.MOST_JOINED
        assert waiting.due_in(5.0, idle=False) == queue.LINGER
