"""`dbt-drift` as a user types it, in this process; in one of its own where the process is what counts."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from dbt_drift.cli.main import main
from tests.support import warm
from tests.support.harness import TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.harness import Bench

_OTHERS = ("DBT_", "DRIFT_")
"""Variables that would change what the command does, should the tests be run where they are set."""


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs commands in this process, which has paid for importing dbt already."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> Done:
        """Run `dbt-drift` with these arguments, in this folder, with these environment variables."""
        self._capsys.readouterr()
        on_term = signal.getsignal(signal.SIGTERM)
        with self._monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(_OTHERS)]:
                patch.delenv(name)
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            patch.chdir(cwd or os.getcwd())  # noqa: PTH109 - dbt-drift moves to the project's root: this brings us back
            patch.setattr(sys, "argv", ["dbt-drift", *arguments])
            log = logging.getLogger("dbt_drift")  # the command shows notices on streams of this test
            for name in ("handlers", "level", "propagate"):
                patch.setattr(log, name, getattr(log, name))
            with pytest.raises(SystemExit) as ended:
                main()
        signal.signal(signal.SIGTERM, on_term)
        printed = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return _checked(Done(ended.value.code, printed.out, printed.err))


def run_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run `dbt-drift` in a process of its own."""
    return _ended(start_process(*arguments, environment=environment))


def start_process(*arguments: str, environment: Mapping[str, str] | None = None) -> warm.Process:
    """Start `dbt-drift` in a process of its own, which the caller waits for."""
    return warm.Process("dbt-drift", *arguments, env=_clean(environment))


def run_program(*arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run the real program, from the start of Python on."""
    return _ended(start_program(*arguments, environment=environment))


def start_program(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the real program, whose output comes through pipes; the caller waits for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "dbt_drift", *arguments],
        env=_clean(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def _ended(process: warm.Process | subprocess.Popen[str]) -> Done:
    out, err = process.communicate()
    assert process.returncode is not None
    return _checked(Done(process.returncode, out, err))


def _clean(environment: Mapping[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    return {**clean, **(environment or {})}


def project_of(bench: Bench) -> list[str]:
    """Return the flags that lead to the bench's project and ledger."""
    return [
        "--project-dir", str(bench.project), "--profiles-dir", str(bench.project), "--target-path", str(bench.target),
        "--vars", f"{{dbt_drift: {{schema: {bench.ledger}}}}}",
    ]  # fmt: skip


def _checked(done: Done) -> Done:
    """What holds for every command, whatever it was meant to show."""
    everything = done.out + done.err
    assert "Traceback" not in everything, everything
    assert TOKEN not in everything
    return done
