"""dbt-drift as a process, for the programs that schedule it: what it says while it works, and what came of it.

A process and no import: dbt has one set of flags, one log and one working folder for each process, DuckDB lets one
process have a file, and a scheduler runs its tasks in threads or beside dbt's own runner. `executable` may also belong
to another environment, with another dbt.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.delivery.results import FailOn, Results
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dbt_drift.project.options import ProjectOptions

OWN_EXECUTABLE = (sys.executable, "-m", "dbt_drift")
"""The dbt-drift of this environment, also where its `bin` is not on the path."""

GRACE_SECONDS = 60.0
"""How long a run that is to end may wait for the requests under way, journal the answers and release its lock."""

_SILENCING = {"DBT_QUIET", "DBT_ENGINE_QUIET"}
"""Variables that would take the last line from the log."""

_LAST = {"RunFinished", "RunFailed"}
_TEXT_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a run ended.

    Attributes:
        exit_code: 0: no sync failed. 1: some rows or syncs did. 2: nothing could be run. 3: another run has the lock.
            4: Drift or the warehouse is away. Negative: the number of the signal that killed the process.
        kind: What went wrong, as `data.kind` of the log's last line; `killed` if there is no such line because the
            process was killed; "" if no sync broke off.
        is_retryable: Whether the same command may do more later, with nothing mended.
        message: One line for a person; more where the program printed something that is no line of the log.
        results: One result for each sync, with its counts; None if nothing could be run.
    """

    exit_code: int
    kind: str
    is_retryable: bool
    message: str
    results: Results | None


class DeclaredAttribute(msgspec.Struct, frozen=True):
    """A Drift attribute, and the column that fills it."""

    attribute: str
    column: str


class DeclaredAudience(msgspec.Struct, frozen=True):
    """Who gets a tag, or an attribute in its place: one of the first three is given."""

    tag: str | None
    tag_from: str | None
    attribute: str | None
    mode: str


class DeclaredSync(msgspec.Struct, frozen=True):
    """A sync as `dbt-drift ls` lists it.

    Attributes:
        unique_id: dbt's id of the model.
        name: The model's name, which selects it.
        relation: The relation of the model.
        attributes: What it fills.
        audiences: Who is tagged.
    """

    unique_id: str
    name: str
    relation: str
    attributes: list[DeclaredAttribute]
    audiences: list[DeclaredAudience]


class _Listed(msgspec.Struct):
    syncs: list[DeclaredSync]


class _Info(msgspec.Struct):
    name: str
    level: str
    msg: str


class _Line(msgspec.Struct):
    info: _Info
    data: dict[str, Any]


class _End(msgspec.Struct):
    kind: str
    retryable: bool


