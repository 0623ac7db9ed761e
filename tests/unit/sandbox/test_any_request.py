"""Whatever a client sends: the sandbox answers it or refuses it in words, and what it holds can be shown and saved."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt_drift.sandbox.api import Api
from dbt_drift.sandbox.behaviour import Behaviour, Fault, json_schema
from dbt_drift.sandbox.calls.call import Request
from dbt_drift.sandbox.calls.routes import ROUTES
from dbt_drift.sandbox.calls.store import Store
from dbt_drift.sandbox.control import _HANDLERS, PREFIX, Control, answer_control
from dbt_drift.sandbox.persistence import DataFile, take_unsaved
from dbt_drift.sandbox.setup import Setup

NUMBERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**40, -(2**63) - 1])
SCALARS = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return right values for the most part, or no draw would get beyond the first check."""
    return st.integers(0, 4).flatmap(lambda draw: ANYTHING if draw == 0 else right)


SCHEMA = msgspec.json.decode(json_schema())["$defs"]["Behaviour"]["properties"]
EMAILS = st.sampled_from(["ada@example.com", "eve@example.com", "not-an-address"])
TAGS = mostly(
    st.lists(
        mostly(st.text(max_size=3) | st.fixed_dictionaries({"name": mostly(st.text(max_size=3))})),
        max_size=2,
    )
)
ATTRIBUTES = mostly(
    st.builds(
        lambda known, others: {**others, **known},
        st.fixed_dictionaries(
            {}, optional={"email": mostly(EMAILS), "externalId": mostly(st.sampled_from(["a", 1])), "tags": TAGS}
        ),
        st.dictionaries(st.text(max_size=4), ANYTHING, max_size=2),
    )
)
FAULT = st.fixed_dictionaries(
    {"effect": st.sampled_from(["status", "reset", "cut", "delay"])},
    optional={name: mostly(NUMBERS | st.just("retry-after-date")) for name in Fault.__struct_fields__[1:]},
)
SWITCHES = {
    name: mostly(
        st.sampled_from(switch["enum"])
        if "enum" in switch
        else st.lists(FAULT, max_size=1)
        if name == "faults"
        else NUMBERS | st.floats(min_value=0, allow_infinity=False)
    )
    for name, switch in SCHEMA.items()
}
TOKEN = st.fixed_dictionaries(
    {"token": mostly(st.sampled_from(["one", "two"]))},
    optional={
        "organisation": mostly(NUMBERS),
        "scopes": mostly(st.lists(st.sampled_from(["contact_read", "contact_write"]))),
        "expires_at": mostly(NUMBERS),
        "expires_in_s": mostly(NUMBERS | st.floats()),
        "created_at": mostly(NUMBERS),
    },
)
BODIES = {
    "attributes of a contact": st.fixed_dictionaries({"attributes": ATTRIBUTES}),
    "an event": st.fixed_dictionaries(
        {"event": mostly(st.just("Signed up"))},
        optional={
            "contactId": mostly(NUMBERS), "externalId": mostly(st.just("a")), "createdAt": mostly(NUMBERS),
            "attributes": ATTRIBUTES,
        },
    ),
    "contacts": mostly(st.lists(ATTRIBUTES, max_size=3)),
    "attribute types": mostly(
        st.lists(mostly(st.fixed_dictionaries({"name": st.text(max_size=3), "type": mostly(st.just("DATE"))})))
    ),
    "tokens": mostly(st.lists(mostly(TOKEN), max_size=2)),
    "a token": st.fixed_dictionaries({"token": mostly(st.just("one")), "access_token": mostly(st.just("one"))}),
    "switches": mostly(
        st.sampled_from(sorted(SWITCHES)).flatmap(lambda name: st.fixed_dictionaries({name: SWITCHES[name]}))
    ),
    "a grant": st.fixed_dictionaries(
        {"clientId": mostly(st.just("app")), "clientSecret": mostly(st.just("s")), "grantType": mostly(st.just("code"))}
    ),
    "tags": TAGS,
    "anything": ANYTHING,
}  # fmt: skip
DEEP = st.sampled_from([80, 400, 930, 960, 975, 985, 100_000]).flatmap(
    lambda depth: st.sampled_from(
        [
            b"[" * depth + b"]" * depth,
            b'{"attributes":{"email":"deep@example.com","x":' + b"[" * depth + b"]" * depth + b"}}",
            b'[{"email":"deep@example.com","x":' + b'{"y":' * depth + b"1" + b"}" * depth + b"}]",
        ]
    )
)
BODY = st.one_of(*BODIES.values()).map(msgspec.json.encode) | DEEP | st.binary(max_size=12)
WORDS = st.sampled_from(
    ["1", "0", "7", "9" * 40, "drift", "external", "email", "code", "requests", "http://[", "x:\r\n"]
)
VALUES = WORDS | st.text(max_size=4).map(quote) | st.sampled_from(["http://x/%0d%0aY:%20z", "%ff", "ada%40example.com"])
NAMES = st.sampled_from(
    ["organisation", "limit", "search", "since", "status", "path", "method", "only", "email", "id", "idType", "index",
     "redirect_uri", "response_type", "client_id", "state"]
)  # fmt: skip
QUERY = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda given: "&".join("=".join(pair) for pair in given.items()))
SIGN_IN = VALUES.map(lambda back: f"response_type=code&client_id=app&redirect_uri={back}")
CONTROL = st.sampled_from(sorted(_HANDLERS)).map(lambda call: (call[0], PREFIX + call[1]))
API = st.sampled_from([(method, path) for path, methods in ROUTES.items() for method in methods])
VARIABLES = st.sampled_from(["1", "{known}", "%ff", "9" * 30, "tag", "a%2Fb"])
REQUESTS = st.lists(
    st.tuples(CONTROL | API, QUERY | SIGN_IN, BODY, VARIABLES, st.sampled_from(["Bearer x", "Bearer one", "x", ""])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150)
@given(asked=REQUESTS)
def test_it_is_answered_or_refused_in_words(asked: list[tuple[tuple[str, str], str, bytes, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(DataFile(Path(folder) / "drift.db")) as file:
        store = file.load()
        control = Control(Api(store, Behaviour(log_contents=True)), Setup())
        known = control.seed([{"email": "ada@example.com", "externalId": "a", "tags": ["tag"]}])[0]
        for (method, path), query, body, variable, authorization in asked:
            meant = path.replace("{id}", variable).replace("{name}", variable).replace("{known}", str(known))
            answer_to(control, Request(method, meant, query, {"authorization": authorization}, body))
        shown_and_saved(control, file, store)


def answer_to(control: Control, request: Request) -> None:
    if request.path.startswith(PREFIX):
        answer = answer_control(control, request)
        assert answer.status in {200, 400}
    else:
        answer = control.api.handle(request).answer
    if (
        answer.status in {400, 403, 404, 405, 409, 413, 422}
        and answer.content_type == "application/json"
        and answer.body
    ):
        assert msgspec.json.decode(answer.body)["error"]["message"].strip()
    for _, value in answer.headers:
        assert value.isprintable()


def shown_and_saved(control: Control, file: DataFile, store: Store) -> None:
    """Everything that the page and the data file take has to go on working."""
    for path in ("contacts?limit=100", "requests", "summary", "behaviour"):
        name, _, query = path.partition("?")
        answer = answer_control(control, Request("GET", PREFIX + name, query))
        assert answer.status == 200
        msgspec.json.decode(answer.body)
    if (batch := take_unsaved(store)) is not None:
        file.write(batch)
    again = file.load()
    assert {found: len(home.contacts) for found, home in again.organisations.items()} == {
        found: len(home.contacts) for found, home in store.organisations.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "contacts", b'[{"tags": 5}]', "tags"),
        ("PUT", "contacts", b'[{"email": "a@example.com"}, {"email": 5}]', "contact 2: email"),
        ("PUT", "contacts", b'[{"externalId": [1]}]', "externalId"),
        ("PUT", "contacts", b'[{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}]", "nested"),
        ("PUT", "tokens", b'[{"token": "t", "organisation": 9223372036854775808}]', "organisation"),
        ("PUT", "tokens", b'[{"token": "t", "organisation": 0}]', "organisation"),
        ("PATCH", "behaviour", b'{"latency_ms": "much"}', "latency_ms"),
        ("PATCH", "behaviour", b"[]", "object"),
    ],
)
def test_a_control_call_says_what_is_wrong_with_its_body(method: str, path: str, body: bytes, words: str) -> None:
    control = Control(Api(Store(), Behaviour()), Setup())
    answer = answer_control(control, Request(method, PREFIX + path, body=body))
    assert answer.status == 400
    assert words in msgspec.json.decode(answer.body)["error"]["message"]
    assert control.newest_contacts() == []


def test_a_look_makes_no_organisation() -> None:
    control = Control(Api(Store(), Behaviour()), Setup())
    for path in ("contacts", "summary", "requests"):
        assert answer_control(control, Request("GET", PREFIX + path, "organisation=7")).status == 200
    assert list(control.api.store.organisations) == [control.api.store.default]
