"""Whatever comes back over the wire: a contact gets its outcome, or the run its error. Never another exception."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.drift.changes import ContactChange
from dbt_drift.drift.client import DriftClient
from dbt_drift.drift.credentials import AccessToken
from dbt_drift.drift.limiter import RateLimiter
from dbt_drift.drift.retry import RetryPolicy
from dbt_drift.drift.transport import Timeouts
from dbt_drift.errors import DriftUnavailableError

from .wire_server import RESET, WireServer, http

EMAIL = "ada@example.com"
HASTY = RetryPolicy(tries=3, first_delay=0.001, longest_delay=0.002, patience=0.05)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
CONTACTS = st.fixed_dictionaries(
    {"id": st.integers(1, 3) | ANYTHING},
    optional={
        "createdAt": st.integers(0, 2**41) | ANYTHING,
        "attributes": st.fixed_dictionaries(
            {}, optional={"email": st.just(EMAIL) | ANYTHING, "externalId": st.just("c1") | ANYTHING, "tags": ANYTHING}
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
    DOCUMENTS.map(msgspec.json.encode),
    DOCUMENTS.map(lambda document: msgspec.json.encode(document)[:-2]),
    st.binary(max_size=40),
    st.just(b"<html><body>502 Bad Gateway</body></html>"),
)
STATUSES = st.sampled_from([200, 200, 200, 200, 201, 202, 204, 400, 404, 404, 409, 409, 422, 500, 503, 401, 403, 302])
ANSWERS = st.one_of(
    st.builds(http, STATUSES, BODIES),
    st.builds(lambda body: http(429, body, "Retry-After: 0"), BODIES),
    st.just(RESET),
    st.binary(min_size=1, max_size=30).map(lambda noise: noise + b"\r\nConnection: close\r\n\r\n"),
)
CHANGES = st.builds(
    dict[str, Any],
    contact_id=st.none() | st.just(1),
    match_on=st.sampled_from(["email", "externalId"]),
    identity=st.sampled_from([{"email": EMAIL}, {"email": EMAIL, "externalId": "c1"}]),
    attributes=st.sampled_from([{}, {"name": "Ada"}, {"email": EMAIL, "externalId": "c1"}]),
    add_tags=st.sampled_from([(), ("VIP",)]),
    remove_tags=st.sampled_from([(), ("Lead",)]),
    create_missing=st.booleans(),
)


@given(change=CHANGES, answers=st.lists(ANSWERS, min_size=1, max_size=6))
@settings(max_examples=80, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_any_answer_is_survived(change: dict[str, Any], answers: list[bytes]) -> None:
    timeouts = Timeouts(connect=1, read=1)
    with WireServer(itertools.cycle(answers)) as server:
        client = DriftClient(
            server.url, AccessToken("secret"), limiter=RateLimiter(None), policy=HASTY, workers=1, timeouts=timeouts
        )
        with client, client.dispatcher() as dispatcher:
            dispatcher.submit(ContactChange(seq=7, key=EMAIL, **change))
            try:
                (outcome,) = dispatcher.collect()
            except DriftUnavailableError:
                return  # what the run makes of it is shown elsewhere
            assert outcome.seq == 7
            assert bool(outcome.reason) == (outcome.status in {"rejected", "failed"})
