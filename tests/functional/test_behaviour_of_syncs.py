"""Whole syncs with attributes and an audience against the variants of Drift that matter most to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dbt_drift.sandbox.calls.tokens import SCOPES, Token
from tests.support.harness import TOKEN, Bench

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.harness import ParsedProject

FIELDS = {"email": "email", "externalId": "id", "name": "name", "plan": "plan"}
PEOPLE = 30


class Variant(msgspec.Struct, frozen=True):
    """One way in which Drift may be; rejected: why each contact is; tags: whether it has them afterwards."""

    switches: dict[str, Any]
    rejected: str = ""
    tags: bool = True
    scopes: tuple[str, ...] = SCOPES

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in self.switches.items() if name != "faults"]
        return "-".join(named or ["faults" if self.switches else "defaults"])


NO_LISTING = tuple(scope for scope in SCOPES if scope != "all_contact_read")

VARIANTS = [
    Variant({}),
    Variant({"duplicate_status": 400, "error_body": "html", "acknowledgement": "empty"}),
    Variant({"lookup": "object", "lookup_order": "newest", "external_id": "number", "ids_order": "newest"}),
    Variant({"missing_ids": "not-found", "lookup_status": 404}),
    Variant({"most_ids": 3, "too_many_ids": "cut"}),
    Variant({"tag_items": "names", "tag_status": 202}),
    Variant({"tags": "gone"}, rejected="tags_unavailable", tags=False),
    Variant({"attribute_types": "checked", "read_only": "refuse", "unknown_attributes": "refuse"}),
    Variant({"missing_scope_status": 401}, scopes=NO_LISTING),
    Variant({"faults": [{"effect": "cut", "rate": 0.1}, {"status": 429, "retry_after": 0, "rate": 0.05}]}),
]


@pytest.fixture
def people(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    """Thirty people: ten whom Drift knows by externalId, ten by email only, ten not at all."""
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table(
        "people",
        "select cast(i as varchar) as id, 'p' || i || '@example.com' as email, 'Name' as name, 'pro' as plan, "
        f"true as vip from generate_series(1, {PEOPLE}) as g(i)",
    )
    audience = {"tag": "VIP", "mode": "mirror", "when": "vip"}
    bench.declare("people", {"match_on": "externalId", "fields": FIELDS, "audiences": [audience]})
    sandbox.seed({"externalId": str(i), "email": f"old{i}@example.com", "plan": "free"} for i in range(1, 11))
    sandbox.seed({"email": f"p{i}@example.com", "plan": "free"} for i in range(11, 21))
    return bench


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_sync_ends_as_the_model_says_and_the_next_one_sends_nothing(people: Bench, variant: Variant) -> None:
    sandbox = people.sandbox
    sandbox.declare_tokens(Token(TOKEN, scopes=variant.scopes))
    sandbox.change(**variant.switches)

    result = people.sync()

    assert {contact.email: contact.attributes for contact in sandbox.contacts()} == {
        f"p{i}@example.com": {"email": f"p{i}@example.com", "externalId": str(i), "name": "Name", "plan": "pro"}
        for i in range(1, PEOPLE + 1)
    }
    assert len(sandbox.contacts()) == PEOPLE
    assert {tuple(contact.tags) for contact in sandbox.contacts()} == {("VIP",) if variant.tags else ()}
    assert result.reasons == ({variant.rejected: PEOPLE} if variant.rejected else {})
    assert result.status == ("warn" if variant.rejected else "success")

    before = sandbox.summary().total_requests
    people.sync()
    # Tags that Drift does not have are tried again for a while; attributes that it has accepted never are.
    written = {found.template for found in sandbox.requests(since=before) if found.method != "GET"}
    written.discard("/app/token_info")  # which only reads
    assert written == ({"/contacts/{id}/tags"} if variant.rejected else set())
