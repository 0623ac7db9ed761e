"""Our client against each variant of each switch of the sandbox: what Drift holds at the end, and what is said of it.

A switch without a variant here, or a choice of one, fails `test_every_choice_of_every_switch_has_a_variant`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
import yaml

from dbt_drift.drift.engine.client import DriftClient
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.errors import DriftUnavailableError
from dbt_drift.sandbox.behaviour import Behaviour, Fault, Hint
from dbt_drift.sandbox.calls.tokens import Token
from dbt_drift.sandbox.server import Sandbox
from dbt_drift.sandbox.setup import read_setup
from tests.support import story
from tests.support.sandbox_client import Client

if TYPE_CHECKING:
    from pathlib import Path

HINTS: tuple[Hint, ...] = ("retry-after", "retry-after-date", "ratelimit-reset", "ratelimit-reset-at")
EFFECTS: tuple[Literal["status", "reset", "cut", "delay"], ...] = ("status", "reset", "cut", "delay")


class Variant(msgspec.Struct, frozen=True):
    """One way in which Drift may be.

    Attributes:
        switches: What makes it so.
        done: The status and the reason of contacts, where they differ from `story.DONE`.
        afterwards: What Drift holds at the end, where that differs from `story.AFTERWARDS`.
        refused: What the run says where it cannot go on; Drift holds then what it held before.
        scopes: The scopes of the token, where they are not all.
        throttled: Whether it must have met a 429.
    """

    switches: dict[str, Any]
    done: dict[str, tuple[str, str | None]] = {}
    afterwards: dict[str, list[dict[str, Any]]] = {}
    refused: str = ""
    scopes: tuple[str, ...] = ()
    throttled: bool = False

    def __str__(self) -> str:
        told = [f"{name}={value}" for name, value in self.switches.items() if name != "faults"]
        for fault in self.switches.get("faults", ()):
            given = [f"{name}={value}" for name, value in msgspec.structs.asdict(fault).items()]
            told += [text for text in given if text not in _PLAIN]
        return "-".join([*told, *self.scopes]) or "defaults"


_PLAIN = {f"{name}={value}" for name, value in msgspec.structs.asdict(Fault()).items()}


def same(**switches: Any) -> Variant:
    """Return a variant of which nobody must notice anything."""
    return Variant(switches)


def rejected(who: str, reason: str = "validation_error", *, held: dict[str, Any], **switches: Any) -> Variant:
    """Return a variant in which one contact is rejected."""
    return Variant(switches, {who: ("rejected", reason)}, {who: [held]})


def seeded(who: str) -> dict[str, Any]:
    """Return what Drift held of somebody before."""
    (found,) = (dict(contact) for contact in story.IN_DRIFT if contact["who"] == who)
    del found["who"]
    return found


TIGHT = {"rate_limit": 10, "rate_window_s": 0.5}
TAGGED = ("known", "met", "new", "gone")
NO_TAGS: dict[str, list[dict[str, Any]]] = {
    "known": [{"email": "known@example.com", "name": "New", "city": "Oslo", "tags": ["Lead", "Stays"]}],
    "met": [{"email": "met@example.com", "name": "New"}],
    "new": [{"email": "new@example.com", "name": "New", "score": 5}],
    "gone": [{"email": "gone@example.com", "name": "New"}],
}
KNOWN = story.AFTERWARDS["known"][0]
NEW = story.AFTERWARDS["new"][0]

VARIANTS = [
    same(),
    Variant({**TIGHT}, throttled=True),
    Variant({**TIGHT, "rate_window": "fixed"}, throttled=True),
    *(Variant({**TIGHT, "rate_hint": hint}, throttled=True) for hint in HINTS),
    Variant({"undeclared_tokens": "refuse"}, refused=r"refuses the access token \(401 authentication_error"),
    Variant(
        {"undeclared_tokens": "refuse", "bad_token_status": 403},
        refused=r"refuses (GET|PATCH|POST) /contacts.* \(403 authentication_error",
    ),
    Variant({}, refused=r"refuses P\w+ /contacts.* \(403 .*lacks the scope contact_write", scopes=("contact_read",)),
    Variant(
        {"missing_scope_status": 401},
        refused=r"refuses the access token \(401 .*lacks the scope contact_write",
        scopes=("contact_read",),
    ),
    # A token that is given needs no sign-in.
    same(token_lifetime_s=0.001),
    same(refresh_tokens="keep"),
    same(sign_in="deny"),
    same(token_info_key="accessToken"),
    same(token_info_key="either"),
    same(error_body="empty"),
    same(error_body="html"),
    # Only a 409 says for certain that it is about a duplicate; after a 400 Drift's own words are passed on.
    rejected("mover", held={"email": "mover@example.com"}, duplicate_status=400),
    rejected("mover", held={"email": "mover@example.com"}, duplicate_status=422),
    Variant({"email_collision": "allow"}, {"mover": ("updated", None)}, {"mover": [{"email": "known@example.com"}]}),
    # Nobody can find an address by a spelling that Drift minds and nobody knows.
    Variant(
        {"email_case": "kept"},
        {"small": ("created", None)},
        {"small": [seeded("small")], "nobody": [{"email": "small@example.com", "name": "New"}]},
    ),
    Variant({"nulls": "clear"}, afterwards={"known": [{name: KNOWN[name] for name in ("email", "name", "tags")}]}),
    rejected("known", held=seeded("known"), nulls="refuse"),
    rejected("visitor", held=seeded("visitor"), read_only="refuse"),
    Variant(
        {"unknown_attributes": "ignore"}, afterwards={"new": [{name: NEW[name] for name in ("email", "name", "tags")}]}
    ),
    Variant({"unknown_attributes": "refuse"}, {"new": ("rejected", "validation_error")}, {"new": []}),
    rejected("typed", held=seeded("typed"), attribute_types="checked"),
    Variant({"tags": "ignored"}, dict.fromkeys(TAGGED, ("rejected", "tags_ignored")), NO_TAGS),
    Variant({"tags": "gone"}, dict.fromkeys(TAGGED, ("rejected", "tags_unavailable")), NO_TAGS),
    same(tags_in_contact="merge"),
    same(tags_in_contact="ignore"),
    same(tags_key=False),
    same(tag_items="names"),
    same(tag_status=202),
    same(external_id="number"),
    same(external_id_null=True),
    same(listing_status=404),
    same(listing_status=405),
    same(lookup="object"),
    same(lookup_order="newest"),
    same(lookup_limit=1),
    # What a look-up does not return cannot be taken into account.
    Variant(
        {"lookup_order": "newest", "lookup_limit": 1},
        afterwards={
            "twins": [
                {"email": "twins@example.com", "name": "First", "externalId": "t1"},
                {"email": "twins@example.com", "name": "New", "externalId": "t2"},
            ]
        },
    ),
    same(lookup_status=404),
    same(lookup_errors=True),
    same(missing_ids="not-found"),
    same(most_ids=1),
    same(most_ids=1, too_many_ids="cut"),
    same(ids_order="oldest"),
    same(ids_order="newest"),
    same(normalize_parameters="body"),
    same(normalize_parameters="either"),
    same(acknowledgement="empty"),
    same(version_lag=True),
    same(latency_ms=5),
    same(latency_jitter_ms=5),
    same(log_contents=True),
    same(seed=7, faults=(Fault(status=503, rate=0.2),)),
    *(same(faults=(Fault(effect=effect, path="/contacts/*", skip=1, count=3),)) for effect in EFFECTS),
    *(same(faults=(Fault(status=500, body=body, method="GET,PATCH", count=3),)) for body in ("", "<html>", "{")),
    *(
        Variant({"faults": (Fault(status=429, retry_after=1, hint=hint, skip=3, count=1),)}, throttled=True)
        for hint in HINTS
    ),
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_story_ends_as_it_must(variant: Variant) -> None:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        story.tell(sandbox)
        before = story.held(sandbox)
        if variant.scopes:
            sandbox.declare_tokens(Token(story.TOKEN, scopes=variant.scopes))
        sandbox.change(**variant.switches)

        if variant.refused:
            with pytest.raises(DriftUnavailableError, match=variant.refused):
                story.run(sandbox)
            assert story.held(sandbox) == before
            return
        outcomes = story.run(sandbox)

        expected = {who: found for who, found in {**story.AFTERWARDS, **variant.afterwards}.items() if found}
        assert story.held(sandbox) == expected
        assert {who: (found.status, found.reason) for who, found in outcomes.items()} == {**story.DONE, **variant.done}
        assert bool(sandbox.requests(status=429)) is variant.throttled
        assert story.TOKEN not in str(msgspec.to_builtins(sandbox.requests()))


@pytest.mark.parametrize("effect", ["status", "reset", "cut"])
@pytest.mark.parametrize("applied", [False, True])
def test_no_lost_answer_makes_a_second_contact(effect: str, *, applied: bool) -> None:
    """Whether a contact was made is only known when it is looked up: `created` or not, it is there once."""
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        story.tell(sandbox)
        fault = {"effect": effect, "method": "POST", "path": "/contacts", "rate": 0.7, "applied": applied}
        sandbox.change(faults=[fault])
        outcomes = story.run(sandbox)
        assert story.held(sandbox) == story.AFTERWARDS
        assert {who: found.reason for who, found in outcomes.items()} == {
            who: reason for who, (_, reason) in story.DONE.items()
        }


@pytest.mark.parametrize("hint", HINTS)
def test_nothing_is_sent_before_the_time_that_drift_tells(hint: str) -> None:
    with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        story.tell(sandbox)
        sandbox.change(faults=[{"status": 429, "retry_after": 2, "hint": hint, "count": 1}])
        story.run(sandbox, workers=1)
        refused, after, *_ = sandbox.requests()
        assert refused.status == 429
        assert after.at - refused.at >= 1990  # by two clocks of one machine


@pytest.mark.parametrize(("key", "requests"), [("access_token", 1), ("either", 1), ("accessToken", 2)])
def test_what_a_token_may_do_is_asked_as_documented_then_as_others_do(key: str, requests: int) -> None:
    with Sandbox() as sandbox, DriftClient(sandbox.url, AccessToken(story.TOKEN)) as client:
        sandbox.change(token_info_key=key)
        assert client.token_info().organisation == f"orgId:{sandbox.organisation}"
        assert len(sandbox.requests()) == requests


def choices(hint: Any) -> set[Any]:
    """Return the values of a type that has only some."""
    if hint is bool:
        return {True, False}
    if get_origin(hint) is Annotated:
        return choices(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set().union(*map(choices, get_args(hint)))


def test_every_choice_of_every_switch_has_a_variant() -> None:
    shown: dict[str, set[Any]] = {}
    for name, default in msgspec.structs.asdict(Behaviour()).items():
        values = {variant.switches[name] for variant in VARIANTS if name in variant.switches} - {default}
        assert values, f"{name} has no variant"
        shown[name] = values | {default}
    for name, hint in get_type_hints(Behaviour, include_extras=True).items():
        if name != "faults":
            assert choices(hint) <= shown[name], name
    effects = {fault.effect for faults in shown["faults"] for fault in faults}
    assert effects == choices(get_type_hints(Fault)["effect"])


def test_every_variant_can_be_set_by_flag_by_file_and_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.yml"
    with Sandbox() as sandbox, Client(sandbox.url) as control:
        for variant in VARIANTS:
            wanted = Behaviour().changed(variant.switches)
            switches = {name: msgspec.to_builtins(value) for name, value in variant.switches.items()}
            file.write_text(yaml.safe_dump({"behaviour": switches}))
            flags = [
                f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in switches.items()
            ]
            sandbox.reset("behaviour")
            answer = control.call("PATCH", "/_sandbox/behaviour", switches).json()
            assert read_setup(None, flags).behaviour == read_setup(file).behaviour == wanted
            assert msgspec.convert(answer, Behaviour) == wanted
