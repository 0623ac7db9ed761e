"""Whatever comes back over the wire: a contact gets its outcome, or the run its error. Never another exception."""

from __future__ import annotations

import gzip
import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.contact.upsert import Flow, look_up, upsert
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.drift.http.transport import Timeouts
from dbt_drift.errors import DriftUnavailableError
from tests.support.wire_server import RESET, WireServer, http

EMAIL = "ada@example.com"
NULL = msgspec.Raw(b"null")
HASTY = RetryPolicy(tries=3, first_delay=0.001, longest_delay=0.002, patience=0.05)

# What stands for these in a document is replaced by them when it is JSON: no encoder writes them.
UNREADABLE = {
    "<too deep>": b"[" * 100_000 + b"]" * 100_000,
    "<deep>": b'{"a":' * 700 + b"1" + b"}" * 700,
    "<too large>": b"1e999",
    "<many digits>": b"9" * 5000,
    "<small exponent>": b"0.1e-99999999999999999999",
    "<no UTF-8>": b'"\xff"',
    "<no UTF-8 in a key>": b'{"\xff":1}',
    "<half a character>": b'"\\ud800"',
    "<NUL>": b'"\\u0000"',
    "<no number>": b"NaN",
}


def encoded(document: object) -> bytes:
    body = msgspec.json.encode(document)
    for name, value in UNREADABLE.items():
        body = body.replace(b'"%s"' % name.encode(), value)
    return body


SCALARS = (
    st.sampled_from(list(UNREADABLE))
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
CONTACTS = st.fixed_dictionaries(
    {"id": st.integers(1, 3) | ANYTHING},
    optional={
        "createdAt": st.integers(0, 2**41) | ANYTHING,
        "attributes": st.fixed_dictionaries(
            {},
            optional={
                "email": st.just(EMAIL) | ANYTHING,
                "externalId": st.just("c1") | ANYTHING,
                "tags": ANYTHING,
                "name": ANYTHING,
                "score": ANYTHING,
            },
        )
        | ANYTHING,
    },
)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries({"data": CONTACTS}),
    st.fixed_dictionaries({"data": st.lists(CONTACTS, max_size=3)}),
    st.fixed_dictionaries({"error": st.fixed_dictionaries({}, optional={"type": ANYTHING, "message": ANYTHING})}),
    ANYTHING,
)
BODIES = st.one_of(
    DOCUMENTS.map(encoded),
    DOCUMENTS.map(lambda document: encoded(document)[:-2]),
    st.binary(max_size=40),
    st.just(b"<html><body>502 Bad Gateway</body></html>"),
)
WAITS = ("0", "-1", "nan", "soon", "1e400", "Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 99999999999999999999 Jan 2020 1:1:1")
STATUSES = st.sampled_from([200, 200, 200, 200, 201, 202, 204, 400, 404, 404, 409, 409, 422, 500, 503, 401, 403, 302])
ANSWERS = st.one_of(
    st.builds(http, STATUSES, BODIES),
    st.builds(lambda body: http(429, body, "Retry-After: 0"), BODIES),
    st.builds(lambda wait: http(503, b"", f"Retry-After: {wait}"), st.sampled_from(WAITS)),
    st.just(http(200, gzip.compress(b"{}"), "Content-Encoding: gzip")),
    st.just(RESET),
    st.binary(min_size=1, max_size=30).map(lambda noise: noise + b"\r\nConnection: close\r\n\r\n"),
)
CHANGES = st.builds(
    dict[str, Any],
    contact_id=st.none() | st.just(1),
    match_on=st.sampled_from(["email", "externalId"]),
    identity=st.sampled_from([{"email": EMAIL}, {"email": EMAIL, "externalId": "c1"}]),
    attributes=st.sampled_from(
        [{}, {"name": "Ada", "score": msgspec.Raw(b"5")}, {"email": EMAIL, "externalId": "c1", "score": NULL}]
    ),
    fill_only=st.sampled_from([frozenset[str](), frozenset({"name"})]),
    add_tags=st.sampled_from([(), ("VIP",)]),
    remove_tags=st.sampled_from([(), ("Lead",)]),
    create_missing=st.booleans(),
)


@given(change=CHANGES, answers=st.lists(ANSWERS, min_size=1, max_size=6), flow=st.sampled_from([upsert, look_up]))
@settings(max_examples=120, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_any_answer_is_survived(change: dict[str, Any], answers: list[bytes], flow: Flow) -> None:
    timeouts = Timeouts(connect=1, read=1)
    with WireServer(itertools.cycle(answers)) as server:
        client = DriftClient(
            server.url, AccessToken("secret"), limiter=RateLimiter(None), policy=HASTY, workers=1, timeouts=timeouts
        )
        with client, client.dispatcher(flow) as dispatcher:
            dispatcher.submit(ContactChange(seq=7, key=EMAIL, **change))
            try:
                (outcome,) = dispatcher.collect()
            except DriftUnavailableError:
                return  # what the run makes of it is shown elsewhere
            assert outcome.seq == 7
            assert bool(outcome.reason) == (outcome.status in {"missing", "rejected", "failed"})


@pytest.mark.parametrize("flow", [upsert, look_up])
@pytest.mark.parametrize("value", UNREADABLE)
@pytest.mark.parametrize("name", ["email", "externalId", "tags", "name", "score"])
def test_one_contact_that_cannot_be_read_costs_one_row(value: str, name: str, flow: Flow) -> None:
    """The first answer holds it, all others are as they should be."""
    held = {"email": EMAIL, "name": "Ada", "score": 5}
    odd = encoded({"data": [{"id": 7, "attributes": {**held, name: value}}]})
    good = encoded({"data": {"id": 7, "attributes": held}})
    wanted = ContactChange(
        seq=1, key=EMAIL, identity={"email": EMAIL, "externalId": "c1"}, attributes={"score": msgspec.Raw(b"5")},
        add_tags=("VIP",),
    )  # fmt: skip
    with WireServer(itertools.chain([http(200, odd)], itertools.repeat(http(200, good)))) as server:
        client = DriftClient(server.url, AccessToken("secret"), limiter=RateLimiter(None), policy=HASTY, workers=1)
        with client, client.dispatcher(flow) as dispatcher:
            dispatcher.submit(wanted)
            (outcome,) = dispatcher.collect()
            dispatcher.submit(msgspec.structs.replace(wanted, seq=2))
            assert [one.seq for one in dispatcher.collect()] == [2]
    assert (outcome.seq, outcome.contact_id) == (1, 7)
