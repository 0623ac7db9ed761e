"""How a run looks while it works: a live line on a terminal, dbt-style lines elsewhere, JSON lines where asked for."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from dbt_drift.delivery.reporter import NullReporter
from dbt_drift.delivery.results import RowCounts
from dbt_drift.errors import exit_code_of, is_retryable
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, echo_json, live_line, show_notices
from dbt_drift.wording import counted, duration

if TYPE_CHECKING:
    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import Results, SyncResult
    from dbt_drift.drift.engine.statistics import Statistics
    from dbt_drift.drift.http.local_sandbox import LocalSandbox
    from dbt_drift.ledger.delta import Counts
    from dbt_drift.ledger.lock import LockOwner

_WIDTH = 80
_BAR = 20
EVENT_VERSION = 1
"""Raised when the events that end a run change in a way that a reader could stumble over."""

_LINE_EVERY = 15.0
"""Seconds between two progress lines where no line can be live."""

_STATUS = {
    "success": ("OK", "green"),
    "warn": ("WARN", "yellow"),
    "blocked": ("BLOCKED", "red"),
    "error": ("ERROR", "red"),
    "skipped": ("SKIP", "yellow"),
}


def sync_reporter(
    *, log_format: str, log_level: str, quiet: bool, to_stderr: bool, invocation_id: str
) -> Console | JsonLines:
    """Return the reporter for the options; where stdout carries a document, the log goes to stderr."""
    stream = sys.stderr if to_stderr else sys.stdout
    reporter: Console | JsonLines
    if log_format == "json":
        reporter = JsonLines(stream, quiet=quiet, invocation_id=invocation_id)
    else:
        reporter = Console(stream, quiet=quiet)
    show_notices(reporter.noticed, debug=reporter.debug if log_level == "debug" else None)
    return reporter


class Console(NullReporter):
    """Lines for people, shaped like dbt's, and a live line on a terminal."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._live = stream.isatty() and not quiet
        self._sending_since = 0.0
        self._said = 0.0

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Say what runs where."""
        place = f"{drift_url}, {sandbox}" if sandbox else drift_url
        where = escaped(f"{project} (target {target}, {adapter}) to {place}")
        self._line(f"Syncing {counted(syncs, 'model')} of {where}")

    def waiting(self, owner: LockOwner) -> None:
        """Say what is waited for."""
        self._line(f"Waiting for the {owner}")

    def noticed(self, notice: str) -> None:
        """Show a notice."""
        self._line(f"WARN {notice}", mark="WARN", colour="yellow")

    def debug(self, message: str) -> None:
        """Show a line that helps to find a fault."""
        self._line(message)

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Announce a sync."""
        self._line(_dotted(f"{index} of {total} START {_source(sync)}", "[RUN]"))
        self._draw(f"  comparing {sync.name} with what Drift has accepted")

    def staged(self, sync: Sync, counts: Counts) -> None:  # noqa: ARG002 - it is the one that was announced
        """Say what differs."""
        self._line(f"  {self.differences(counts)}")
        self._sending_since = self._said = time.monotonic()

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        """Draw the live line, or say from time to time how far it is."""
        if self._live:
            filled = _BAR * done // total
            self._draw(
                f"  {sync.name} {done:,}/{total:,}",
                *_left(done, total, self._sending_since),
                *([f"{rejected:,} rejected"] if rejected else []),
                _rate(statistics),
                *([statistics.waiting] if statistics.waiting else []),
                f"[{'#' * filled}{'-' * (_BAR - filled)}]",
            )
        elif time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            self._line(f"  {_progress(sync, done, total, rejected, statistics, since=self._sending_since)}")

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Say what came of a sync."""
        word, colour = _STATUS[result.status]
        ending = f"[{word} {self.outcome(result)} in {result.execution_time:.2f}s]"
        bad = result.status in {"error", "blocked"}
        title = _dotted(f"{index} of {total} {word} {result.name}", ending)
        self._line(title, important=bad, mark=f"[{word}", colour=colour)
        if (new := result.new_contacts).resolved:
            share = new.already_in_drift / new.resolved
            self._line(f"  {counted(new.resolved, 'new contact')}; Drift had {share:.0%} of them already")
        if result.message:
            # With --quiet, a warning is its one line: why the exit code is 1.
            name = f"{result.name}: " if self._quiet and not bad else "  "
            self._line(name + result.message.replace("\n", "\n  "), important=result.status != "success")

    def run_finished(self, results: Results, exit_code: int) -> None:  # noqa: ARG002 - JsonLines says it
        """Add it all up."""
        for result in results.results:
            for reason, count in sorted(result.reasons.items()):
                self._line(f"  {result.name}: {counted(count, 'row')} {reason}")
        if said := _in_short(results):
            self._line(said)
        self._line(_tally(results))

    def failed(self, message: str, *, kind: str) -> None:  # noqa: ARG002 - for programs
        """Say why nothing could be run."""
        echo(f"Error: {message}", err=True)

    def differences(self, counts: Counts) -> str:
        """Return what differs, in words."""
        return _differences(counts)

    def outcome(self, result: SyncResult) -> str:
        """Return what came of a sync, in words."""
        return _outcome(result)

    def _draw(self, *parts: str) -> None:
        if self._live:
            live_line.draw(parts, self._stream)

    def _line(self, text: str, *, important: bool = False, mark: str = "", colour: str = "") -> None:
        if self._quiet and not important:
            return
        stamp = dt.datetime.now(dt.timezone.utc).astimezone().strftime("%H:%M:%S")
        echo(f"{stamp}  {text}", stream=self._stream, mark=mark, colour=colour)


class Untagging(Console):
    """The same for `untag`, whose sync is that everybody leaves one audience."""

    def differences(self, counts: Counts) -> str:
        """Return who carries the tag."""
        return f"{counted(counts.sendable, 'contact')} to take it from"

    def outcome(self, result: SyncResult) -> str:
        """Return from whom it was taken."""
        return f"taken from {counted(result.rows.departed, 'contact')}"


class JsonLines(NullReporter):
    """One JSON object a line, shaped like dbt's structured log: `info` says what line it is, `data` the rest."""

    def __init__(self, stream: TextIO, *, quiet: bool, invocation_id: str) -> None:
        self._stream = stream
        self._quiet = quiet
        self._invocation_id = invocation_id
        self._sending_since = 0.0
        self._said = 0.0

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Say what runs where."""
        data = {"syncs": syncs, "project": project, "target": target, "adapter": adapter, "drift_url": drift_url}
        self._event("RunStarted", f"Syncing {counted(syncs, 'model')}", {**data, "is_sandbox": sandbox is not None})

    def waiting(self, owner: LockOwner) -> None:
        """Say what is waited for."""
        self._event("Waiting", f"Waiting for the {owner}", {"owner": owner})

    def noticed(self, notice: str) -> None:
        """Show a notice."""
        self._event("Notice", notice, {}, level="warn")

    def debug(self, message: str) -> None:
        """Show a line that helps to find a fault."""
        self._event("Request", message, {}, level="debug")

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Announce a sync."""
        data = {"unique_id": sync.unique_id, "relation": sync.relation_name, "index": index, "total": total}
        self._event("SyncStarted", f"{index} of {total} START {_source(sync)}", data)

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Say what differs."""
        self._sending_since = time.monotonic()
        data = {"unique_id": sync.unique_id, "counts": counts}
        self._event("Staged", f"{sync.name}: {_differences(counts)}", data)

    def progress(self, sync: Sync, done: int, total: int, rejected: int, statistics: Statistics) -> None:
        """Say from time to time how far it is."""
        if time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            data = {"unique_id": sync.unique_id, "done": done, "total": total, "rejected": rejected}
            self._event(
                "Progress",
                _progress(sync, done, total, rejected, statistics, since=self._sending_since),
                {**data, "statistics": statistics},
            )

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Say what came of a sync."""
        level = {"error": "error", "blocked": "error", "warn": "warn"}.get(result.status, "info")
        word, _ = _STATUS[result.status]
        message = f"{index} of {total} {word} {result.name}: {_outcome(result)} in {result.execution_time:.2f}s"
        if result.message:
            message += f". {result.message}"
        self._event("SyncFinished", message, {"result": result}, level=level)

    def run_finished(self, results: Results, exit_code: int) -> None:
        """Add it all up."""
        data = {
            "event_version": EVENT_VERSION,
            "status": results.status,
            "kind": results.causes[0] if results.causes else "",
            "retryable": results.is_retryable,
            "exit_code": exit_code,
            "elapsed_time": results.elapsed_time,
        }
        self._event("RunFinished", f"{_tally(results)}. {_in_short(results)}".rstrip(), data)

    def failed(self, message: str, *, kind: str) -> None:
        """Say why nothing could be run."""
        data = {
            "event_version": EVENT_VERSION,
            "status": "error",
            "kind": kind,
            "retryable": is_retryable(kind),
            "exit_code": exit_code_of(kind),
        }
        self._event("RunFailed", message, data, level="error")

    def _event(self, name: str, message: str, data: dict[str, Any], *, level: str = "info") -> None:
        if self._quiet and level in {"debug", "info"}:
            return
        now = dt.datetime.now(dt.timezone.utc).isoformat().replace("+00:00", "Z")
        info = {"name": name, "level": level, "msg": message, "ts": now, "invocation_id": self._invocation_id}
        echo_json(msgspec.json.encode({"info": info, "data": data}), stream=self._stream)


