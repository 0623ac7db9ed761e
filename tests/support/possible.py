"""A model that changes between kills, and what Drift may hold of it then.

A run that was killed may have written any part of what its model said. Once a sync has come to its end, Drift holds
what the model says now, and nothing is left of what the model said in between where a sync keeps it up: values of rows
that are there, mirrored tags, tags to remove, attributes in the place of tags. Of rows that have left, and of what is
only added, both are right: that a killed run wrote it, and that it did not.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import random

    from tests.support.harness import Bench

DECLARATION = {
    "fields": {"email": "email", "name": "name", "plan": {"column": "plan", "nulls": "clear"}},
    "audiences": [
        {"tag": "VIP", "mode": "mirror", "when": "vip"},
        {"tag": "Customer", "mode": "add"},
        {"tag": "Lead", "mode": "remove", "when": "won"},
        {"tag_from": "tier", "mode": "mirror"},
        {"attribute": "is_active", "mode": "mirror", "when": "active"},
    ],
    "guards": {"shrink": 1},
}
YES, NO = True, False
TIERS = ("Gold", "Silver")
_NEW_ROWS = itertools.count(1_000_000)


class Row(msgspec.Struct, frozen=True):
    """A row of the model."""

    name: str
    plan: str | None
    vip: bool
    won: bool
    tier: str | None
    active: bool

    @property
    def mirrored(self) -> dict[str, bool]:
        return {"VIP": self.vip, **{tier: self.tier == tier for tier in TIERS}}


class Possible(msgspec.Struct):
    """What Drift may hold of one contact: each value that is right, and of each tag whether it may be there or not."""

    exists: set[bool] = msgspec.field(default_factory=lambda: {False})
    names: set[Any] = msgspec.field(default_factory=set)
    plans: set[Any] = msgspec.field(default_factory=set)
    active: set[Any] = msgspec.field(default_factory=lambda: {None})
    tags: dict[str, set[bool]] = msgspec.field(
        default_factory=lambda: {tag: {False} for tag in ("VIP", "Customer", "Lead", *TIERS)}
    )

    def began(self, row: Row) -> None:
        """A sync of this row has begun: it may have done anything or nothing."""
        self.exists.add(YES)
        self.names.add(row.name)
        self.plans.add(row.plan)
        if row.active:
            self.active.add(YES)
        elif True in self.active:
            self.active.add(NO)
        for tag, is_member in row.mirrored.items():
            self.tags[tag].add(is_member)
        self.tags["Customer"].add(YES)
        if row.won:
            self.tags["Lead"].add(NO)

    def ended(self, row: Row) -> None:
        """A sync of this row has come to its end."""
        self.exists, self.names, self.plans = {True}, {row.name}, {row.plan}
        self._active_ended(is_active=row.active)
        for tag, is_member in row.mirrored.items():
            self.tags[tag] = {is_member}
        self.tags["Customer"] = {True}
        if row.won:
            self.tags["Lead"] = {False}

    def left(self) -> None:
        """A sync has come to its end, and the row has left the model before."""
        self._active_ended(is_active=False)
        for tag in ("VIP", *TIERS):
            self.tags[tag] = {False}

    def _active_ended(self, *, is_active: bool) -> None:
        """The attribute is false of those who were members, or may have been, and nothing of those who never were."""
        if is_active:
            self.active = {True}
        elif True in self.active:
            self.active = self.active - {True} | {False}

    def wrong(self, held: Held | None) -> list[str]:
        """Return what Drift may not hold."""
        if held is None:
            return [] if False in self.exists else ["missing"]
        found = [] if True in self.exists else ["exists"]
        found += [] if held.name in self.names or not self.names else [f"name {held.name!r}, not one of {self.names}"]
        found += [] if held.plan in self.plans or not self.plans else [f"plan {held.plan!r}, not one of {self.plans}"]
        found += [] if held.active in self.active else [f"is_active {held.active!r}, not one of {self.active}"]
        return found + [
            f"{tag} {'is' if tag in held.tags else 'is not'} there"
            for tag, may in self.tags.items()
            if (tag in held.tags) not in may
        ]


class Held(msgspec.Struct, frozen=True):
    """What Drift holds of one contact."""

    name: Any
    plan: Any
    active: Any
    tags: frozenset[str]


class Followed:
    """The model's rows and what Drift may hold of everybody whom it has ever met."""

    def __init__(self, bench: Bench, rows: int, chance: random.Random) -> None:
        self._bench = bench
        self._chance = chance
        self._possible: dict[str, Possible] = {}
        self._rows: dict[str, Row] = {}
        bench.sandbox.change(nulls="clear")
        bench.table(
            "people",
            "select i, 'p' || i || '@example.com' as email, cast('Name ' || i as varchar(40)) as name, "
            "cast('plan 0' as varchar(40)) as plan, i % 3 = 0 as vip, i % 4 = 0 as won, "
            "cast(case when i % 5 < 2 then 'Gold' when i % 5 = 2 then 'Silver' end as varchar(40)) as tier, "
            f"i % 2 = 0 as active from generate_series(1, {rows}) as g(i)",
        )
        bench.declare("people", DECLARATION)
        leads = [f"p{i}@example.com" for i in range(1, rows, 10)]
        bench.sandbox.seed({"email": email, "name": "Lead", "tags": ["Lead"]} for email in leads)
        for email in leads:
            met = Possible(exists={True}, names={"Lead"}, plans={None})
            met.tags["Lead"] = {True}
            self._possible[email] = met
        self._read()

    def change(self) -> None:
        """Let the model change: values become others, old ones or null, flags and rows come and go."""
        chance = self._chance
        for _ in range(chance.randint(1, 4)):
            part = f"i % {chance.choice([2, 5, 11])} = {chance.randint(0, 1)}"
            self._bench.execute(
                chance.choice(
                    [
                        f"update $.people set name = 'New ' || i where {part}",
                        f"update $.people set name = 'Name ' || i where {part}",
                        f"update $.people set plan = 'plan {chance.randint(0, 2)}' where {part}",
                        f"update $.people set plan = null where {part}",
                        f"update $.people set vip = not vip, won = not won where {part}",
                        "update $.people set vip = false",
                        f"update $.people set active = not active where {part}",
                        f"update $.people set tier = '{chance.choice(TIERS)}' where {part}",
                        "update $.people set tier = null",
                        f"delete from $.people where i % 13 = {chance.randint(0, 12)}",
                    ]
                )
            )
        first = next(_NEW_ROWS) * 1000
        self._bench.execute(
            "insert into $.people select i, 'p' || i || '@example.com', 'Name ' || i, 'plan 0', i % 3 = 0, false, "
            f"'Gold', true from generate_series({first}, {first + 40}) as g(i)"
        )
        self._read()

    def began(self) -> None:
        """Take in that a sync of the model as it is now was killed."""
        for email, row in self._rows.items():
            self._possible.setdefault(email, Possible()).began(row)

    def ended(self) -> None:
        """Take in that a sync of the model as it is now has come to its end."""
        for email, possible in self._possible.items():
            if email not in self._rows:
                possible.left()
        for email, row in self._rows.items():
            self._possible.setdefault(email, Possible()).ended(row)

    def check(self) -> None:
        """See to it that Drift holds nothing but what it may, and nobody twice."""
        contacts = self._bench.sandbox.contacts()
        held = {
            str(one.email): Held(
                one.attributes.get("name"),
                one.attributes.get("plan"),
                one.attributes.get("is_active"),
                frozenset(one.tags),
            )
            for one in contacts
        }
        assert len(held) == len(contacts), "a contact was made twice"
        assert held.keys() <= self._possible.keys()
        wrong = {email: found for email, one in self._possible.items() if (found := one.wrong(held.get(email)))}
        assert not wrong, f"{len(wrong)} contacts are wrong: {dict(itertools.islice(wrong.items(), 20))}"

    def _read(self) -> None:
        found = self._bench.warehouse.rows(
            f"select email, name, plan, vip, won, tier, active from {self._bench.schema}.people"
        )
        self._rows = {email: Row(*values) for email, *values in found}
