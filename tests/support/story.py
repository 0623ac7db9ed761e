"""One short run of the client in which every rule of matching, writing and tagging comes up once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from dbt_drift.drift.contact.change import ContactChange
from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.limiter import RateLimiter
from dbt_drift.drift.http.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from dbt_drift.drift.contact.change import Outcome
    from dbt_drift.sandbox.server import Sandbox

TOKEN = "story-token-77ab"
HASTY = RetryPolicy(first_delay=0.001, longest_delay=0.01)

IN_DRIFT: tuple[dict[str, Any], ...] = (
    {"who": "known", "email": "known@example.com", "name": "Old", "city": "Oslo", "tags": ["Lead", "Stays"]},
    {"who": "met", "email": "met@example.com", "name": "Old"},
    {"who": "twins", "email": "twins@example.com", "name": "First", "externalId": "t1"},
    {"who": "twins", "email": "twins@example.com", "name": "Second", "externalId": "t2"},
    {"who": "capitals", "email": "capitals@example.com", "name": "Old"},
    {"who": "small", "email": "Small@Example.com", "name": "Old"},
    {"who": "seven", "email": "seven@example.com", "name": "Old", "externalId": "7"},
    {"who": "eight", "email": "before8@example.com", "name": "Old", "externalId": "8"},
    {"who": "mover", "email": "mover@example.com"},
    {"who": "claimer", "email": "claimer@example.com"},
    {"who": "typed", "email": "typed@example.com"},
    {"who": "visitor", "email": "visitor@example.com", "name": "Old"},
)
"""Who is there before; `who` tells who is who afterwards."""

DONE: dict[str, tuple[str, str | None]] = {
    "known": ("updated", None),
    "met": ("updated", None),
    "twins": ("updated", None),
    "capitals": ("updated", None),
    "small": ("updated", None),
    "seven": ("updated", None),
    "eight": ("updated", None),
    "nine": ("created", None),
    "new": ("created", None),
    "gone": ("created", None),
    "mover": ("rejected", "email_taken"),
    "claimer": ("rejected", "external_id_taken"),
    "typed": ("updated", None),
    "visitor": ("updated", None),
}
"""The status and the reason that each contact gets."""

AFTERWARDS: dict[str, list[dict[str, Any]]] = {
    "known": [{"email": "known@example.com", "name": "New", "city": "Oslo", "tags": ["Stays", "VIP"]}],
    "met": [{"email": "met@example.com", "name": "New", "tags": ["VIP"]}],
    "twins": [
        {"email": "twins@example.com", "name": "New", "externalId": "t1"},
        {"email": "twins@example.com", "name": "Second", "externalId": "t2"},
    ],
    "capitals": [{"email": "capitals@example.com", "name": "New"}],
    "small": [{"email": "Small@Example.com", "name": "New"}],
    "seven": [{"email": "seven@example.com", "name": "New", "externalId": "7"}],
    "eight": [{"email": "eight@example.com", "name": "Old", "externalId": "8"}],
    "nine": [{"email": "nine@example.com", "name": "New", "externalId": "9"}],
    "new": [{"email": "new@example.com", "name": "New", "score": 5, "tags": ["VIP"]}],
    "gone": [{"email": "gone@example.com", "name": "New", "tags": ["Stays"]}],
    "mover": [{"email": "mover@example.com"}],
    "claimer": [{"email": "claimer@example.com"}],
    "typed": [{"email": "typed@example.com", "age": "old"}],
    "visitor": [{"email": "visitor@example.com", "name": "New"}],
}
"""What Drift holds at the end, by `who`."""


def changes(ids: dict[str, int]) -> list[ContactChange]:
    """Return what the model wants; ids: those that are remembered."""
    new = {"name": "New"}
    by_id: dict[str, Any] = {"match_on": "externalId"}
    wanted: dict[str, dict[str, Any]] = {
        "known": {"attributes": {**new, "city": Raw(b"null")}, "add_tags": ("VIP",), "remove_tags": ("Lead",)},
        "met": {"attributes": {"email": "met@example.com", **new}, "add_tags": ("VIP",)},
        "twins": {"attributes": new},
        "capitals": {"identity": {"email": "Capitals@Example.com"}, "attributes": new},
        "small": {"attributes": new},
        "seven": {**by_id, "identity": {"email": "seven@example.com", "externalId": "7"}, "attributes": new},
        "eight": {
            **by_id,
            "identity": {"email": "eight@example.com", "externalId": "8"},
            "attributes": {"email": "eight@example.com"},
        },
        "nine": {
            **by_id,
            "identity": {"email": "nine@example.com", "externalId": "9"},
            "attributes": {"who": "nine", "externalId": "9", **new},
        },
        "new": {"attributes": {"who": "new", "score": Raw(b"5"), **new}, "add_tags": ("VIP",)},
        "gone": {"contact_id": 5, "attributes": new, "unchanged": {"who": "gone"}, "unchanged_tags": ("Stays",)},
        "mover": {"identity": {"email": "known@example.com"}, "attributes": {"email": "known@example.com"}},
        "claimer": {"attributes": {"externalId": "7"}},
        "typed": {"attributes": {"age": "old"}},
        "visitor": {"attributes": {"last_active": Raw(b"1"), **new}},
    }
    remembered = {who: ids[who] for who in ("known", "mover", "claimer", "typed", "visitor")}
    found = []
    for seq, (who, what) in enumerate(wanted.items()):
        given = {"identity": {"email": f"{who}@example.com"}, "contact_id": remembered.get(who), **what}
        found.append(ContactChange(seq=seq, key=who, **given))
    return found


def tell(sandbox: Sandbox) -> None:
    """Fill the sandbox with who is there before."""
    sandbox.seed(IN_DRIFT)


def run(sandbox: Sandbox, workers: int = 4) -> dict[str, Outcome]:
    """Bring all contacts to what the model says.

    Raises:
        DriftUnavailableError: Drift refuses everything.
    """
    ids = {contact.attributes["who"]: contact.id for contact in sandbox.contacts()}
    client = DriftClient(sandbox.url, AccessToken(TOKEN), limiter=RateLimiter(None), policy=HASTY, workers=workers)
    outcomes: dict[str, Outcome] = {}
    with client, client.dispatcher() as dispatcher:
        for change in changes(ids):
            dispatcher.submit(change)
        while dispatcher.open or len(outcomes) < len(DONE):
            outcomes.update({outcome.key: outcome for outcome in dispatcher.collect()})
    return outcomes


def held(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Return what Drift holds, by `who`, the first created first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for contact in sandbox.contacts():
        attributes = {name: value for name, value in contact.attributes.items() if name != "who"}
        shown = {**attributes, "tags": sorted(contact.tags)} if contact.tags else attributes
        found.setdefault(contact.attributes.get("who", "nobody"), []).append(shown)
    return found
