"""What people are told of: incidents, and the message of a run. They hold counts and codes, never what a row holds."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

import msgspec

from dbt_drift.wording import counted

Kind = Literal["not_started", "failed", "held_back", "empty", "rejected", "stale", "slow", "volume"]

TITLES: dict[Kind, str] = {
    "not_started": "the run could not start",
    "failed": "the sync broke off",
    "held_back": "the sync was blocked",
    "empty": "the model is empty or has shrunk",
    "rejected": "rows did not get through",
    "stale": "no sync has succeeded for long",
    "slow": "the sync took far longer than usual",
    "volume": "far more or fewer rows than usual",
}

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with a sync, or with the run as a whole.

    Attributes:
        unique_id: dbt's id of the model; "" for the run as a whole.
        name: The model's name; "" for the run.
        kind: What is wrong; the page on alerts lists the kinds.
        cause: The code of the reason, if there is one.
        counts: The numbers that say how bad it is.
        owner: Who owns the model, by its meta or its dbt group; "" if nobody does.
    """

    unique_id: str
    name: str
    kind: Kind
    cause: str = ""
    counts: dict[str, float] = {}
    owner: str = ""

    @property
    def key(self) -> tuple[str, Kind]:
        """What tells it from other incidents: it is told once for as long as it lasts."""
        return self.unique_id, self.kind

    def __str__(self) -> str:
        subject = f"{self.name}: " if self.name else ""
        cause = f" ({self.cause})" if self.cause else ""
        return f"{subject}{TITLES[self.kind]}{cause}{self._numbers()}"

    def _numbers(self) -> str:
        parts = [f"{name} {_number(count)}" for name, count in self.counts.items()]
        return f": {', '.join(parts)}" if parts else ""


class OpenIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that a channel was told of and that is not over for it.

    Attributes:
        channel: The name of the channel.
        unique_id: As in `Incident`, as the next two.
        name: The model's name.
        kind: What is wrong.
        thread: Slack's id of the message that told of it; "" where there is none.
        opened_at: When the channel was told, in UTC.
    """

    channel: str
    unique_id: str
    name: str
    kind: Kind
    thread: str
    opened_at: dt.datetime

    @property
    def key(self) -> tuple[str, Kind]:
        """As that of the incident."""
        return self.unique_id, self.kind

    def __str__(self) -> str:
        subject = f"{self.name}: " if self.name else ""
        return f"{subject}no longer so: {TITLES[self.kind]} (told {self.opened_at:%Y-%m-%d %H:%M} UTC)"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """All that one run has to tell one channel.

    Attributes:
        project: The name of the dbt project.
        target: The dbt target.
        invocation_id: The invocation id of the run; "" for a message that is about no run.
        opened: What has become wrong.
        recovered: What is well again.
    """

    project: str
    target: str
    invocation_id: str = ""
    opened: list[Incident] = []
    recovered: list[OpenIncident] = []

    @property
    def title(self) -> str:
        """One line that says what it is about."""
        place = f"{self.project} (target {self.target})"
        if not self.opened and not self.recovered:
            return f"dbt-drift: a test alert from {place}"
        if not self.opened:
            return f"dbt-drift: well again in {place}"
        return f"dbt-drift: {counted(len(self.opened), 'problem')} in {place}"

    @property
    def footer(self) -> str:
        """Where to look."""
        run = f"Run {self.invocation_id}. " if self.invocation_id else ""
        return f"{run}dbt-drift status shows the last runs."


def code_of(reason: str) -> str:
    """Return a reason if it is a code; Drift's own words, which may quote a contact, become `other`."""
    return reason if _CODE.fullmatch(reason) else "other"


def _number(count: float) -> str:
    return f"{count:,.0f}" if count == int(count) else f"{count:,.1f}"