def declared_syncs(
    project: ProjectOptions,
    *,
    executable: Sequence[str] = OWN_EXECUTABLE,
    environment: Mapping[str, str] | None = None,
) -> list[DeclaredSync]:
    """Return the syncs that the manifest declares, by `dbt-drift ls`; needs no warehouse and no token.

    Args:
        project: dbt's flags.
        executable: The program, and what stands before its arguments.
        environment: Variables, over those of this process.

    Raises:
        ConfigurationError: The project or its manifest cannot be read, or a declaration is wrong.
    """
    done = subprocess.run(  # noqa: S603 - the caller's own program
        [*executable, "ls", "--output", "json", *_flags(project)],
        env=_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigurationError(_text(done.stderr).removeprefix("Error: "))
    return msgspec.json.decode(done.stdout, type=_Listed).syncs


def run_sync(
    project: ProjectOptions,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    fail_on: FailOn = "warn",
    wait: float = 0.0,
    ignore_run_results: bool = False,
    executable: Sequence[str] = OWN_EXECUTABLE,
    environment: Mapping[str, str] | None = None,
    grace: float = GRACE_SECONDS,
    tell: Callable[[str, str], None] = lambda _level, _message: None,
) -> Run:
    """Run `dbt-drift sync` to its end.

    Whatever interrupts this call (KeyboardInterrupt, an exception that the scheduler raises in this thread, SIGTERM
    where nobody handles it) ends the run in order: it gets SIGTERM and goes on telling for `grace` seconds, then all
    that is left of its process group is killed. Further interruptions meanwhile change nothing.

    Args:
        project: dbt's flags.
        select: Selectors of the models to sync; none: all that declare a sync.
        exclude: Selectors of the models to leave out.
        fail_on: The mildest status of a sync that is a failure.
        wait: Seconds to wait for another run on the same ledger.
        ignore_run_results: Whether to sync every selected model, whatever dbt's last command built or failed.
        executable: The program, and what stands before its arguments.
        environment: Variables, over those of this process: `DRIFT_ACCESS_TOKEN`, `DRIFT_API_URL`.
        grace: Seconds.
        tell: Gets each line of the log as it comes: its level (`debug`, `info`, `warn`, `error`) and its message.

    Raises:
        OSError: There is no such program.
    """
    arguments = ["sync", "--output", "json", "--log-format", "json", "--fail-on", fail_on, "--wait", str(wait)]
    arguments += [part for one in select for part in ("--select", one)]
    arguments += [part for one in exclude for part in ("--exclude", one)]
    arguments += ["--ignore-run-results"] * ignore_run_results
    log = _Log(tell)
    with tempfile.TemporaryFile() as document:
        with _unhandled_sigterm_raises():
            process = subprocess.Popen(  # noqa: S603 - the caller's own program
                [*executable, *arguments, *_flags(project)],
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=document,
                stderr=subprocess.PIPE,
                # A group of its own: what a terminal or a scheduler sends to its whole group would be a second signal
                # beside ours, which ends a run at once.
                start_new_session=True,
            )
            exit_code = _follow(process, log, grace)
        document.seek(0)
        written = document.read()
    results = msgspec.json.decode(written, type=Results) if written else None
    return log.run(exit_code, results)


class _Log:
    """The log, read line by line."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._last: _Line | None = None
        self._others: deque[str] = deque(maxlen=_TEXT_LINES)

    def read(self, line: bytes) -> None:
        """Pass on a line; one that is no line of the log is a wrong option, a traceback or a library's warning."""
        try:
            found = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError:
            self._others.append(_text(line))
            self._tell("warn", self._others[-1])
            return
        if found.info.name in _LAST:
            self._last = found
        self._tell(found.info.level, found.info.msg)

    def run(self, exit_code: int, results: Results | None) -> Run:
        """Return what came of the run."""
        if self._last is not None:
            end, message = msgspec.convert(self._last.data, _End), self._last.info.msg
        else:
            killed = exit_code < 0 or exit_code >= 128  # noqa: PLR2004 - 128 + the signal, as shells have it
            end, message = _End("killed" if killed else "configuration", killed), "\n".join(self._others)
        return Run(exit_code=exit_code, kind=end.kind, is_retryable=end.retryable, message=message, results=results)


def _follow(process: subprocess.Popen[bytes], log: _Log, grace: float) -> int:
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    with process.stderr as lines:
        try:
            for line in lines:
                log.read(line)
            return process.wait()
        except BaseException:
            _end(process, lines, log, grace)
            raise


def _end(process: subprocess.Popen[bytes], lines: Any, log: _Log, grace: float) -> None:
    # The first process of the group alone gets SIGTERM: one that starts dbt-drift for us may pass it on, and dbt-drift
    # ends at once when it gets two. Until `wait`, its id belongs to nobody else, also if it is dead.
    killing = threading.Timer(grace, _kill, [process])
    killing.start()
    try:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        while process.returncode is None:
            try:
                for line in lines:
                    log.read(line)
                process.wait()
            except Exception:  # noqa: PERF203 - `tell` has failed
                raise
            except BaseException:  # noqa: BLE001, S112 - a scheduler often asks twice, by its executor and by the group
                continue
    finally:
        killing.cancel()
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _unhandled_sigterm_raises() -> Iterator[None]:
    """Let SIGTERM raise SystemExit where it would end this process at once, and leave the run alone."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _flags(project: ProjectOptions) -> list[str]:
    given = {
        "--project-dir": project.project_dir,
        "--profiles-dir": project.profiles_dir,
        "--profile": project.profile,
        "--target": project.target,
        "--target-path": project.target_path,
        "--vars": msgspec.json.encode(project.vars).decode() if project.vars else None,
    }
    return [part for flag, value in given.items() if value is not None for part in (flag, value)]


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _SILENCING}
    return {**kept, **(given or {})}


def _text(printed: bytes) -> str:
    return printed.decode("utf-8", errors="replace").strip()
