"""The steps of the demo: real commands on a copy of the integration project, against its own sandbox."""

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

from dbt_drift.delivery.results import FILE_NAME, Results
from dbt_drift.errors import ConfigurationError, DbtDriftError
from dbt_drift.project.bundled import integration_project
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SOME_ROWS_FAILED = 1
_SCRIPT_REQUESTS = 2
"""Requests per row without a ledger: a look-up, then a creation or a change. Tags would need more."""

_NOT_COPIED = shutil.ignore_patterns("target", "logs", "__pycache__", "*.duckdb", "*.wal", ".user.yml")

# The demo does not wait for a rate limit. Drift's own is reported as 1000 requests in 20 seconds.
_UNLIMITED = "{dbt_drift: {rate_limit: {requests: 0}}}"


class DemoError(DbtDriftError):
    """A step of the demo failed."""


def run_demo(*, directory: Path | None, wait: bool) -> None:
    """Build, plan, sync, change the data and sync again. Each step is a command that users would type.

    Args:
        directory: Where to keep the copy of the project; None for a temporary folder.
        wait: Whether to keep the sandbox running at the end, until Ctrl-C.

    Raises:
        ConfigurationError: The directory is not empty, or dbt is not installed.
        DemoError: A command failed.
    """
    with _project(directory) as project, Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
        demo = _Demo(project, sandbox)
        demo.introduce()
        demo.run()
        demo.summarise()
        if wait:
            demo.stay()


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
    """One run of the demo; records the results of each sync."""

    def __init__(self, project: Path, sandbox: Sandbox) -> None:
        self._project = project
        self._sandbox = sandbox
        self._syncs: list[Results] = []
        # Use the commands of this environment, whether or not it is activated. Settings that the user has made for
        # another project, such as a target or a profiles folder, must not apply to this one.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        self._environment = inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "DRIFT_API_URL": sandbox.url,
            "DRIFT_ACCESS_TOKEN": "sandbox",
            "FERNHILL_DUCKDB_PATH": str(project / "fernhill.duckdb"),
        }

    def introduce(self) -> None:
        """Print what the demo does."""
        click.secho("dbt-drift: from dbt models to Drift contacts", bold=True)
        click.echo(f"The project, a copy to play with: {self._project}")
        self._announce("Start a sandbox: a local Drift with a page to watch.", "dbt-drift sandbox --port 0")
        click.echo(f"Open {self._sandbox.url} in a browser. It takes any token:")
        click.secho(f"$ export DRIFT_API_URL={self._sandbox.url} DRIFT_ACCESS_TOKEN=sandbox", fg="cyan")
        click.echo(
            "Drift takes about 1000 requests in 20 seconds. Here that limit is lifted, so that nobody has to wait."
        )

    def run(self) -> None:
        """Run day 1, day 1 again, and day 2."""
        self._build("Build the project: seeds, models, tests.", "dbt build")
        click.echo("The warnings are meant: five people of this CRM have no address that can be used.")
        self._step("What would be sent? Nothing is sent yet.", "dbt-drift plan --rows 2")
        self._sync("Send it.")
        self._sync("Again: nothing changed, so nothing is sent.")
        self._build("A day goes by: some upgrade, some sign up, one leaves.", "dbt build --vars 'demo_day: 2'")
        self._step("Only the differences are left to send.", "dbt-drift plan --rows 4")
        self._sync("Send them.")
        self._sync("And again nothing.")

    def summarise(self) -> None:
        """Print a summary."""
        click.echo()
        click.secho("What happened", bold=True)
        summary = self._sandbox.summary()
        tags = ", ".join(f"{tag} {members}" for tag, members in sorted(summary.tags.items()))
        click.echo(f"  Drift now holds {summary.contacts} contacts. Tagged: {tags}.")
        first, second, third, fourth = (sum(r.requests for r in sync.results) for sync in self._syncs)
        click.echo(f"  Requests: first sync {first:,}, unchanged {second}, a day later {third:,}, unchanged {fourth}.")
        rows = sum(result.rows.read - result.rows.invalid for sync in self._syncs for result in sync.results)
        script, ours = rows * _SCRIPT_REQUESTS, first + second + third + fourth
        click.echo(
            f"  {ours:,} in all; a script that looks up and sends every row each time needs {script:,}, without tags."
        )
        for result in self._syncs[-1].results:
            if result.reasons:
                reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.reasons.items()))
                click.echo(f"  Rows of {result.name} that no contact can be made of: {reasons}.")
                click.echo(f"    They cost no other row anything. They are kept in {result.rejected_relation},")
                click.echo("    and sync ends with exit code 1 to say so.")
        click.echo(f"  The contacts, their tags and every request: {self._sandbox.url}")

    def stay(self) -> None:
        """Keep the sandbox and the project until Ctrl-C."""
        click.echo()
        click.secho("Try it yourself, in a second terminal", bold=True)
        programs, database = str(Path(sys.executable).parent), self._environment["FERNHILL_DUCKDB_PATH"]
        for command in (
            f"cd {shlex.quote(str(self._project))}",
            f"export PATH={shlex.quote(programs)}:$PATH FERNHILL_DUCKDB_PATH={shlex.quote(database)}",
            f"export DRIFT_API_URL={self._sandbox.url} DRIFT_ACCESS_TOKEN=sandbox",
            "dbt build --vars 'demo_day: 3' && dbt-drift plan",
        ):
            click.secho(f"  $ {command}", fg="cyan")
        click.echo("  What is synced is declared in models/marts/_marts.yml: change it, run dbt build, plan again.")
        click.echo(f"\nThe sandbox stays at {self._sandbox.url} until you press Ctrl-C.")
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)

    def _build(self, what: str, command: str) -> None:
        """Run dbt, and print only the last line of its output if it succeeds."""
        self._announce(what, command)
        done = self._run(command, capture=True)
        if done.returncode:
            click.echo(done.stdout, nl=False)
            raise _failed(command, done.returncode)
        click.echo("".join(line for line in done.stdout.splitlines(keepends=True) if "Done. PASS=" in line), nl=False)

    def _sync(self, what: str) -> None:
        artifact = self._project / "target" / FILE_NAME
        artifact.unlink(missing_ok=True)
        command = f"dbt-drift sync --vars {shlex.quote(_UNLIMITED)}"
        code = self._step(what, command, fine=(0, _SOME_ROWS_FAILED))
        if not artifact.exists():
            raise _failed(command, code)
        results = msgspec.json.decode(artifact.read_bytes(), type=Results)
        if any(result.status not in {"success", "warn"} for result in results.results):
            raise _failed(command, code)
        self._syncs.append(results)

    def _step(self, what: str, command: str, *, fine: Sequence[int] = (0,)) -> int:
        self._announce(what, command)
        code = self._run(command).returncode
        if code not in fine:
            raise _failed(command, code)
        return code

    def _announce(self, what: str, command: str) -> None:
        click.echo()
        click.secho(what, bold=True)
        click.secho(f"$ {command}", fg="cyan")

    def _run(self, command: str, *, capture: bool = False) -> subprocess.CompletedProcess[str]:
        sys.stdout.flush()
        name, *arguments = shlex.split(command)
        program = shutil.which(name, path=self._environment["PATH"])
        if program is None:
            raise ConfigurationError(f"{name} is not installed.", advice="Run: pip install 'dbt-drift[demo]'")
        return subprocess.run(  # noqa: S603 - our own commands
            [program, *arguments],
            cwd=self._project,
            env=self._environment,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            text=True,
            check=False,
        )


def _failed(command: str, code: int) -> DemoError:
    return DemoError(f"`{command}` ended with exit code {code}; its own words are above.")
