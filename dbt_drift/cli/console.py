"""How a run looks while it works: a live bar on a terminal, dbt-style lines elsewhere, JSON lines where asked for."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import click
import msgspec

from dbt_drift.sync.words import counted

if TYPE_CHECKING:
    from dbt_drift.declarations.syncs import Sync
    from dbt_drift.drift.local import LocalSandbox
    from dbt_drift.drift.statistics import Statistics
    from dbt_drift.sync.reporter import Reporter
    from dbt_drift.sync.results import Results, SyncResult
    from dbt_drift.warehouse.ledger import Counts
    from dbt_drift.warehouse.lock import Holder

_WIDTH = 80
_LINE_EVERY = 15.0
"""Seconds between two progress lines where no bar can be drawn."""

_STATUS = {
    "success": ("OK", "green"),
    "warn": ("WARN", "yellow"),
    "held": ("HELD", "red"),
    "error": ("ERROR", "red"),
    "skipped": ("SKIP", "yellow"),
}


def sync_reporter(*, log_format: str, quiet: bool, to_stderr: bool) -> Console | JsonLines:
    """Return the reporter for the options; where stdout carries a document, the log goes to stderr."""
    stream = sys.stderr if to_stderr else sys.stdout
    return JsonLines(stream, quiet=quiet) if log_format == "json" else Console(stream, quiet=quiet)


def results_json(results: Results) -> str:
    """Return the results as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(results), indent=2).decode()


class Console:
    """Lines for people, shaped like dbt's, and a bar on a terminal."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._live = stream.isatty() and not quiet
        self._bar: Any = None
        self._said = 0.0

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Say what runs where."""
        place = f"{drift_url}, {sandbox}" if sandbox else drift_url
        self._line(f"Syncing {counted(syncs, 'model')} of {project} (target {target}, {adapter}) to {place}")

    def waiting(self, holder: Holder) -> None:
        """Say what is waited for."""
        self._line(f"Waiting for the {holder}")

    def noticed(self, notice: str) -> None:
        """Show a notice."""
        self._line(f"{click.style('WARN', fg='yellow')} {notice}")

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Announce a sync."""
        self._line(_dotted(f"{index} of {total} START {_source(sync)}", "[RUN]"))

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Say what differs, and draw the bar when there is something to wait for."""
        invalid = sum(counts.invalid.values())
        parts = [counted(counts.rows, "row"), f"{counts.unchanged:,} unchanged", f"{counts.new:,} new"]
        parts += [f"{counts.changed:,} changed"]
        parts += [f"{counts.departed:,} departed"] if counts.departed else []
        parts += [f"{invalid:,} invalid"] if invalid else []
        held = sum(counts.held_back.values())
        parts += [f"{held:,} held back"] if held else []
        self._line(f"  {', '.join(parts)}")
        self._said = time.monotonic()
        if self._live and counts.sendable:
            self._bar = click.progressbar(
                range(counts.sendable), label=f"  {sync.name}", file=self._stream, item_show_func=_pace, show_pos=True
            )
            self._bar.__enter__()

    def progress(self, sync: Sync, done: int, total: int, statistics: Statistics) -> None:
        """Move the bar, or say from time to time how far it is."""
        if self._bar is not None:
            self._bar.update(done - self._bar.pos, statistics)
        elif time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            self._line(f"  {sync.name}: {done:,} of {total:,} contacts, {_pace(statistics)}")

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Say what came of a sync."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
        word, colour = _STATUS[result.status]
        contacts = result.contacts
        done = f"{contacts.created:,} created, {contacts.updated:,} updated, {contacts.matched:,} matched"
        ending = f"[{click.style(word, fg=colour)} {done} in {result.execution_time:.2f}s]"
        bad = result.status in {"error", "held"}
        self._line(_dotted(f"{index} of {total} {word} {result.name}", ending), important=bad)
        if (first := result.first_contacts).met:
            self._line(f"  met for the first time: {first.met:,}; Drift had {first.known / first.met:.0%} of them")
        if result.message:
            self._line(f"  {result.message}", important=bad)

    def run_finished(self, results: Results) -> None:
        """Add it all up."""
        for result in results.results:
            for reason, count in sorted(result.reasons.items()):
                self._line(f"  {result.name}: {counted(count, 'row')} {reason}")
        requests = sum(result.requests for result in results.results)
        statuses = [(word, sum(r.status == status for r in results.results)) for status, (word, _) in _STATUS.items()]
        tally = " ".join(f"{word}={count}" for word, count in [*statuses, ("TOTAL", len(results.results))])
        self._line(f"Done in {results.elapsed_time:.2f}s with {counted(requests, 'request')}. {tally}")

    def _line(self, text: str, *, important: bool = False) -> None:
        if self._quiet and not important:
            return
        stamp = dt.datetime.now(dt.timezone.utc).astimezone().strftime("%H:%M:%S")
        click.echo(f"{stamp}  {text}", file=self._stream)


