"""What the ledger says of all syncs, for people who look: the status, and of each sync what Drift has of it.

All of it is read from the ledger: no manifest is needed, nothing is staged, nothing is written. Keys are masked, and so
is what looks like an address in Drift's words, because people mail such a page.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec

from dbt_drift import __version__
from dbt_drift.binding.prepare import locate
from dbt_drift.binding.settings import RateLimit
from dbt_drift.ledger.registry import read_registry
from dbt_drift.ledger.saved_syncs import saved_sync
from dbt_drift.operations.status import LedgerStatus, RunStatus, SyncStatus, status_in
from dbt_drift.wording import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dbt_drift.ledger.bound_sync import BoundSync, Location
    from dbt_drift.ledger.registry import Audience, Registry
    from dbt_drift.project.options import ProjectOptions
    from dbt_drift.project.session import Session

REPORT_VERSION = 1
"""Raised when the JSON form changes in a way that a reader could stumble over."""

EXAMPLES = 5
"""The number of rejected rows that are shown for each reason."""

_ADDRESS = re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+")


class FilledAttribute(msgspec.Struct, frozen=True):
    """An attribute, the column that fills it, and of how many contacts Drift has a value from it."""

    attribute: str
    column: str
    filled: int


class AudienceSize(msgspec.Struct, frozen=True):
    """An audience, and how many contacts carry its tag because of this sync.

    Attributes:
        tag: The tag, or the attribute and its value.
        mode: `add`, `remove` or `mirror`.
        members: The number of contacts.
        is_declared: Whether the sync declared it when it ran last.
    """

    tag: str
    mode: str
    members: int
    is_declared: bool


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that did not get through; `key` and `row_id` are masked unless asked for, `words` are Drift's."""

    key: str
    row_id: str
    attribute: str
    words: str
    tries: int


class RejectedReason(msgspec.Struct, frozen=True):
    """The rows that did not get through for one reason.

    Attributes:
        reason: The code.
        rows: How many rows.
        given_up: Of these, those that are not sent again until they change.
        first_at: When the first of them was rejected; this and the next in UTC, by the warehouse's clock.
        last_at: When the last of them was.
        examples: The last rejected ones.
    """

    reason: str
    rows: int
    given_up: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    examples: list[RejectedRow]