def _differences(counts: Counts) -> str:
    rows = RowCounts.staged(counts)
    parts = [counted(counts.rows, "row"), f"{counts.unchanged:,} unchanged", f"{counts.new:,} new"]
    parts += [f"{counts.changed:,} changed"]
    parts += [f"{counts.departed:,} departed"] if counts.departed else []
    parts += [f"{rows.suppressed:,} suppressed"] if rows.suppressed else []
    parts += [f"{rows.missing:,} not in Drift"] if rows.missing else []
    parts += [f"{rows.invalid:,} invalid"] if rows.invalid else []
    parts += [f"{rows.given_up:,} given up"] if rows.given_up else []
    return ", ".join(parts)


def _outcome(result: SyncResult) -> str:
    contacts = result.contacts
    return f"{contacts.created:,} created, {contacts.updated:,} updated, {contacts.matched:,} matched"


def _progress(sync: Sync, done: int, total: int, rejected: int, statistics: Statistics, *, since: float) -> str:
    parts = [f"{done:,} of {counted(total, 'contact')} ({done / total:.0%})", *_left(done, total, since)]
    parts += [f"{rejected:,} rejected"] if rejected else []
    return f"{sync.name}: {', '.join([*parts, _pace(statistics)])}"


def _left(done: int, total: int, since: float) -> list[str]:
    """Return how long the rest takes at the pace so far; nothing before there is a pace."""
    return [f"{duration((time.monotonic() - since) / done * (total - done))} left"] if 0 < done < total else []


