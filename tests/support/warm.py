"""`dbt` and `dbt-drift` in processes of their own that do not pay for importing dbt.

One process imports dbt, and each command is a fork of it, with its own pid, working folder, environment, arguments,
output and exit code. What a fork does not show is that the program starts: variables that Python reads as it starts
have no effect, and a module that fails to import fails elsewhere. A test of that starts the real program.
"""

from __future__ import annotations

import gc
import importlib
import io
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping

_MAIN = {"dbt": ("dbt.cli.main", "cli"), "dbt-drift": ("dbt_drift.cli.main", "main")}

STARTING = "tests.process"
"""The audit event before the server forks: like `subprocess.Popen` for Python's own."""

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "dbt.cli.main",
        "dbt.adapters.duckdb",
        "dbt.adapters.postgres",
        "dbt.context.providers",
        "dbt.parser.manifest",
        "dbt_drift.api",
        "dbt_drift.cli.console",
        "dbt_drift.cli.main",
        "dbt_drift.cli.plan",
        "dbt_drift.cli.sync",
    ]
)


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


class Process:
    """A running command; used as a `subprocess.Popen` is.

    Args:
        command: `dbt` or `dbt-drift`, and its arguments.
        cwd: Its working folder; None for that of the tests.
        env: Its environment; None for that of the tests.
        terminal: The terminal that it reads and prints to; None for files, which `communicate` returns.
    """

    def __init__(
        self,
        *command: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        terminal: str | None = None,
    ) -> None:
        # Files, not pipes: a command that nobody reads from goes on. It opens them itself, so that each side has its
        # own position.
        self.stdout = tempfile.NamedTemporaryFile("r", encoding="utf-8")  # noqa: SIM115 - closed by communicate()
        self.stderr = tempfile.NamedTemporaryFile("r", encoding="utf-8")  # noqa: SIM115 - likewise
        where = (str(cwd or Path.cwd()), dict(os.environ if env is None else env))
        # Ended with the tests, should one of them not wait for it.
        self._process = FORKSERVER.Process(
            target=_be, args=(command, *where, [self.stdout.name, self.stderr.name], terminal), daemon=True
        )
        sys.audit(STARTING)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """How it ended: negative where a signal killed it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends, and return its exit code."""
        self._process.join(timeout)
        if self.returncode is None:
            self._process.kill()
            raise TimeoutError(f"still running after {timeout} seconds")
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it ends, and return what it has printed since the last look at it."""
        self._process.join(timeout)
        with self.stdout, self.stderr:
            out, err = self.stdout.read(), self.stderr.read()
        if self.returncode is None:
            self._process.kill()
            raise TimeoutError(f"still running after {timeout} seconds; printed:\n{out}{err}")
        return out, err


def run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    process = Process(*command, cwd=cwd, env=env)
    out, err = process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


def _be(command: tuple[str, ...], cwd: str, env: Mapping[str, str], output: list[str], terminal: str | None) -> None:
    """Be this command: run in the fork."""
    if terminal is not None:
        os.setsid()
    for standard, file in enumerate([terminal] * 3 if terminal else [os.devnull, *output]):
        opened = os.open(file or "", os.O_RDWR | os.O_APPEND | os.O_NOCTTY)
        os.dup2(opened, standard)
        os.close(opened)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(line_buffering=stream.isatty())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = list(command)
    gc.freeze()  # what the server has imported is no garbage: a look at it would only copy its memory
    module, function = _MAIN[command[0]]
    getattr(importlib.import_module(module), function)()
