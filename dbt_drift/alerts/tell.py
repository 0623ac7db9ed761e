"""Tells each channel what it does not know yet: after a run, after a run that could not start, and without a run.

What a channel knows is in the ledger, so that it holds on machines that keep nothing. A message that does not arrive is
not remembered: the next run sends it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.alerts.channels import find_channels
from dbt_drift.alerts.deliver import deliver
from dbt_drift.alerts.incident import Incident, Message, OpenIncident
from dbt_drift.alerts.judge import LAST_RUNS, Judgement, Usual, judge_age, judge_run, judge_start
from dbt_drift.alerts.post import UndeliveredError
from dbt_drift.binding.prepare import locate
from dbt_drift.declarations.exposures import owner_of
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError, DbtDriftError, WarehouseError, cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dbt_drift.alerts.channels import Channel
    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.delivery.results import Results
    from dbt_drift.ledger.bound_sync import Location
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.project.options import ProjectOptions
    from dbt_drift.project.session import Session


class Alerts:
    """The alerts of one run.

    Args:
        options: dbt's own flags.
        environment: Names the channels.
        notice: Gets what the user should know, such as a channel that cannot be reached.
    """

    def __init__(self, options: ProjectOptions, environment: Mapping[str, str], notice: Callable[[str], None]) -> None:
        self._options = options
        self._environment = environment
        self._notice = notice

    def of_run(self, prepared: Prepared, results: Results) -> Results:
        """Tell what came of a run that has ended, and return its results."""
        with self._harmless():
            settings = prepared.settings.alerts
            if channels := find_channels(self._environment, settings.slack_ids):
                project, location = prepared.project, prepared.location
                invocation_id = results.metadata.invocation_id
                usual: dict[str, Usual] = {}
                with contextlib.suppress(WarehouseError), project.connect("alerts") as session:
                    ids = [result.unique_id for result in results.results]
                    usual = _usual(session, location, ids, invocation_id=invocation_id)
                judgement = judge_run(results.results, usual, settings)
                _Telling(channels, project, location, self._notice).tell(judgement, invocation_id=invocation_id)
        return results

    def of_error(self, error: Exception) -> None:
        """Tell that a run could not start, or ended without results."""
        with self._harmless():
            judgement = judge_start(cause_of(error))
            if not (channels := find_channels(self._environment, {})):
                return
            try:
                project, settings, location = locate(self._options)
            except ConfigurationError:
                message = Message(project="a project that cannot be read", target="unknown", opened=judgement.found)
                deliver([(channel, message) for channel in channels])
                return
            channels = find_channels(self._environment, settings.alerts.slack_ids)
            _Telling(channels, project, location, self._notice).tell(judgement)

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        """Whatever goes wrong with alerts is said, and changes nothing of the run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the run has its result already
            said = str(error) if isinstance(error, DbtDriftError) else type(error).__name__
            self._notice(f"Nobody was alerted: {said}")


@contextlib.contextmanager
def alerting(
    options: ProjectOptions, environment: Mapping[str, str], notice: Callable[[str], None]
) -> Iterator[Alerts]:
    """Tell what comes of the run in the block; an exception of the block is told and goes on."""
    alerts = Alerts(options, environment, notice)
    try:
        yield alerts
    except Exception as error:
        alerts.of_error(error)
        raise


def check_age(options: ProjectOptions, environment: Mapping[str, str], notice: Callable[[str], None]) -> list[Incident]:
    """Tell which declared syncs have not succeeded for the hours of the settings, and return them.

    Raises:
        ConfigurationError: The project, its settings or a channel cannot be used.
        WarehouseError: The ledger cannot be read.
    """
    project, settings, location = locate(options)
    hours = settings.alerts.hours
    if hours is None:
        raise ConfigurationError(
            "The setting alerts.hours is missing: after how many hours without a successful run is it told?",
            advice="Set it in dbt_project.yml: vars: {dbt_drift: {alerts: {hours: 26}}}",
        )
    channels = find_channels(environment, settings.alerts.slack_ids)
    names = {sync.unique_id: sync.name for sync in declare(read_manifest(project.target_path / "manifest.json"))}
    with project.connect("alerts") as session:
        with session.transaction():
            has_run = "drift_run_syncs" in session.tables(location.database, location.schema)
        usual = _usual(session, location, list(names)) if has_run else {}
    judgement = judge_age(names, usual, hours)
    _Telling(channels, project, location, notice).tell(judgement)
    return judgement.found