def _in_short(results: Results) -> str:
    """Return what came of the run for somebody who knows neither dbt nor this program; "" if no row was compared."""
    rows = [result.rows for result in results.results]
    contacts = [result.contacts for result in results.results]
    read, sent, unchanged = (sum(getattr(one, name) for one in rows) for name in ("read", "sent", "unchanged"))
    if not read:
        return ""
    right = f"Drift has {sent + unchanged:,} of {counted(read, 'row')} as the models have them"
    parts = [f"{right}: {sent:,} sent now, {unchanged:,} as before."]
    if failed := sum(one.not_through for one in rows):
        parts.append(f"{counted(failed, 'row')} did not get through.")
    if suppressed := sum(one.suppressed for one in rows):
        parts.append(f"{counted(suppressed, 'row')} suppressed: not to be contacted.")
    if missing := sum(one.missing for one in rows):
        parts.append(f"{counted(missing, 'row')} skipped: Drift has no such contact, and none is to be created.")
    if waiting := sum(one.unfinished for one in rows):
        parts.append(f"{counted(waiting, 'row')} not sent yet.")
    added, removed = sum(one.tags_added for one in contacts), sum(one.tags_removed for one in contacts)
    if added or removed:
        parts.append(f"{counted(added, 'tag')} set, {removed:,} taken away.")
    return " ".join(parts)


def _tally(results: Results) -> str:
    requests = sum(result.requests for result in results.results)
    statuses = [(word, sum(r.status == status for r in results.results)) for status, (word, _) in _STATUS.items()]
    tally = " ".join(f"{word}={count}" for word, count in [*statuses, ("TOTAL", len(results.results))])
    return f"Done in {results.elapsed_time:.2f}s with {counted(requests, 'request')}. {tally}"


def _source(sync: Sync) -> str:
    # What takes a tag away from everybody reads no model.
    return f"{sync.name} from {sync.relation_name}" if sync.relation_name else sync.name


def _dotted(left: str, right: str) -> str:
    left = escaped(left)
    return f"{left} {'.' * max(3, _WIDTH - len(left) - len(right) - 2)} {right}"


def _pace(statistics: Statistics) -> str:
    return f"{_rate(statistics)}, {statistics.waiting}" if statistics.waiting else _rate(statistics)


def _rate(statistics: Statistics) -> str:
    of = f" of {statistics.quota:.0f}" if statistics.quota else ""
    return f"{statistics.rate:.0f}{of} requests/s"


if TYPE_CHECKING:
    _console: type[Reporter] = Console
    _json_lines: type[Reporter] = JsonLines
