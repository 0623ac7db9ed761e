"""The ledger of one sync: reads the difference, journals the answers, updates the accepted values.

All SQL is in the macros; this module calls them and gives types to their rows. The methods of a run share a
connection, and `let_go` closes it before requests go out: no server cuts an idle connection, and DuckDB's file stays
free for dbt. docs/reference/ledger.md describes the relations, and what a crash leaves in them.
"""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from dbt_drift.errors import WarehouseError
from dbt_drift.ledger.delta import Counts, DeltaRow, Entry, InvalidRow
from dbt_drift.ledger.patience import Patience
from dbt_drift.ledger.saved_syncs import spec_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.lock import RunLock
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.session import Session

P = ParamSpec("P")
R = TypeVar("R")


def _patient(method: Callable[Concatenate[SyncLedger, P], R]) -> Callable[Concatenate[SyncLedger, P], R]:
    """Repeat a method while the warehouse is away. Each method is one transaction, and can run twice."""

    @functools.wraps(method)
    def repeated(ledger: SyncLedger, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if ledger.patience is None:
            return method(ledger, *args, **kwargs)
        return ledger.patience.repeat(lambda: method(ledger, *args, **kwargs))

    return repeated


class SyncLedger:
    """The ledger of one sync.

    Args:
        project: The dbt project whose adapter is used.
        sync: The sync.
        delta: The name of the delta; a plan has a separate one, so that it does not disturb a sync.
        everyone_left: Whether to treat all contacts as if their rows had left the model, which is then not read.
        lock: The lock of the run that writes; None for a plan, which writes nothing that others read.
        tell: Gets a notice when the warehouse is away; None to end the command at once, as in a plan.

    Attributes:
        rejected: The name of the table with the rejected rows.
        patience: Repeats work while the warehouse is away; None to repeat nothing.
    """

    def __init__(
        self,
        project: DbtProject,
        sync: BoundSync,
        *,
        delta: str = "delta",
        everyone_left: bool = False,
        lock: RunLock | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._project = project
        self.patience = Patience(tell) if tell else None
        self._lock = lock
        self._sync = sync
        self._delta = delta
        self._everyone_left = everyone_left
        self._attributes = [one.attribute for one in sync.attributes]
        self._clearing = [one.attribute for one in sync.attributes if one.clears]
        self._tags = [one.tag for one in sync.audiences]
        self.rejected = f"{sync.ledger.schema}.{sync.slug}__rejected"

    @_patient
    def open(self) -> None:
        """Create the relations of the sync that are missing, and register its audiences."""
        registers = not self._everyone_left
        with self._project.connect("open") as session:
            if session.call("is_open", sync=self._sync, delta=self._delta, registers=registers):
                return
            with session.transaction():
                session.call("open_ledger", sync=self._sync, delta=self._delta)
                if registers:
                    session.call("register_audiences", sync=self._sync)

    @_patient
    def stage(self, stage_id: str) -> Counts:
        """Write the difference to the delta and count it."""
        with self._project.connect("stage") as session:
            with self._work(session):
                session.call("fix_settings")
                session.call(
                    "stage",
                    sync=self._sync,
                    stage_id=stage_id,
                    delta=self._delta,
                    everyone_left=self._everyone_left,
                )
            return self._counts(session)

    @_patient
    def find_changes(
        self, *, full_refresh: bool = False, retry: bool = False, reason: str | None = None
    ) -> tuple[str, Counts]:
        """Fold what an earlier run left, and find what differs now, over one connection.

        Args:
            full_refresh: Whether to send again what Drift has accepted.
            retry: Whether to send rows again that were given up.
            reason: With `retry`, only the rows with this reason; None for all.

        Returns:
            The id of the stage, and its counts.
        """
        with self._project.connect("changes"):
            self.open()
            self.fold()
            if full_refresh:
                self.reset_accepted()
            if retry:
                self.release(reason)
            if stage_id := self.staged():
                return stage_id, self.counts()
            stage_id = uuid.uuid4().hex
            return stage_id, self.stage(stage_id)

    @_patient
    def staged(self) -> str | None:
        """Return the id of the stage that the model's post-hook left in dbt's last invocation, if there is one.

        A stage of another invocation may be older than the model. A stage of another declaration does not fit.
        """
        with self._project.connect("staged") as session:
            sql = session.call("staged_sql", sync=self._sync, spec_hash=spec_hash(self._sync))
            for (stage_id,) in session.rows(sql):
                if stage_id == f"dbt-{self._project.last_invocation()}":
                    return str(stage_id)
        return None

    @_patient
    def counts(self) -> Counts:
        """Count what is staged."""
        with self._project.connect("counts") as session:
            return self._counts(session)

    @_patient
    def page(self, after: int, upto: int) -> list[DeltaRow]:
        """Return the contacts numbered `after` + 1 to `upto`, in that order."""
        with self._project.connect("page") as session:
            sql = session.call("page_sql", sync=self._sync, after=after, upto=upto, delta=self._delta)
            return [self._row(values) for values in session.rows(sql)]

    @_patient
    def invalid(self, most: int) -> list[InvalidRow]:
        """Return up to `most` of the rows that cannot be sent."""
        with self._project.connect("invalid") as session:
            sql = session.call("invalid_sql", sync=self._sync, most=most, delta=self._delta)
            return [InvalidRow(*values) for values in session.rows(sql)]

    def begin_sending(self, stage_id: str) -> None:
        """Journal that the stage is being sent from now on, so that a kill leaves its contacts in doubt."""
        self.record([Entry(stage_id, 0, None, "sending", False, False, None, None)])  # noqa: FBT003 - columns in order

    @_patient
    def record(self, entries: Sequence[Entry]) -> None:
        """Append outcomes to the journal, in one transaction."""
        with self._project.connect("journal") as session, self._transaction(session):
            session.call("journal", sync=self._sync, entries=[_bindings(entry) for entry in entries])

    @_patient
    def keep_lock(self) -> None:
        """Renew the lock while there is nothing to write."""
        if self._lock is not None:
            self._lock.keep()

    def let_go(self) -> None:
        """Close the connection, if one is held, before a wait for Drift."""
        self._project.let_go()

    def columns_of(self, attributes: Collection[str], tags: Collection[str]) -> list[str]:
        """Return the ledger's columns of these attributes and tags."""
        columns = [one.state for one in self._sync.attributes if one.attribute in attributes]
        return columns + [one.state for one in self._sync.audiences if one.tag in tags]

    @_patient
    def fold(self) -> None:
        """Fold what an interrupted run left: what Drift accepted, and what it may have accepted.

        Call it before the next stage.
        """
        with self._project.connect("fold") as session:
            if not session.call("is_folded", sync=self._sync):
                with self._work(session):
                    session.call("fold", sync=self._sync)

    @_patient
    def release(self, reason: str | None) -> None:
        """Allow rows that were given up to be staged again; those with this reason, or all."""
        with self._project.connect("release") as session, self._transaction(session):
            session.call("release", sync=self._sync, reason=reason)

    @_patient
    def finish(self, *, in_doubt: bool = False) -> None:
        """Write the rejected rows of this run, and fold the rest.

        Args:
            in_doubt: Whether Drift may have accepted something of contacts without a journaled outcome.
        """
        with self._project.connect("finish") as session:
            if not session.call("is_finished", sync=self._sync):
                with self._work(session):
                    session.call("finish", sync=self._sync, in_doubt=in_doubt)

    def discard(self) -> None:
        """Drop the delta, for a plan."""
        with self._project.connect("discard") as session, session.transaction():
            session.call("discard", sync=self._sync, delta=self._delta)

    @_patient
    def reset_accepted(self) -> None:
        """Make all accepted values uncertain, so that they are sent again; Drift ids stay known."""
        with self._project.connect("reset") as session, self._work(session):
            session.call("reset_accepted", sync=self._sync)

    def _transaction(self, session: Session) -> AbstractContextManager[None]:
        return session.transaction() if self._lock is None else self._lock.transaction(session)

    def _work(self, session: Session) -> AbstractContextManager[None]:
        return session.transaction() if self._lock is None else self._lock.work(session)

    def _counts(self, session: Session) -> Counts:
        reasons = list(session.rows(session.call("reason_counts_sql", sync=self._sync, delta=self._delta)))
        invalid = {reason: count for reason, is_given_up, count in reasons if not is_given_up}
        given_up = {reason: count for reason, is_given_up, count in reasons if is_given_up}
        found = list(
            session.rows(
                session.call("counts_sql", sync=self._sync, delta=self._delta, everyone_left=self._everyone_left)
            )
        )
        if not found:
            raise WarehouseError(f"The delta of {self._sync.slug} returned no counts.")
        before_sql = session.call("rows_before_sql", sync=self._sync)
        fixed, rest = found[0][:6], list(found[0][6:])
        attributes = dict(zip(self._attributes, rest, strict=False))
        tags = rest[len(self._attributes) :][: 2 * len(self._tags)]
        cleared = rest[len(self._attributes) + len(tags) :]
        removed = dict(zip(self._tags, tags[1::2], strict=True))
        losses = {name: count for name, count in zip(self._clearing, cleared, strict=True) if count}
        carried, values_set = self._accepted_counts(session, removed, losses)
        rows, differing, sendable, new, changed, departed = fixed
        return Counts(
            rows=max(rows, differing),  # dbt may have built the model again since it was compared, with fewer rows
            differing=differing,
            sendable=sendable,
            new=new,
            changed=changed,
            departed=departed,
            invalid=invalid,
            given_up=given_up,
            attributes=attributes,
            tags_added=dict(zip(self._tags, tags[0::2], strict=True)),
            tags_removed=removed,
            tags_carried=carried,
            values_cleared=losses,
            values_set=values_set,
            rows_before=next((before for (before,) in session.rows(before_sql)), None),
        )

    def _accepted_counts(
        self, session: Session, removed: dict[str, int], cleared: dict[str, int]
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many contacts have the tags and values that some lose; reads nothing if none lose any."""
        if not any(removed.values()) and not cleared:
            return {}, {}
        ((_, *found),) = session.rows(session.call("accepted_counts_sql", sync=self._sync))
        carried = {tag: count for tag, count in zip(self._tags, found, strict=False) if removed[tag]}
        values_set = dict(zip(self._clearing, found[len(self._tags) :], strict=True))
        return carried, {name: values_set[name] for name in cleared}

    def _row(self, values: tuple[Any, ...]) -> DeltaRow:
        seq, action, key, contact_id, *states = values
        pairs = list(zip(states[0::2], states[1::2], strict=True))
        attributes, tags = pairs[: len(self._attributes)], pairs[len(self._attributes) :]
        return DeltaRow(
            seq=seq,
            departed=action == "leave",
            key=key,
            contact_id=contact_id,
            wanted={name: new for name, (new, _) in zip(self._attributes, attributes, strict=True) if new is not None},
            accepted={
                name: old for name, (_, old) in zip(self._attributes, attributes, strict=True) if old is not None
            },
            wanted_tags={tag: new for tag, (new, _) in zip(self._tags, tags, strict=True) if new is not None},
            accepted_tags={tag: old for tag, (_, old) in zip(self._tags, tags, strict=True) if old is not None},
        )


def _bindings(entry: Entry) -> list[Any]:
    *values, confirmed = msgspec.structs.astuple(entry)
    return [*values, None if confirmed is None else f",{','.join(confirmed)},"]
