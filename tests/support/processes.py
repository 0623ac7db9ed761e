"""`dbt-drift sync` in processes that can be killed, with dbt imported beforehand.

Each sync is a fork of the server that has imported dbt (see `warm`). A fork is a process like any other: SIGKILL leaves
it no time for anything.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from tests.support.harness import TOKEN
from tests.support.warm import FORKSERVER, STARTING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from tests.support.harness import Bench


class Killed(msgspec.Struct, frozen=True):
    """How a sync ended that was to be killed: after how many seconds, and its exit code if it was not alive then."""

    after: float
    alive: bool
    exit_code: int | None


class Syncs:
    """Runs `dbt-drift sync` on a bench.

    Args:
        bench: Its project, manifest, ledger and sandbox.
        log: Where the processes print to.
        flags: Of the command.
        settings: Of dbt-drift.
    """

    def __init__(self, bench: Bench, log: Path, *flags: str, **settings: object) -> None:
        options = bench.options(**settings)
        self._arguments = [
            "sync",
            "--wait",
            "60",
            "--project-dir",
            str(options.project_dir),
            "--vars",
            _json(options.vars),
        ]
        self._arguments += ["--profiles-dir", str(options.profiles_dir), "--target-path", str(options.target_path)]
        self._arguments += flags
        self._environment = {"DRIFT_API_URL": bench.sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
        self._log = log

    def finish(self, *, exit_code: int = 0) -> float:
        """Sync undisturbed; returns how many seconds it took."""
        started = time.monotonic()
        process = self._start()
        process.join()
        assert process.exitcode == exit_code, self._said()
        return time.monotonic() - started

    def kill(self, after: float) -> Killed:
        """Sync, and kill it after so many seconds."""
        process = self._start()
        process.join(after)
        process.kill()
        process.join()
        alive = process.exitcode == -signal.SIGKILL
        return Killed(after, alive, None if alive else process.exitcode)

    def kill_one_of_two(self, after: float) -> None:
        """Start two syncs at once, of which one waits for the other, and kill one; the other comes to its end."""
        one, other = self._start(), self._start()
        one.join(after)
        one.kill()
        one.join()
        other.join()
        assert other.exitcode == 0, self._said()

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def _start(self) -> ForkServerProcess:
        process = FORKSERVER.Process(target=_run, args=(self._arguments, self._environment, str(self._log)))
        sys.audit(STARTING)
        process.start()
        return process


def _run(arguments: list[str], environment: Mapping[str, str], log: str) -> None:
    """Be `dbt-drift` with these arguments: run in the fork."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.environ.update(environment)
    sys.argv = ["dbt-drift", *arguments]

    from dbt_drift.cli.main import main  # noqa: PLC0415 - imported by the server

    main()


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()
