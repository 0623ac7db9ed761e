"""Blocks a sync that would remove too much, before it sends anything: the model may be incomplete.

Removals are tags that a mirror or a `remove` audience takes away, and values that `nulls: clear` clears. How many
contacts carry the tag of a `remove` audience is unknown, so only a number limits it, not a share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.wording import counted

if TYPE_CHECKING:
    from dbt_drift.binding.settings import Guards
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.ledger.delta import Counts

SHARE_COUNTS_FROM = 20
"""The number of removals, or of rows gone, from which a share counts: fewer are normal in a small audience."""


class Removal(msgspec.Struct, frozen=True):
    """A tag or a value that contacts would lose.

    Attributes:
        what: The tag or the attribute, in words.
        contacts: How many contacts would lose it.
        of: How many contacts have it; None if unknown.
    """

    what: str
    contacts: int
    of: int | None

    def __str__(self) -> str:
        part = counted(self.contacts, "contact")
        if self.of is not None:
            part = f"{self.contacts:,} of {counted(self.of, 'contact')}"
        return f"{part} would lose {self.what}"


class Guard:
    """The limits of one run, and what its syncs remove.

    Args:
        limits: The project's limits.
        max_removals: The number of removals that one sync, and the run, may do, instead of all other limits; None for
            the limits of the project and of the models.
        in_plan: Whether this is a plan, so that the advice need not name `dbt-drift plan`.
    """

    def __init__(self, limits: Guards, max_removals: float | None = None, *, in_plan: bool = False) -> None:
        self._limits = limits
        self._in_plan = in_plan
        self._max_removals = max_removals
        self._removals: list[Removal] = []

    def check(self, sync: Sync, counts: Counts) -> str:
        """Return why a sync is blocked and what it would remove. If it is not, return "" and count its removals."""
        found = removals(sync, counts)
        # A model with its own limits says what is normal for it, so the limits of the run do not count it.
        of_run = [] if sync.guards.most is not None or sync.guards.share is not None else found
        why = [*self._shrunk(sync, counts), *self._too_many(sync, found), *self._too_many_in_run(of_run)]
        if not why:
            self._removals += of_run
            return ""
        lines = [f"Blocked, with nothing sent: {'; '.join(why)}."]
        lines += [f"{'; '.join(map(str, found))}."] if found else []
        meant = f"--max-removals {sum(removal.contacts for removal in found)}" if found else "--allow-removals"
        advice = [] if counts.rows else ["Check whether the build was complete."]
        advice += [] if self._in_plan else ["Look at it with `dbt-drift plan`."]
        advice.append(
            f"If you intend it: `dbt-drift sync --select {sync.name} {meant}`, or raise the limit in `guards`."
        )
        lines.append(" ".join(advice))
        return "\n  ".join(lines)

    def cause(self, sync: Sync, counts: Counts) -> str:
        """Return the code of what blocked a sync: `empty` or `shrunken`, of its model, or `removals`."""
        if not self._shrunk(sync, counts):
            return "removals"
        return "shrunken" if counts.rows else "empty"

    def _shrunk(self, sync: Sync, counts: Counts) -> list[str]:
        before, now = counts.rows_before or 0, counts.rows
        limit = 1 if self._max_removals is not None else _of(sync.guards.shrink, self._limits.shrink)
        gone = before - now
        if gone <= limit * before or (now and gone < SHARE_COUNTS_FROM):
            return []
        if not now:
            return [f"the model is empty, and had {counted(before, 'row')} in the last sync"]
        return [f"the model has {counted(now, 'row')}, and had {before:,} in the last sync (limit: {limit:.0%} fewer)"]

    def _too_many(self, sync: Sync, found: list[Removal]) -> list[str]:
        most, share = _of(sync.guards.most, self._limits.most), _of(sync.guards.share, self._limits.share)
        if self._max_removals is not None:
            most, share = self._max_removals, 1
        return [
            f"too many contacts would lose {removal.what} (limit: {_limit(most, share)})"
            for removal in found
            if _exceeds(removal.contacts, removal.of, most, share)
        ]

    def _too_many_in_run(self, found: list[Removal]) -> list[str]:
        most, share = float(self._limits.run_most), self._limits.run_share
        if self._max_removals is not None:
            most, share = self._max_removals, 1
        every = [*self._removals, *found]
        known = [removal for removal in every if removal.of is not None]
        total = sum(removal.contacts for removal in every)
        part, of = sum(removal.contacts for removal in known), sum(removal.of or 0 for removal in known)
        if not found or not (_exceeds(total, None, most, share) or _exceeds(part, of, math.inf, share)):
            return []
        return [f"the run would take away {total:,} tags and values (limit: {_limit(most, share)})"]


def removals(sync: Sync, counts: Counts) -> list[Removal]:
    """Return what contacts would lose, tag by tag and attribute by attribute."""
    known = {audience.tag for audience in sync.audiences if audience.mode == "mirror"}
    tags = [
        Removal(f"the tag {tag!r}", count, counts.tags_carried[tag] if tag in known else None)
        for tag, count in counts.tags_removed.items()
        if count
    ]
    values = [
        Removal(f"the value of {name}", count, counts.values_set[name]) for name, count in counts.values_cleared.items()
    ]
    return [*tags, *values]


def _exceeds(number: int, of: int | None, most: float, share: float) -> bool:
    return number > most or (of is not None and number >= SHARE_COUNTS_FROM and number > share * of)


def _of(own: float | None, general: float) -> float:
    return general if own is None else own


def _limit(most: float, share: float) -> str:
    parts = [f"{most:,.0f}"] if math.isfinite(most) else []
    return " or ".join([*parts, *([f"{share:.0%}"] if share < 1 else [])])
