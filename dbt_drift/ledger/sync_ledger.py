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

from dbt_drift.errors import ConfigurationError
from dbt_drift.ledger.counting import count_delta, nothing_differs
from dbt_drift.ledger.delta import Counts, DeltaRow, Entry, InvalidRow, Left, delta_row
from dbt_drift.ledger.patience import Patience
from dbt_drift.ledger.registry import a_tag_is_seen
from dbt_drift.ledger.saved_syncs import spec_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.lock import RunLock
    from dbt_drift.ledger.registry import Registry
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
        registry: What the ledger has on record.
        delta: The name of the delta; a plan has a temporary one.
        everyone_left: Whether to treat all contacts as if their rows had left the model, which is then not read.
        lock: The lock of the run that writes; None for a plan, which writes nothing that others read.
        tell: Gets a notice when the warehouse is away; None to end the command at once, as in a plan.

    Attributes:
        sync: The sync; once a plan has opened it, with the tables that the plan has temporarily.
        rejected: The name of the table with the rejected rows.
        patience: Repeats work while the warehouse is away; None to repeat nothing.
    """

    def __init__(
        self,
        project: DbtProject,
        sync: BoundSync,
        registry: Registry,
        *,
        delta: str = "delta",
        everyone_left: bool = False,
        lock: RunLock | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._project = project
        self.patience = Patience(tell) if tell else None
        self._lock = lock
        self.sync = sync
        self._registry = registry
        self._delta = delta
        self._everyone_left = everyone_left
        self._found_left: Left | None = None
        self._is_journaled = False
        self._has_unsendable = False
        self._is_partial = False
        self.rejected = f"{sync.ledger.schema}.{sync.slug}__rejected"

    @_patient
    def open(self) -> None:
        """Create the relations of the sync that are missing, and register its audiences.

        A plan writes nothing to the ledger: it has what is missing temporarily, until its connection is closed.
        """
        with self._project.connect("open") as session:
            if self._lock is None:
                present = self._registry.tables
                found = session.call("overlay", sync=self.sync, delta=self._delta, present=present)
                overlaid = msgspec.structs.replace(self.sync.ledger, overlaid=tuple(found))
                self.sync = msgspec.structs.replace(self.sync, ledger=overlaid)
                return
            registered = None if self._everyone_left else self._registry.of(self.sync.slug)
            if session.call(
                "is_open",
                sync=self.sync,
                present=self._registry.tables,
                registered=registered and [[one.state, one.mode, one.tag_from, one.match_on] for one in registered],
            ):
                return
            with session.transaction():
                session.call("open_ledger", sync=self.sync)
                if registered is not None:
                    session.call("register_audiences", sync=self.sync)

    @_patient
    def stage(self, stage_id: str, keys: Sequence[str] | None = None) -> Counts:
        """Write the difference to the delta, if there is one, and count it.

        Args:
            stage_id: The id of the stage.
            keys: The keys of the contacts to compare; None for all.
        """
        self._is_partial = keys is not None
        with self._project.connect("stage") as session:
            left = self._left(session)
            with self._work(session):
                session.call("fix_transaction")
                rows, suppressed, differs = session.call(
                    "compare", sync=self.sync, delta=self._delta, everyone_left=self._everyone_left, keys=keys
                )
                has_left = self._lock is not None and (left.rejected > 0 or left.stage_id is not None)
                if has_left:
                    session.call("discard_stage", sync=self.sync)
                # What was rejected is compared with the delta, also with an empty one.
                if writes := differs or (has_left and keys is None):
                    session.call("write_delta", sync=self.sync, stage_id=stage_id, delta=self._delta)
            if writes:
                return self._count(session, keys)
            return self._counted(nothing_differs(self.sync, rows, suppressed))

    @_patient
    def find_changes(
        self,
        *,
        full_refresh: bool = False,
        retry: bool = False,
        reason: str | None = None,
        named: Sequence[str] = (),
    ) -> tuple[str, Counts]:
        """Fold what an earlier run left, and find what differs now, over one connection.

        Args:
            full_refresh: Whether to send again what Drift has accepted.
            retry: Whether to send rows again that were given up.
            reason: With `retry`, only the rows with this reason; None for all.
            named: The keys or addresses of the only contacts to compare; none for all.

        Returns:
            The id of the stage, and its counts.
        """
        with self._project.connect("changes"):
            self.open()
            self.fold()
            keys = self.keys_of(named) if named else None
            if full_refresh:
                self.reset_accepted(keys)
            if retry:
                self.release(reason, keys)
            if keys is None and (staged := self._staged_by_hook()):
                return staged, self._count_staged()
            # `keep_rejected` knows a stage of a few contacts by its name.
            stage_id = f"{'' if keys is None else 'keys-'}{uuid.uuid4().hex}"
            return stage_id, self.stage(stage_id, keys)

    @_patient
    def keys_of(self, named: Sequence[str]) -> list[str]:
        """Return the keys of the contacts that these texts name: by their key, or by their e-mail address."""
        with self._project.connect("keys") as session:
            sql = session.call("matching_keys_sql", sync=self.sync, texts=[text.strip() for text in named])
            return sorted(str(key) for (key,) in session.rows(sql))

    @_patient
    def _staged_by_hook(self) -> str | None:
        """Return the id of the stage that the model's post-hook left in dbt's last invocation, if there is one.

        A stage of another invocation may be older than the model. A stage of another declaration does not fit.
        """
        with self._project.connect("staged") as session:
            left = self._left(session)
        if left.spec_hash == spec_hash(self.sync) and left.stage_id == f"dbt-{self._project.last_invocation()}":
            return left.stage_id
        return None

    @_patient
    def _count_staged(self) -> Counts:
        with self._project.connect("counts") as session:
            return self._count(session)

    @_patient
    def page(self, after: int, upto: int) -> list[DeltaRow]:
        """Return the contacts numbered `after` + 1 to `upto`, in that order."""
        with self._project.connect("page") as session:
            sql = session.call("page_sql", sync=self.sync, after=after, upto=upto, delta=self._delta)
            return [delta_row(self.sync, values) for values in session.rows(sql)]

    @_patient
    def invalid(self, most: int) -> list[InvalidRow]:
        """Return up to `most` of the rows that cannot be sent."""
        with self._project.connect("invalid") as session:
            sql = session.call("invalid_sql", sync=self.sync, most=most, delta=self._delta)
            return [InvalidRow(*values) for values in session.rows(sql)]

    def refuse_unfolded(self) -> None:
        """Refuse to go on if an earlier run was interrupted: a sync folds its answers first, so less differs then.

        Raises:
            ConfigurationError: There are answers that have not been folded.
        """
        if self._found_left is not None and self._found_left.journaled:
            raise ConfigurationError(
                f"{self.sync.name}: a run was interrupted, and what Drift answered is not folded into the ledger yet.",
                advice="Run `dbt-drift sync` without a plan first, then plan again.",
            )

    @_patient
    def digest(self, counts: Counts) -> str:
        """Return a digest of all contacts to send: equal if they, their values and their tags are equal.

        Args:
            counts: The counts of the stage.
        """
        if not counts.sendable:
            return "0-0-0"
        with self._project.connect("digest") as session:
            (found,) = session.rows(session.call("digest_sql", sync=self.sync, delta=self._delta))
        return "-".join(f"{int(number):x}" for number in found)

    def begin_sending(self, stage_id: str) -> None:
        """Journal that the stage is being sent from now on, so that a kill leaves its contacts in doubt."""
        self.record([Entry(stage_id, 0, None, "sending", False, False, None, None)])  # noqa: FBT003 - columns in order

    @_patient
    def record(self, entries: Sequence[Entry]) -> None:
        """Append outcomes to the journal.

        Raises:
            LockedError: Another run has taken the lock.
        """
        if self._lock is None:
            raise RuntimeError("A plan has no answers to journal.")
        self._is_journaled = True
        with self._project.connect("journal") as session:
            answers = [_bindings(entry) for entry in entries]
            if not session.call("journal", sync=self.sync, entries=answers, owner=self._lock.invocation_id):
                self._lock.lost(session)
            self._lock.keep()

    @_patient
    def keep_lock(self) -> None:
        """Renew the lock while there is nothing to write."""
        if self._lock is not None:
            self._lock.keep()

    @_patient
    def a_tag_is_seen(self) -> bool:
        """Whether any contact is certain to carry a tag of any sync, so that Drift is known to apply tags."""
        with self._project.connect("tags") as session:
            return a_tag_is_seen(session, self.sync.ledger, self._registry)

    def let_go(self) -> None:
        """Close the connection, if one is held, before a wait for Drift."""
        self._project.let_go()

    def columns_of(self, attributes: Collection[str], tags: Collection[str]) -> list[str]:
        """Return the ledger's columns of these attributes and tags."""
        columns = [one.state for one in self.sync.attributes if one.attribute in attributes]
        return columns + [one.state for one in self.sync.audiences if one.tag in tags]

    @_patient
    def fold(self) -> None:
        """Fold what an interrupted run left: what Drift accepted, and what it may have accepted.

        Call it before the next stage.
        """
        with self._project.connect("fold") as session:
            if self._is_journaled or self._left(session).journaled:
                with self._work(session):
                    session.call("fold", sync=self.sync)
                self._found_left = None

    @_patient
    def release(self, reason: str | None, keys: Sequence[str] | None) -> None:
        """Allow rows that were given up to be staged again; those with this reason and these keys, or all."""
        with self._project.connect("release") as session, self._work(session):
            session.call("release", sync=self.sync, reason=reason, keys=keys)
        self._found_left = None

    @_patient
    def finish(self, *, in_doubt: bool = False) -> None:
        """Write the rejected rows of this run, and fold the rest.

        Args:
            in_doubt: Whether Drift may have accepted something of contacts without a journaled outcome.
        """
        with self._project.connect("finish") as session:
            left = self._left(session)
            leaves = not self._is_partial and (left.rejected or left.stage_id is not None)
            if self._is_journaled or leaves or self._has_unsendable:
                with self._work(session):
                    session.call("finish", sync=self.sync, in_doubt=in_doubt)

    def discard(self) -> None:
        """Drop the delta, for a plan."""
        with self._project.connect("discard") as session, session.transaction():
            session.call("discard", sync=self.sync, delta=self._delta)

    @_patient
    def reset_accepted(self, keys: Sequence[str] | None) -> None:
        """Make accepted values uncertain, so that they are sent again: of these contacts, or of all."""
        with self._project.connect("reset") as session, self._work(session):
            session.call("reset_accepted", sync=self.sync, keys=keys)
        self._found_left = None

    def _work(self, session: Session) -> AbstractContextManager[None]:
        return session.transaction() if self._lock is None else self._lock.work(session)

    def _left(self, session: Session) -> Left:
        """Return what earlier runs and the post-hook have left; read once, until it changes."""
        if self._lock is None and not self._registry.is_complete:
            return Left(0, 0, None, None, None)
        if self._found_left is None:
            ((*found,),) = session.rows(session.call("left_sql", sync=self.sync))
            self._found_left = Left(*found)
        return self._found_left

    def _count(self, session: Session, keys: Sequence[str] | None = None) -> Counts:
        return self._counted(count_delta(session, self.sync, self._delta, everyone_left=self._everyone_left, keys=keys))

    def _counted(self, counts: Counts) -> Counts:
        self._has_unsendable = bool(counts.invalid or counts.given_up)
        return msgspec.structs.replace(counts, rows_before=self._found_left and self._found_left.rows_before)


def _bindings(entry: Entry) -> list[Any]:
    *values, confirmed = msgspec.structs.astuple(entry)
    return [*values, None if confirmed is None else f",{','.join(confirmed)},"]
