"""Drives a flow by hand: each step says which request is expected and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.drift.contact.change import ContactChange, Outcome
from dbt_drift.drift.contact.new_contacts import NewContacts
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.upsert import upsert
from dbt_drift.drift.http.messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.drift.contact.steps import Steps

Reply = Response | Exception
Step = tuple[str, Any, Reply]

EMAIL = "ada@example.com"
BY_EMAIL = "GET /contacts?email=ada%40example.com&limit=100"


def change(**differences: Any) -> ContactChange:
    """A change of one contact, new to us unless `differences` say otherwise."""
    values: dict[str, Any] = {"seq": 1, "key": EMAIL, "identity": {"email": EMAIL}, "attributes": {"email": EMAIL}}
    return ContactChange(**values | differences)


def contact(number: int, created_at: int = 0, **attributes: Any) -> dict[str, Any]:
    return {"id": number, "createdAt": created_at, "attributes": attributes}


def found(*contacts: dict[str, Any]) -> Response:
    return answer({"data": list(contacts)})


def one(held: dict[str, Any]) -> Response:
    return answer({"data": held})


def answer(document: Any = None, status: int = 200) -> Response:
    return Response(status=status, body=b"" if document is None else msgspec.json.encode(document))


def refusal(status: int, kind: str = "validation_error", message: str = "no") -> Response:
    return answer({"error": {"type": kind, "message": message}}, status)


def steps_of(
    wanted: ContactChange, organisation: Organisation | None = None, first: NewContacts | None = None
) -> Steps[Outcome]:
    """Return the steps of a change for the first contact of a run, unless told what was learnt before."""
    return upsert(wanted, organisation or Organisation(tags_seen=True), first or NewContacts())


def play(
    wanted: ContactChange, *steps: Step, organisation: Organisation | None = None, first: NewContacts | None = None
) -> Outcome:
    """Run the flow of a change through all of the steps, and return its outcome.

    A step is the request line, the JSON of the body (None for no body) and the reply.
    """
    flow = steps_of(wanted, organisation, first)
    try:
        request = next(flow)
        for line, body, reply in steps:
            assert f"{request.method} {request.target}" == line
            assert (None if request.body is None else msgspec.json.decode(request.body)) == body
            request = flow.throw(reply) if isinstance(reply, Exception) else flow.send(_decoded(request, reply))
    except StopIteration as end:
        outcome = end.value
        assert isinstance(outcome, Outcome)
        assert outcome.requests == len(steps), "the flow ended before the script did"
        return outcome
    raise AssertionError(f"unexpected: {request.method} {request.target}")


def _decoded(request: Request, reply: Response) -> Response:
    if request.reads is None or not reply.good:
        return reply
    return msgspec.structs.replace(reply, data=request.reads.decode(reply.body))


def facts(outcome: Outcome) -> Sequence[Any]:
    return outcome.status, outcome.contact_id, outcome.attributes_accepted, outcome.tags_accepted, outcome.reason
