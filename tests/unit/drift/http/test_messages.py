"""Answers of any shape are read without an exception."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.drift.contact.comparison import differing
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.messages import MESSAGE_LENGTH, DriftError, read_error


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_any_body_gives_an_error(body: bytes) -> None:
    error = read_error(502, body)
    assert error.type
    assert 0 < len(error.message) <= 500


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"type":"rate_limit","message":"slow down"}}', DriftError("rate_limit", "slow down")),
        (b'{"error":{"type":{},"message":["x"]}}', DriftError("http_400", "HTTP status 400 without an explanation.")),
        (b'{"error":{"message":"only words"}}', DriftError("http_400", "only words")),
        (b'{"error":{"type":"a sentence with ada@example.com"}}', DriftError("http_400", read_error(400, b"").message)),
        (b'{"error":"text"}', DriftError("http_400", read_error(400, b"").message)),
        (b'{"error":{"type":"cut', DriftError("http_400", read_error(400, b"").message)),
        (b"<html>Bad Gateway</html>", DriftError("http_400", read_error(400, b"").message)),
        (b"", DriftError("http_400", read_error(400, b"").message)),
    ],
)
def test_error_bodies(body: bytes, expected: DriftError) -> None:
    assert read_error(400, body) == expected


def test_paths_and_queries_are_encoded() -> None:
    assert endpoints.find_by_email("a+b&limit=1@x.é").target == "/contacts?email=a%2Bb%26limit%3D1%40x.%C3%A9&limit=100"
    assert endpoints.find_by_external_id("a/b c").target == "/contacts?idType=external&id=a%2Fb%20c"


def test_attributes_listed_with_and_without_a_label() -> None:
    reads = endpoints.list_attributes().reads
    assert reads is not None
    body = b'{"data":{"properties":[{"type":"NUMERIC","displayName":"Age","name":"age"},{"name":"x","extra":1}]}}'
    assert endpoints.attributes_in(reads.decode(body)) == [
        endpoints.Attribute("age", "Age", "NUMERIC"),
        endpoints.Attribute("x", "x", ""),
    ]


def test_an_id_in_quotes_is_an_id() -> None:
    reads = endpoints.read_contact(1).reads
    assert reads is not None
    assert endpoints.contact_in(reads.decode(b'{"data":{"id":"16344778575","createdAt":null}}')).id == 16344778575


@pytest.mark.parametrize("tags", ["null", '"text"', '["VIP"]', "7"])
def test_tags_in_a_shape_of_their_own_are_unknown(tags: str) -> None:
    held = endpoints.Contact(1, attributes={"tags": msgspec.Raw(tags.encode())})
    assert held.tags is None


@pytest.mark.parametrize(
    ("wanted", "held", "equal"),
    [
        ("5", b"5", True),
        ("2.50", b"2.5", True),
        ("007", b"7", False),
        ("7 seats", b"7", False),
        ("true", b"true", True),
        ("null", b"null", False),
        ("[1]", b"[1]", False),
        ("5", b'"5"', True),
        ("Ada", b'"ada"', False),
        (msgspec.Raw(b"5"), b"5.0", True),
        (msgspec.Raw(b"5"), b'"5"', True),
        (msgspec.Raw(b"5"), b'"6"', False),
        (msgspec.Raw(b"5"), b'""', False),
        (msgspec.Raw(b"12345678901234567890.5"), b'"12345678901234567890.5"', True),
        (msgspec.Raw(b"true"), b'"true"', True),
        (msgspec.Raw(b"true"), b'"1"', False),
        (msgspec.Raw(b"true"), b"1", False),
        (msgspec.Raw(b"1"), b"true", False),
        (msgspec.Raw(b"true"), b"true", True),
        (msgspec.Raw(b"12345678901234567890.5"), b"12345678901234567890.7", False),
        (msgspec.Raw(b"1e3"), b"1000", True),
        (msgspec.Raw(b"[1, 2]"), b"[1,2]", True),
        ("x", b"null", False),
        ("x", None, False),
    ],
)
def test_values_compared(wanted: str | msgspec.Raw, held: bytes | None, *, equal: bool) -> None:
    attributes = {} if held is None else {"a": msgspec.Raw(held)}
    assert differing({"a": wanted}, attributes) == ({} if equal else {"a": wanted})


def test_an_email_is_compared_without_case() -> None:
    assert differing({"email": "Ada@X.org"}, {"email": msgspec.Raw(b'"ada@x.org"')}) == {}


def test_a_secret_is_hidden_before_a_message_is_cut() -> None:
    body = b'{"error":{"message":"' + b"x" * (MESSAGE_LENGTH - 5) + b' s3cret-token"}}'
    message = read_error(400, body, AccessToken("s3cret-token").mask).message
    assert message.endswith("x ***")


def test_a_secret_is_no_type() -> None:
    assert read_error(502, b'{"error":{"type":"s3cret-token"}}', AccessToken("s3cret-token").mask).type == "http_502"


@pytest.mark.parametrize("body", [b'{"error":{"message":"\xff"}}', b'{"error":' + b"[" * 100_000, b"[" * 100_000])
def test_an_error_that_cannot_be_read(body: bytes) -> None:
    assert read_error(502, body).type == "http_502"
