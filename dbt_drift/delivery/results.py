"""What a run did, as target/drift_results.json keeps it: shaped after dbt's run_results.json, with a schema of its own.

The shape is versioned: a change that could break a reader raises `SCHEMA_VERSION` and gets a new schema file in
docs/schemas/. Keys are masked: the artifact is uploaded and mailed, the rejected rows themselves are in the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from dbt_drift.drift.contact.new_contacts import NewContactCounts
from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped_json

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.ledger.delta import Counts

SCHEMA_VERSION = "drift_results/v1"

FILE_NAME = "drift_results.json"

SyncStatus = Literal["success", "warn", "blocked", "error", "skipped"]


class RowCounts(msgspec.Struct, kw_only=True):
    """Where the model's rows went; `read` = unchanged + sent + invalid + rejected + given_up + unfinished.

    Attributes:
        read: Rows of the model.
        unchanged: Rows in which Drift lacked nothing.
        sent: Rows that Drift holds now: created + updated + matched, departed contacts left out.
        invalid: Rows that could not be sent: no key, a malformed one, a duplicate one, a number that is none.
        rejected: Rows that Drift refused, or that did not get through after all tries.
        given_up: Rows that were given up in earlier runs and have not changed since: not sent.
        unfinished: Rows that the run did not come to.
        departed: Contacts, not rows: those whose row has left the model and that lost their tags.
    """

    read: int = 0
    unchanged: int = 0
    sent: int = 0
    invalid: int = 0
    rejected: int = 0
    given_up: int = 0
    unfinished: int = 0
    departed: int = 0

    @classmethod
    def staged(cls, counts: Counts) -> RowCounts:
        """Return the counts of a sync that has staged its model and sent nothing yet."""
        return cls(
            read=counts.rows,
            unchanged=counts.unchanged,
            invalid=sum(counts.invalid.values()),
            given_up=sum(counts.given_up.values()),
            unfinished=counts.sendable - counts.departed,
        )

    @property
    def problem(self) -> str:
        """What is wrong with the sum, or "": counted in the warehouse and here, it has to come out even."""
        parts = {
            "unchanged": self.unchanged,
            "sent": self.sent,
            "invalid": self.invalid,
            "rejected": self.rejected,
            "given_up": self.given_up,
            "unfinished": self.unfinished,
        }
        if sum(parts.values()) == self.read and min(parts.values()) >= 0:
            return ""
        said = " + ".join(f"{count} {name}" for name, count in parts.items())
        return f"the counts do not add up: {self.read} rows read, but {said}."


class ContactCounts(msgspec.Struct, kw_only=True):
    """What came of the contacts that were sent.

    Attributes:
        created: Contacts that are new in Drift.
        updated: Contacts of Drift that were changed.
        matched: Contacts found in Drift as they should be; nothing was written.
        tags_added: Tags that were set; those that were found set are not counted.
        tags_removed: Tags that were taken away; those that were found missing are not counted.
    """

    created: int = 0
    updated: int = 0
    matched: int = 0
    tags_added: int = 0
    tags_removed: int = 0


class Rejection(msgspec.Struct, frozen=True):
    """A row that did not get through.

    Attributes:
        key: Its key, masked.
        reason: A short code; the docs list them.
        attribute: The attribute to blame, where one is.
    """

    key: str
    reason: str
    attribute: str | None = None


class SyncResult(msgspec.Struct, kw_only=True):
    """What came of one sync.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name.
        status: `success`; `warn`: some rows did not get through; `blocked`: the sync was blocked before it sent
            anything; `error`: the sync broke off; `skipped`: an earlier one broke the run off.
        message: One line for a person.
        execution_time: In seconds.
        rows: Where the model's rows went.
        contacts: What came of those that were sent.
        new_contacts: How many of them were new to us, and how many of these Drift had already.
        requests: Requests to Drift, repetitions included.
        throttled: Of these, how many Drift answered with 429.
        reasons: How many rows did not get through, those given up included, by reason.
        rejections: The first of them.
        rejected_relation: The table that holds all of them; "" where the sync broke off before it was written.
    """

    unique_id: str
    name: str
    status: SyncStatus
    message: str = ""
    execution_time: float = 0.0
    rows: RowCounts = msgspec.field(default_factory=RowCounts)
    contacts: ContactCounts = msgspec.field(default_factory=ContactCounts)
    new_contacts: NewContactCounts = NewContactCounts()
    requests: int = 0
    throttled: int = 0
    reasons: dict[str, int] = {}
    rejections: list[Rejection] = []
    rejected_relation: str = ""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """Where a results file comes from.

    Attributes:
        schema_version: Which shape this is: `drift_results/v1`.
        dbt_drift_version: The program's version.
        generated_at: UTC, ISO 8601.
        invocation_id: This run.
        project_name: dbt's project.
        target_name: dbt's target.
        adapter_type: The warehouse.
        drift_url: Where Drift was.
    """

    schema_version: str
    dbt_drift_version: str
    generated_at: str
    invocation_id: str
    project_name: str
    target_name: str
    adapter_type: str
    drift_url: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """target/drift_results.json.

    Attributes:
        metadata: Where it comes from.
        results: One entry a sync, in the order of the run.
        elapsed_time: Of the whole run, in seconds.
    """

    metadata: Metadata
    results: list[SyncResult]
    elapsed_time: float

    @property
    def exit_code(self) -> int:
        """0 all well, 1 some rows or syncs failed, 2 nothing could be run: dbt's own meaning."""
        statuses = {result.status for result in self.results}
        if statuses <= {"success"}:
            return 0
        done = statuses & {"success", "warn", "blocked"} or any(
            result.rows.sent or result.rows.problem for result in self.results
        )
        return 1 if done else 2

    @property
    def status(self) -> SyncStatus:
        """The worst of the syncs' statuses; `skipped` comes with an `error`."""
        statuses = {result.status for result in self.results}
        return next((status for status in ("error", "blocked", "warn") if status in statuses), "success")


def remove_results(folder: Path) -> None:
    """Take away what an earlier run left: it may not pass for the results of a run that cannot start, or is killed.

    Raises:
        ConfigurationError: It cannot be taken away.
    """
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as error:
        raise _unwritable(folder, error) from error


def check_folder(folder: Path) -> None:
    """Make sure that results can be written, before there is anything to write.

    Raises:
        ConfigurationError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draft(folder).write_bytes(b"")
        _draft(folder).unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_results(results: Results, folder: Path) -> Path:
    """Write the artifact, in one step: a reader never sees half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    document = escaped_json(msgspec.json.format(msgspec.json.encode(results), indent=2))
    _draft(folder).write_text(document, encoding="utf-8")
    return _draft(folder).replace(folder / FILE_NAME)


def _draft(folder: Path) -> Path:
    return folder / f"{FILE_NAME}.tmp"


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} cannot be written ({error.strerror}), and the results of the run go there. Nothing is sent.",
        advice="Make the folder writable. Or copy manifest.json and run_results.json to another folder, and name that "
        "with --target-path.",
    )
