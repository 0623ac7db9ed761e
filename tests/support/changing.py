"""Declarations and models that change at random, and what Drift should hold after each sync, by the rules alone."""

from __future__ import annotations

import contextlib
import math
import re
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dbt_drift.binding.prepare import prepare
from dbt_drift.errors import ConfigurationError, DriftUnavailableError
from dbt_drift.operations.untag import forget_tag, untag
from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import TOKEN, Recorder

if TYPE_CHECKING:
    from tests.support.harness import Bench

Mode = Literal["add", "remove", "mirror"]
Sign = Literal["+", "-"]

AUDIENCES: dict[str, dict[str, str]] = {
    "A": {"tag": "A", "when": "flag"},
    "A renamed": {"tag": "A renamed", "when": "flag"},
    "Everybody": {"tag": "Everybody"},
    "is_c=true": {"attribute": "is_c", "when": "other"},
    "plan": {"tag_from": "plan"},
}
UNDECLARED = False
PLANS = ("Gold", "Silver")
NUMBERS = range(6)


class Row(msgspec.Struct, frozen=True):
    """A row of the model."""

    flag: bool
    other: bool
    plan: str
    shouted: bool


class Round(msgspec.Struct, frozen=True):
    """What happens between two looks at Drift.

    Attributes:
        declared: The mode of each audience that is declared; None where the model declares nothing at all.
        rows: The model's rows, by the number of the person.
        by_hand: Tags that people in Drift set or take away: person, tag, which.
        leftover: What is done about a tag that is no longer declared.
        breaks_off: After how many requests the token is refused; None if it never is.
    """

    declared: dict[str, Mode] | None
    rows: dict[int, Row]
    by_hand: list[tuple[int, str, bool]]
    leftover: Literal["nothing", "untag", "forget"]
    breaks_off: int | None


_ROWS = st.builds(
    Row, flag=st.booleans(), other=st.booleans(), plan=st.sampled_from(["", *PLANS]), shouted=st.booleans()
)
ROUNDS = st.lists(
    st.builds(
        Round,
        declared=st.dictionaries(st.sampled_from(sorted(AUDIENCES)), st.sampled_from(["add", "remove", "mirror"]))
        | st.none(),
        rows=st.dictionaries(st.sampled_from(NUMBERS), _ROWS),
        by_hand=st.lists(
            st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["A", "Everybody", "Gold"]), st.booleans()), max_size=3
        ),
        leftover=st.sampled_from(["nothing", "untag", "forget"]),
        breaks_off=st.none() | st.integers(0, 12),
    ),
    min_size=3,
    max_size=6,
)


class Expected:
    """What Drift should hold, and what the ledger knows of it."""

    def __init__(self) -> None:
        self.tags: dict[str, set[str]] = {}
        self.attribute: dict[str, bool | None] = {}
        self.accepted: dict[str, dict[str, Sign]] = {}

    def sync(self, declared: dict[str, Mode], rows: dict[str, Row]) -> None:
        for email in rows:
            self.tags.setdefault(email, set())
            self.attribute.setdefault(email, None)
        for audience, mode in declared.items():
            for tag in PLANS if audience == "plan" else [audience]:
                members = {email for email, row in rows.items() if _is_member(row, tag)}
                self._follow(tag, mode, members, set(rows))

    def _follow(self, tag: str, mode: Mode, members: set[str], present: set[str]) -> None:
        accepted = self.accepted.setdefault(tag, {})
        for email in sorted(present | accepted.keys()):
            was = accepted.get(email)
            wanted: Sign | None = None
            if email in members:
                wanted = "-" if mode == "remove" else "+"
            elif mode == "mirror" and was == "+":
                wanted = "-"
            if wanted and wanted != was:
                self._apply(email, tag, wanted)
                accepted[email] = wanted

    def _apply(self, email: str, tag: str, sign: Sign) -> None:
        if tag == "is_c=true":
            self.attribute[email] = sign == "+"
        elif sign == "+":
            self.tags[email].add(tag)
        else:
            self.tags[email].discard(tag)

    def leftovers(self, declared: dict[str, Mode] | None) -> set[str]:
        """Return the tags that somebody carries because of the model and that it no longer declares."""
        still = set(declared or {}) | (set(PLANS) if "plan" in (declared or {}) else set())
        return {tag for tag, accepted in self.accepted.items() if tag not in still and "+" in accepted.values()}

    def untag(self, tag: str) -> None:
        for email, sign in self.accepted[tag].items():
            if sign == "+":
                self._apply(email, tag, "-")
        self.forget(tag)

    def forget(self, tag: str) -> None:
        del self.accepted[tag]