class JsonLines:
    """One JSON object a line, shaped like dbt's structured log: `info` says what line it is, `data` the rest."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._said = 0.0

    def run_started(
        self, syncs: int, *, project: str, target: str, adapter: str, drift_url: str, sandbox: LocalSandbox | None
    ) -> None:
        """Say what runs where."""
        data = {"syncs": syncs, "project": project, "target": target, "adapter": adapter, "drift_url": drift_url}
        self._event("RunStarted", f"Syncing {counted(syncs, 'model')}", {**data, "is_sandbox": sandbox is not None})

    def waiting(self, holder: Holder) -> None:
        """Say what is waited for."""
        self._event("Waiting", f"Waiting for the {holder}", {"holder": holder})

    def noticed(self, notice: str) -> None:
        """Show a notice."""
        self._event("Notice", notice, {}, level="warn")

    def sync_started(self, index: int, total: int, sync: Sync) -> None:
        """Announce a sync."""
        data = {"unique_id": sync.unique_id, "relation": sync.relation_name, "index": index, "total": total}
        self._event("SyncStarted", f"{index} of {total} START {_source(sync)}", data)

    def staged(self, sync: Sync, counts: Counts) -> None:
        """Say what differs."""
        self._event(
            "Staged", f"{sync.name}: {counts.sendable} to send", {"unique_id": sync.unique_id, "counts": counts}
        )

    def progress(self, sync: Sync, done: int, total: int, statistics: Statistics) -> None:
        """Say from time to time how far it is."""
        if time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            data = {"unique_id": sync.unique_id, "done": done, "total": total, "statistics": statistics}
            self._event("Progress", f"{sync.name}: {done} of {total}", data)

    def sync_finished(self, index: int, total: int, result: SyncResult) -> None:
        """Say what came of a sync."""
        level = {"error": "error", "held": "error", "warn": "warn"}.get(result.status, "info")
        message = f"{index} of {total} {result.status} {result.name}"
        self._event("SyncFinished", message, {"result": result}, level=level)

    def run_finished(self, results: Results) -> None:
        """Add it all up."""
        self._event("RunFinished", "Done", {"elapsed_time": results.elapsed_time, "exit_code": results.exit_code})

    def _event(self, name: str, message: str, data: dict[str, Any], *, level: str = "info") -> None:
        if self._quiet and level == "info":
            return
        now = dt.datetime.now(dt.timezone.utc).isoformat().replace("+00:00", "Z")
        line = {"info": {"name": name, "level": level, "msg": message, "ts": now}, "data": data}
        click.echo(msgspec.json.encode(line).decode(), file=self._stream)


def _source(sync: Sync) -> str:
    # What takes a tag away from everybody reads no model.
    return f"{sync.name} from {sync.relation_name}" if sync.relation_name else sync.name


def _dotted(left: str, right: str) -> str:
    return f"{left} {'.' * max(3, _WIDTH - len(left) - len(click.unstyle(right)) - 2)} {right}"


def _pace(statistics: Any) -> str:
    if statistics is None:
        return ""
    pace = f"{statistics.rate:.0f} requests/s"
    return f"{pace}, {statistics.waiting}" if statistics.waiting else pace


if TYPE_CHECKING:
    _console: type[Reporter] = Console
    _json_lines: type[Reporter] = JsonLines