class SyncReport(SyncStatus, frozen=True, kw_only=True):
    """The part of one sync in the ledger, and what Drift has of it.

    Attributes:
        unique_id: dbt's id of the model; "" if another version of dbt-drift ran the sync last.
        name: The model's name.
        relation: The model's relation.
        match_on: The attribute that identifies a contact.
        status: That of its last run among the last runs; "" if it has none there.
        last_at: When that run began, in UTC; None likewise.
        attributes: The mapped attributes.
        audiences: The audiences.
        reasons: The rejected rows, by reason.
    """

    unique_id: str
    name: str
    relation: str
    match_on: str
    status: str
    last_at: dt.datetime | None
    attributes: list[FilledAttribute]
    audiences: list[AudienceSize]
    reasons: list[RejectedReason]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report.

    Attributes:
        report_version: The version of this form.
        generated_at: When it was made, in UTC, by the clock of this machine.
        generated_by: The version of dbt-drift that made it.
        project: The name of the dbt project.
        target: The dbt target.
        quota: The quota that runs share, as the settings say.
        ledger: The state of the ledger, with the last runs.
        syncs: Each sync that has run.
    """

    report_version: int = REPORT_VERSION
    generated_at: dt.datetime
    generated_by: str = __version__
    project: str
    target: str
    quota: RateLimit
    ledger: LedgerStatus
    syncs: list[SyncReport]


def read_report(options: ProjectOptions, *, runs: int, keys: bool = False) -> Report:
    """Read the report.

    Args:
        options: dbt's own flags.
        runs: How many of the last runs.
        keys: Whether keys are shown as they are.

    Raises:
        ConfigurationError: The project is wrong, or a newer program has written the ledger.
        WarehouseError: The warehouse cannot be reached.
    """
    project, settings, location = locate(options)
    hidden: Callable[[str], str] = str if keys else masked
    with project.connect("report") as session:
        status = status_in(session, project, location, runs=runs)
        if not keys:
            status = _without_addresses(status)
        syncs = []
        if status.syncs:
            registry = read_registry(session, location)
            last = _last_runs(status.runs)
            syncs = [_sync(session, location, registry, one, hidden=hidden, last=last) for one in status.syncs]
    return Report(
        generated_at=dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0),
        project=project.name,
        target=project.target_name,
        quota=settings.rate_limit,
        ledger=status,
        syncs=syncs,
    )


def _sync(
    session: Session,
    location: Location,
    registry: Registry,
    status: SyncStatus,
    *,
    hidden: Callable[[str], str],
    last: Mapping[str, tuple[str, dt.datetime]],
) -> SyncReport:
    slug = status.sync
    saved = saved_sync(registry, slug)
    columns = set(registry.tables.get(f"{slug}__accepted", ()))
    audiences = [one for one in registry.of(slug) if one.state in columns]
    mapped = [one for one in saved.attributes if one.state in columns] if saved else []
    _, *counts = next(
        session.rows(
            session.call(
                "filled_sql",
                ledger=location,
                slug=slug,
                tags=[one.state for one in audiences],
                attributes=[one.state for one in mapped],
            )
        )
    )
    members, filled = counts[: len(audiences)], counts[len(audiences) :]
    last_status, last_at = last.get(saved.unique_id if saved else "", ("", None))
    return SyncReport(
        **msgspec.structs.asdict(status),
        unique_id=saved.unique_id if saved else "",
        name=saved.name if saved else slug,
        relation=saved.relation_name if saved else "",
        match_on=saved.match_on if saved else "",
        status=last_status,
        last_at=last_at,
        attributes=[
            FilledAttribute(one.attribute, one.column, count) for one, count in zip(mapped, filled, strict=True)
        ],
        audiences=_sizes(audiences, members, saved),
        reasons=_reasons(session, location, slug, hidden) if status.rejected else [],
    )


def _last_runs(runs: Sequence[RunStatus]) -> dict[str, tuple[str, dt.datetime]]:
    """Return the status and the beginning of the last run of each sync; runs: the latest first."""
    return {counts.unique_id: (counts.status, run.started_at) for run in reversed(runs) for counts in run.syncs}


def _sizes(audiences: Sequence[Audience], members: Sequence[int], saved: BoundSync | None) -> list[AudienceSize]:
    declared = {one.state for one in saved.audiences} if saved else set()
    return [
        AudienceSize(one.tag, one.mode, count, one.state in declared)
        for one, count in zip(audiences, members, strict=True)
    ]


def _reasons(session: Session, location: Location, slug: str, hidden: Callable[[str], str]) -> list[RejectedReason]:
    reasons = list(session.rows(session.call("rejected_reasons_sql", ledger=location, slug=slug)))
    examples: dict[str, list[RejectedRow]] = {reason: [] for reason, *_ in reasons}
    for reason, key, row_id, attribute, words, tries in session.rows(
        session.call("rejected_examples_sql", ledger=location, slug=slug, most=EXAMPLES)
    ):
        said = _said(words or "") if hidden is masked else words or ""
        row = RejectedRow(hidden(key or ""), hidden(row_id) if row_id else "", attribute or "", said, tries)
        examples.setdefault(reason, []).append(row)
    return [
        RejectedReason(reason, rows, given_up, first_at, last_at, examples[reason])
        for reason, rows, given_up, first_at, last_at in reasons
    ]


def _without_addresses(status: LedgerStatus) -> LedgerStatus:
    """Mask what looks like an address in the messages of the runs, which can quote Drift and the warehouse."""
    replace = msgspec.structs.replace
    runs = [
        replace(run, syncs=[replace(counts, message=_said(counts.message)) for counts in run.syncs])
        for run in status.runs
    ]
    return replace(status, runs=runs)


def _said(words: str) -> str:
    return _ADDRESS.sub(lambda found: masked(found[0]), words)
