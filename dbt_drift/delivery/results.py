"""What a run did, as in target/drift_results.json: similar to dbt's run_results.json, with its own JSON Schema.

A change that could break a reader gets a new `SCHEMA_VERSION` and a new schema file in docs/schemas/. Keys are masked,
because people upload and mail the artifact; the rejected rows are in the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from dbt_drift.drift.contact.new_contacts import NewContactCounts
from dbt_drift.drift.contact.reasons import NO_CONTACT
from dbt_drift.errors import ConfigurationError, exit_code_of, is_retryable
from dbt_drift.escaping import escaped_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dbt_drift.ledger.delta import Counts

FailOn = Literal["warn", "blocked", "error"]

_FAILURES: dict[FailOn, set[str]] = {
    "warn": {"warn", "blocked", "error", "skipped"},
    "blocked": {"blocked", "error", "skipped"},
    "error": {"error", "skipped"},
}

SCHEMA_VERSION = "drift_results/v1"

FILE_NAME = "drift_results.json"

SyncStatus = Literal["success", "warn", "blocked", "error", "skipped"]


class RowCounts(msgspec.Struct, kw_only=True):
    """The outcomes of the model's rows; `read` is the sum of all counts between it and `departed`.

    Attributes:
        read: Rows of the model.
        unchanged: Rows in which nothing has changed.
        sent: Rows that Drift has now: created + updated + matched, without departed contacts.
        suppressed: Rows of people who are not to be contacted, by `suppress`. Nothing is written but tags taken away.
        missing: Rows whose contact Drift does not have, where `create_missing: false` creates none. This is no failure.
        invalid: Rows that cannot be sent, such as rows without a key, or with a malformed or duplicate one.
        rejected: Rows that Drift refused, or that failed after all tries.
        given_up: Rows that earlier runs gave up and that have not changed since. They are not sent. Those whose contact
            is missing count there.
        unfinished: Rows that the run did not reach.
        departed: Contacts, not rows: those whose row left the model, and that lost their tags.
    """

    read: int = 0
    unchanged: int = 0
    sent: int = 0
    suppressed: int = 0
    missing: int = 0
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
            suppressed=counts.suppressed,
            missing=counts.given_up.get(NO_CONTACT, 0),
            invalid=sum(counts.invalid.values()),
            given_up=sum(failed_before(counts).values()),
            unfinished=counts.sendable - counts.departed,
        )

    @property
    def not_through(self) -> int:
        """The rows that did not get through, in this run or in earlier ones."""
        return self.invalid + self.rejected + self.given_up

    @property
    def problem(self) -> str:
        """What is wrong with the sum, or "": the warehouse and Python count separately, and have to agree."""
        parts = {
            name: count for name, count in msgspec.structs.asdict(self).items() if name not in {"read", "departed"}
        }
        if sum(parts.values()) == self.read and min(parts.values()) >= 0:
            return ""
        said = " + ".join(f"{count} {name}" for name, count in parts.items())
        return f"the counts do not add up: {self.read} rows read, but {said}."


def failed_before(counts: Counts) -> dict[str, int]:
    """Return the rows that earlier runs gave up, by reason, without those whose contact is missing."""
    return {reason: count for reason, count in counts.given_up.items() if reason != NO_CONTACT}


class ContactCounts(msgspec.Struct, kw_only=True):
    """The outcomes of the contacts that were sent.

    Attributes:
        created: Contacts that dbt-drift created.
        updated: Contacts that dbt-drift changed.
        matched: Contacts that Drift already had as the model wants them; nothing was written.
        tags_added: Tags that dbt-drift added; tags that the contact already had are not counted.
        tags_removed: Tags that dbt-drift removed; tags that the contact did not have are not counted.
    """

    created: int = 0
    updated: int = 0
    matched: int = 0
    tags_added: int = 0
    tags_removed: int = 0


class Rejection(msgspec.Struct, frozen=True):
    """A row that was rejected, failed or is invalid.

    Attributes:
        key: Its key, masked.
        reason: A short code; the docs list them.
        attribute: The attribute that caused it, if any.
    """

    key: str
    reason: str
    attribute: str | None = None


class SyncResult(msgspec.Struct, kw_only=True):
    """The result of one sync.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name.
        status: `success`; `warn`: some rows were rejected or are invalid; `blocked`: the sync was blocked before it
            sent anything; `error`: the sync broke off; `skipped`: an earlier sync broke off.
        message: One line for a person.
        cause: Why the status is `blocked` or `error`, as a code that names no data; "" otherwise.
        execution_time: In seconds.
        rows: The outcomes of the model's rows.
        contacts: The outcomes of the contacts that were sent.
        new_contacts: How many contacts the ledger did not know, and how many of these Drift already had.
        requests: Requests to Drift, repetitions included.
        throttled: Of these, how many Drift answered with 429.
        reasons: The number of rows that were not accepted, those given up included, by reason.
        rejections: The first of these rows.
        rejected_relation: The table with all of them; "" if the sync broke off before it wrote the table.
    """

    unique_id: str
    name: str
    status: SyncStatus
    message: str = ""
    cause: str = ""
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
    """The run that wrote the results.

    Attributes:
        schema_version: The version of the JSON Schema: `drift_results/v1`.
        dbt_drift_version: The version of dbt-drift.
        generated_at: UTC, ISO 8601.
        invocation_id: The invocation id of the run.
        project_name: The name of the dbt project.
        target_name: The dbt target.
        adapter_type: The type of the warehouse.
        drift_url: The URL of Drift.
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
        metadata: The run.
        results: One entry for each sync, in the order of the run.
        elapsed_time: The duration of the whole run, in seconds.
    """

    metadata: Metadata
    results: list[SyncResult]
    elapsed_time: float

    @property
    def exit_code(self) -> int:
        """The exit code of the command, if it fails on every row that did not get through; see `code`."""
        return self.code("warn")

    def code(self, fail_on: FailOn) -> int:
        """Return the exit code of the command.

        Args:
            fail_on: The mildest status of a sync that is a failure: `warn`, `blocked` or `error`.

        Returns:
            0: no sync failed. 1: some did. If every sync broke off before it sent anything: 4 if the same may work in a
            while, 3 if another run has taken the lock, else 2.
        """
        statuses = {result.status for result in self.results}
        if not statuses & _FAILURES[fail_on]:
            return 0
        done = statuses & {"success", "warn", "blocked"} or any(
            result.rows.sent or result.rows.problem for result in self.results
        )
        return 1 if done else max(exit_code_of(cause) for cause in self.causes)

    @property
    def causes(self) -> list[str]:
        """The causes of the syncs that broke off."""
        return [result.cause for result in self.results if result.status == "error"]

    @property
    def is_retryable(self) -> bool:
        """Whether the same command may do more later, with nothing mended: all that broke off may pass by itself."""
        return bool(self.causes) and all(is_retryable(cause) for cause in self.causes)

    @property
    def status(self) -> SyncStatus:
        """The worst of the syncs' statuses."""
        return worst_status(self.results)


def worst_status(results: Sequence[SyncResult]) -> SyncStatus:
    """Return the worst status of some results; `skipped` comes with an `error`."""
    statuses = {result.status for result in results}
    return next((status for status in ("error", "blocked", "warn") if status in statuses), "success")


def remove_results(folder: Path) -> None:
    """Delete the results of an earlier run, which nobody must take for those of a run that cannot start or is killed.

    Raises:
        ConfigurationError: The file cannot be deleted.
    """
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as error:
        raise _unwritable(folder, error) from error


def check_folder(folder: Path) -> None:
    """Check that results can be written, before the run sends anything.

    Raises:
        ConfigurationError: They cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draft(folder).write_bytes(b"")
        _draft(folder).unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_results(results: Results, folder: Path) -> Path:
    """Write the artifact in one step, so that a reader never sees half of it."""
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