def _is_member(row: Row, tag: str) -> bool:
    return {"Everybody": True, "is_c=true": row.other, "Gold": row.plan == "Gold", "Silver": row.plan == "Silver"}.get(
        tag, row.flag
    )


def hold(bench: Bench, examples: int) -> None:
    """Play so many histories, and look at Drift after each of their rounds."""
    bench.table("people", "select '' as email, true as flag, true as other, '' as plan where false")
    histories = iter(range(10**6))

    @settings(max_examples=examples, phases=[Phase.generate])
    @given(rounds=ROUNDS)
    def play(rounds: list[Round]) -> None:
        world = f"w{next(histories)}"
        _start_over(bench)
        expected = Expected()
        for one in rounds:
            _play(bench, expected, one, world)
            held = {str(contact.email).lower(): contact for contact in bench.sandbox.contacts()}
            assert {email: set(contact.tags) for email, contact in held.items()} == expected.tags
            assert {email: contact.attributes.get("is_c") for email, contact in held.items()} == expected.attribute

    play()


def _play(bench: Bench, expected: Expected, one: Round, world: str) -> None:
    rows = {_email(world, number): row for number, row in one.rows.items()}
    _write(bench, rows)
    for number, tag, is_set in one.by_hand:
        if (email := _email(world, number)) in expected.tags:
            _by_hand(bench, email, tag, is_set=is_set)
            (expected.tags[email].add if is_set else expected.tags[email].discard)(tag)
    if one.declared is None:
        bench.declare("people", UNDECLARED)
        with pytest.raises(ConfigurationError, match="declares a sync") as refused:
            prepare(bench.options())
        assert set(re.findall(r'dbt-drift untag people "(.+?)"', str(refused.value))) == expected.leftovers(None)
    else:
        audiences = [{**AUDIENCES[name], "mode": mode} for name, mode in one.declared.items()]
        bench.declare("people", {"fields": {"email": "email"}, "audiences": audiences, "guards": {"shrink": 1}})
        if one.breaks_off is not None:
            _break_off(bench, one.breaks_off)
        assert bench.sync(max_removals=math.inf).status == "success"
        expected.sync(one.declared, rows)
        assert bench.sync(max_removals=math.inf).requests == 0
    _leftovers(bench, expected, one)


def _break_off(bench: Bench, requests_before: int) -> None:
    """Sync until the token is refused: amid the contacts, or before the first of them, which ends the whole run."""
    bench.sandbox.change(faults=[Fault(status=401, skip=requests_before)])
    with contextlib.suppress(DriftUnavailableError):
        bench.sync(max_removals=math.inf)
    bench.sandbox.change(faults=[])


def _leftovers(bench: Bench, expected: Expected, one: Round) -> None:
    """See to it that what is no longer declared is named, and do about it what the round says."""
    found = {audience.tag for audience in prepare(bench.options(), needs_syncs=False).undeclared}
    assert found == expected.leftovers(one.declared)
    for tag in sorted(found) if one.leftover != "nothing" else []:
        prepared = prepare(bench.options(), needs_syncs=False)
        if one.leftover == "untag":
            assert untag(prepared, "people", tag, bench.environment, Recorder()).status == "success"
            expected.untag(tag)
        else:
            forget_tag(prepared, "people", tag)
            expected.forget(tag)


def _start_over(bench: Bench) -> None:
    """Give each history a Drift and a ledger of its own."""
    bench.sandbox.reset("contacts")
    bench.warehouse.execute(f"drop schema if exists {bench.ledger} cascade")


def _by_hand(bench: Bench, email: str, tag: str, *, is_set: bool) -> None:
    contact = bench.sandbox.contact_by_email(email)
    assert contact is not None
    url = f"{bench.sandbox.url}/contacts/{contact.id}/tags"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    if is_set:
        answer = requests.post(url, json=[{"name": tag}], headers=headers, timeout=30)
    else:
        answer = requests.post(f"{url}/delete/_bulk", json=[tag], headers=headers, timeout=30)
    assert answer.status_code == 200


def _write(bench: Bench, rows: dict[str, Row]) -> None:
    values = ", ".join(_values(email, row) for email, row in rows.items())
    bench.execute("delete from $.people" + (f"; insert into $.people values {values}" if values else ""))


def _values(email: str, row: Row) -> str:
    spelt = f"  {email.upper()}" if row.shouted else email
    return f"('{spelt}', {row.flag}, {row.other}, '{row.plan}')"


def _email(world: str, number: int) -> str:
    return f"{world}p{number}@example.com"
