"""A plan as a file: what somebody has approved, and what a later sync may send.

The file holds counts and digests, no keys and no values. `dbt-drift sync --plan` compares it with what a sync would
send now, and refuses if anything differs.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from dbt_drift import __version__
from dbt_drift.errors import ConfigurationError
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dbt_drift.binding.prepared import Prepared

SAVED_PLAN_VERSION = 1
"""Incremented when the file changes in a way that can break a reader."""

_AGAIN = "Plan again, and let the new plan be approved."


class SavedSync(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan says about one sync.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name.
        mapping: A hash of the mapping, bound to the columns of the relation.
        digest: A digest of all contacts to send: keys, values, tags, and what Drift has accepted before.
        contacts: The number of contacts to send.
        new: How many of them have no known Drift id.
        changed: How many have one.
        departed: How many have left the model, and lose tags.
    """

    unique_id: str
    name: str
    mapping: str
    digest: str
    contacts: int
    new: int
    changed: int
    departed: int


class SavedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that `dbt-drift plan --out` has written.

    Attributes:
        saved_plan_version: The version of this form.
        dbt_drift_version: The version of dbt-drift that planned.
        created_at: When, in UTC, as ISO 8601.
        project_name: The dbt project.
        target_name: The dbt target.
        drift_url: The URL of Drift.
        organisation: The organisation that the token opens, or else that the ledger describes; "" if unknown.
        ledger: The schema of the ledger.
        turn: How often the ledger's lock had been taken; None without a ledger.
        syncs: The syncs, in the order of the run.
    """

    saved_plan_version: int
    dbt_drift_version: str
    created_at: dt.datetime
    project_name: str
    target_name: str
    drift_url: str
    organisation: str
    ledger: str
    turn: int | None
    syncs: list[SavedSync]

    def digest_of(self, unique_id: str) -> str:
        """Return the digest of a sync; "" if the plan does not have it."""
        return next((sync.digest for sync in self.syncs if sync.unique_id == unique_id), "")


def saved(
    prepared: Prepared, syncs: Sequence[SavedSync], *, url: str, organisation: str, turn: int | None
) -> SavedPlan:
    """Return what syncs would send now as a plan to save or to compare.

    Args:
        prepared: The project and its syncs.
        syncs: What each would send.
        url: The URL of Drift.
        organisation: The organisation that the token opens, or else that the ledger describes; "" if unknown.
        turn: How often the ledger's lock was taken before.
    """
    return SavedPlan(
        saved_plan_version=SAVED_PLAN_VERSION,
        dbt_drift_version=__version__,
        created_at=dt.datetime.now(dt.timezone.utc).replace(microsecond=0),
        project_name=prepared.project.name,
        target_name=prepared.project.target_name,
        drift_url=url,
        organisation=organisation,
        ledger=prepared.location.schema,
        turn=turn,
        syncs=list(syncs),
    )


def write_plan(plan: SavedPlan, path: Path) -> None:
    """Write a plan.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
    except OSError as error:
        raise ConfigurationError(f"The plan cannot be written to {path}: {error.strerror}.") from error


def read_plan(path: Path, *, max_age_hours: float) -> SavedPlan:
    """Read a plan.

    Args:
        path: The file.
        max_age_hours: How old it may be.

    Raises:
        ConfigurationError: The file is no plan, was written by another version of dbt-drift, or is too old.
    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=SavedPlan)
    except OSError as error:
        raise ConfigurationError(f"The plan {path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no plan of dbt-drift: {error}.", advice="`dbt-drift plan --out FILE` writes one."
        ) from error
    if (plan.saved_plan_version, plan.dbt_drift_version) != (SAVED_PLAN_VERSION, __version__):
        raise ConfigurationError(
            f"dbt-drift {plan.dbt_drift_version} wrote the plan {path}, and this is dbt-drift {__version__}.",
            advice=_AGAIN,
        )
    age = (dt.datetime.now(dt.timezone.utc) - plan.created_at).total_seconds() / 3600
    if age > max_age_hours:
        raise ConfigurationError(
            f"The plan {path} is {age:.1f} hours old, and may be {max_age_hours:g}.",
            advice=f"{_AGAIN} Or allow more with --max-age HOURS.",
        )
    return plan


def refuse_changed(plan: SavedPlan, now: SavedPlan, blocked: Mapping[str, str]) -> None:
    """Refuse a plan that differs from what a sync would send now.

    Args:
        plan: The plan.
        now: What a sync would send, in the same form.
        blocked: By unique id, why syncs are blocked.

    Raises:
        ConfigurationError: Something differs; names it all.
    """
    if moved := [*_moved_around(plan, now), *_moved_syncs(plan, now, blocked)]:
        listed = "\n".join(f"  - {one}" for one in moved)
        raise ConfigurationError(
            f"The plan is not what a sync would send now. Nothing was sent.\n{listed}", advice=_AGAIN
        )


def _moved_around(plan: SavedPlan, now: SavedPlan) -> Iterator[str]:
    for what, planned, found in (
        ("project", plan.project_name, now.project_name),
        ("target", plan.target_name, now.target_name),
        ("URL of Drift", plan.drift_url, now.drift_url),
        ("schema of the ledger", plan.ledger, now.ledger),
    ):
        if planned != found:
            yield f"The {what} was {planned}, and is {found}."
    if plan.organisation != now.organisation and plan.organisation:
        yield f"The Drift organisation was {plan.organisation}, and is {now.organisation or 'unknown'}."


def _moved_syncs(plan: SavedPlan, now: SavedPlan, blocked: Mapping[str, str]) -> Iterator[str]:
    found = {one.unique_id: one for one in now.syncs}
    for planned in plan.syncs:
        one = found.get(planned.unique_id)
        if planned.unique_id in blocked:
            yield f"{planned.name}: {blocked[planned.unique_id]}"
        elif one is None:
            yield f"{planned.name}: no model of the project declares it any more."
        elif one.mapping != planned.mapping:
            yield f"{planned.name}: its declaration, its columns or the attributes that Drift lists have changed."
        elif one.digest != planned.digest:
            is_alone = now.turn == (plan.turn or 0)
            what = "rows of the model" if is_alone else "rows of the model, or the ledger by another run,"
            yield f"{planned.name}: the {what} changed. Planned: {_said(planned)}. Now: {_said(one)}."


def _said(sync: SavedSync) -> str:
    return f"{counted(sync.new, 'new contact')}, {sync.changed:,} changed, {sync.departed:,} that left"