def send_test(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Send a test message; returns the name of each channel, and "" or why the message did not arrive.

    Raises:
        ConfigurationError: A channel cannot be used, or there is none.
    """
    channels = find_channels(environment, {})
    if not channels:
        raise ConfigurationError(
            "No channel for alerts is configured.",
            advice="Set DRIFT_ALERTS_SLACK_WEBHOOK, DRIFT_ALERTS_TEAMS_WEBHOOK or DRIFT_ALERTS_WEBHOOK.",
        )
    message = Message(project="dbt-drift", target="test")
    outcomes = deliver([(channel, message) for channel in channels])
    return [
        (channel.name, str(outcome) if isinstance(outcome, UndeliveredError) else "")
        for channel, outcome in zip(channels, outcomes, strict=True)
    ]


class _Telling:
    """Tells channels of what is new to them, and remembers it in the ledger."""

    def __init__(
        self, channels: Sequence[Channel], project: DbtProject, location: Location, notice: Callable[[str], None]
    ) -> None:
        self._channels = channels
        self._project = project
        self._ledger = location
        self._notice = notice

    def tell(self, judgement: Judgement, *, invocation_id: str = "") -> None:
        """Send each channel one message, if it has something to learn."""
        known = self._known()
        news = [
            (channel, message)
            for channel in self._channels
            if (message := self._message(judgement, known, channel, invocation_id))
        ]
        if not news:
            return
        owners = self._owners({incident.unique_id for _, message in news for incident in message.opened})
        messages = [(channel, _with_owners(message, owners)) for channel, message in news]
        for (channel, message), outcome in zip(messages, deliver(messages), strict=True):
            if isinstance(outcome, UndeliveredError):
                self._notice(f"The alert to {channel.name} did not arrive: {outcome}. The next run sends it again.")
            else:
                self._remember(channel, message, outcome)

    def _message(
        self, judgement: Judgement, known: Sequence[OpenIncident], channel: Channel, invocation_id: str
    ) -> Message | None:
        told = {one.key: one for one in known if one.channel == channel.name}
        found = {incident.key for incident in judgement.found}
        opened = [incident for incident in judgement.found if incident.key not in told]
        recovered = [one for key, one in told.items() if key in judgement.decided and key not in found]
        if not opened and not recovered:
            return None
        return Message(
            project=self._project.name,
            target=self._project.target_name,
            invocation_id=invocation_id,
            opened=opened,
            recovered=recovered,
        )

    def _known(self) -> list[OpenIncident]:
        try:
            return self._read()
        except WarehouseError as error:
            self._notice(f"What was told before cannot be read, so all of it is told again: {error}")
            return []

    def _read(self) -> list[OpenIncident]:
        with self._project.connect("alerts") as session:
            with session.transaction():
                session.call("open_alerts", ledger=self._ledger)
            rows = session.rows(session.call("alerts_sql", ledger=self._ledger))
            return [OpenIncident(**dict(zip(OpenIncident.__struct_fields__, values, strict=True))) for values in rows]

    def _remember(self, channel: Channel, message: Message, thread: str) -> None:
        opened = [
            {"unique_id": one.unique_id, "name": one.name, "kind": one.kind, "thread": thread} for one in message.opened
        ]
        closed = [{"unique_id": one.unique_id, "kind": one.kind} for one in message.recovered]
        with contextlib.suppress(WarehouseError), self._project.connect("alerts") as session, session.transaction():
            session.call("remember_alerts", ledger=self._ledger, channel=channel.name, opened=opened, closed=closed)

    def _owners(self, unique_ids: set[str]) -> dict[str, str]:
        """Return who owns these models; an alert without an owner is better than none."""
        with contextlib.suppress(ConfigurationError):
            manifest = read_manifest(self._project.target_path / "manifest.json")
            found = {key: owner_of(manifest, manifest.nodes[key]) for key in unique_ids if key in manifest.nodes}
            return {key: owner.name or owner.email or "" for key, owner in found.items()}
        return {}


def _with_owners(message: Message, owners: Mapping[str, str]) -> Message:
    opened = [msgspec.structs.replace(one, owner=owners.get(one.unique_id, "")) for one in message.opened]
    return msgspec.structs.replace(message, opened=opened)


def _usual(
    session: Session, location: Location, unique_ids: Sequence[str], *, invocation_id: str = ""
) -> dict[str, Usual]:
    """Read the history of these syncs; those that have none are left out."""
    if not unique_ids:
        return {}
    sql = session.call("usual_sql", ledger=location, invocation_id=invocation_id, unique_ids=unique_ids, most=LAST_RUNS)
    return {unique_id: _history(*values) for unique_id, *values in session.rows(sql)}


def _history(runs: int, read: Any, sent: Any, seconds: Any, *times: Any) -> Usual:
    succeeded_at, first_at, now = times
    return Usual(
        runs=int(runs),
        read=float(read or 0),
        sent=float(sent or 0),
        seconds=float(seconds or 0),
        succeeded_at=succeeded_at,
        first_at=first_at,
        now=now,
    )
