"""The demo's steps: real commands on a copy of the integration project, against a sandbox of its own."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from dbt_drift.errors import ConfigurationError, DbtDriftError
from dbt_drift.project.bundled import integration_project
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox
from dbt_drift.sync.results import FILE_NAME, Results

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SOME_ROWS_FAILED = 1
_NOT_COPIED = shutil.ignore_patterns("target", "logs", "__pycache__", "*.duckdb", "*.wal", ".user.yml")

# Nobody wants to watch a rate limit. Drift's own is thought to be 1000 requests in 20 seconds.
_UNLIMITED = "{dbt_drift: {rate_limit: {requests: 0}}}"


class DemoError(DbtDriftError):
    """A step of the demo failed."""


def run_demo(*, directory: Path | None, wait: bool) -> None:
    """Build, plan, sync, change, sync again; each step is the command that a user would type.

    Args:
        directory: Where the copy of the project goes, to keep it; None for a temporary folder.
        wait: Whether the sandbox stays up at the end, until Ctrl-C.

    Raises:
        ConfigurationError: The directory is not empty.
        DemoError: A command failed.
    """
    with _project(directory) as project, Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        demo = _Demo(project, sandbox)
        demo.introduce()
        demo.run()
        demo.summarise()
        if wait:
            click.echo(f"\nThe sandbox stays at {sandbox.url} until you press Ctrl-C.")
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)


@contextlib.contextmanager
def _project(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        if directory.exists() and any(directory.iterdir()):
            raise ConfigurationError(
                f"{directory} is not empty.", advice="Name a new folder, or leave --directory out for a temporary one."
            )
        yield _copied(directory.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="dbt-drift-demo-") as temporary:
        yield _copied(Path(temporary) / "fernhill")


def _copied(directory: Path) -> Path:
    shutil.copytree(integration_project(), directory, ignore=_NOT_COPIED, dirs_exist_ok=True)
    return directory


class _Demo:
    """One walk through; remembers what each sync did."""

    def __init__(self, project: Path, sandbox: Sandbox) -> None:
        self._project = project
        self._sandbox = sandbox
        self._requests: list[int] = []
        self._last: Results | None = None
        # The commands are those of this environment, whether or not it is activated.
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "DRIFT_API_URL": sandbox.url,
            "DRIFT_ACCESS_TOKEN": "sandbox",
            "FERNHILL_DUCKDB_PATH": str(project / "fernhill.duckdb"),
        }

    def introduce(self) -> None:
        """Say what is about to happen."""
        click.secho("dbt-drift: from dbt models to Drift contacts", bold=True)
        click.echo(f"The project: {self._project} (DuckDB)")
        click.echo(f"The sandbox, a local Drift with a page to watch: {self._sandbox.url}")

    def run(self) -> None:
        """Day 1, again, and day 2."""
        self._step("Build the project: seeds, staging, marts, tests.", "dbt build --quiet")
        self._step("What would be sent? Nothing is sent yet.", "dbt-drift plan --rows 2")
        self._sync("Send it.")
        self._sync("Again: nothing changed, so nothing is sent.")
        self._step("A day goes by: some upgrade, some sign up, one leaves.", "dbt build --quiet --vars 'demo_day: 2'")
        self._step("Only the differences are left to send.", "dbt-drift plan --rows 4")
        self._sync("Send them.")
        self._sync("And again nothing.")

    def summarise(self) -> None:
        """Add it up."""
        click.echo()
        click.secho("What happened", bold=True)
        summary = self._sandbox.summary()
        first, second, third, fourth = self._requests
        click.echo(f"  Drift now holds {summary.contacts} contacts.")
        click.echo(f"  Requests: first sync {first}, unchanged {second}, a day later {third}, unchanged {fourth}.")
        for result in self._last.results if self._last else []:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.reasons.items()))
            if reasons:
                click.echo(f"  Rows of {result.name} that no contact can be made of: {reasons}.")
                click.echo(f"    They are listed in {result.rejected_relation}; sync says so with exit code 1.")
        click.echo(f"  The contacts, their tags and every request: {self._sandbox.url}")

    def _sync(self, what: str) -> None:
        self._step(what, f"dbt-drift sync --vars {shlex.quote(_UNLIMITED)}", fine=(0, _SOME_ROWS_FAILED))
        written = (self._project / "target" / FILE_NAME).read_bytes()
        self._last = msgspec.json.decode(written, type=Results)
        self._requests.append(sum(result.requests for result in self._last.results))

    def _step(self, what: str, command: str, *, fine: Sequence[int] = (0,)) -> None:
        click.echo()
        click.secho(what, bold=True)
        click.secho(f"$ {command}", fg="cyan")
        code = _run(shlex.split(command), self._project, self._environment)
        if code not in fine:
            raise DemoError(f"`{command}` ended with exit code {code}; its own words are above.")


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
    sys.stdout.flush()
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise ConfigurationError(f"{command[0]} is not installed.", advice="Run: pip install 'dbt-drift[demo]'")
    return subprocess.run([program, *command[1:]], cwd=folder, env=environment, check=False).returncode  # noqa: S603 - our own commands
