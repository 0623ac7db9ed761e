"""`dbt-drift`: the group of commands. A command's module is imported only when it runs: `--help` must be instant."""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from dbt_drift import __version__
from dbt_drift.declarations.problems import nearest
from dbt_drift.errors import DbtDriftError, internal_error
from dbt_drift.terminal import echo, live_line, show_notices

_COMMANDS = {
    "init": "Find the models that look like contacts, and write a first mapping.",
    "ls": "List the models that declare a sync; needs no warehouse.",
    "plan": "Show what a sync would send; sends nothing.",
    "sync": "Make Drift match the declared models.",
    "status": "Show the ledger: lock, last runs, rejected rows, size.",
    "explain": "Say everything about one contact: model, ledger, what a sync would do.",
    "report": "Write a page that shows the state of all syncs.",
    "rebuild": "Rebuild a lost ledger by look-ups in Drift; sends nothing.",
    "unlock": "Release the lock that a run left behind.",
    "retry": "Sync, and send the rows again that earlier runs gave up.",
    "alerts": "Try the channels of alerts; tell of syncs that do not run.",
    "artifacts": "Download what a run of dbt Cloud has built.",
    "auth": "Sign in to Drift, check the access, sign out.",
    "check": "Check the declarations, the relations and the access to Drift.",
    "exposures": "Write exposures, so that dbt's graph shows Drift.",
    "schema": "Print the JSON Schema of declarations, for editors and CI.",
    "attributes": "List the attributes that Drift has, and the columns that fill them.",
    "adopt": "Record who carries a tag that a mirror has not set itself.",
    "untag": "Remove a tag that a model no longer declares.",
    "forget": "Leave a tag in Drift that a model no longer declares.",
    "purge": "Remove every trace of a person from the ledger.",
    "rename": "Let a renamed model keep its ledger.",
    "sandbox": "Serve a local Drift to try things against.",
    "demo": "Watch a whole project being built and synced to a sandbox.",
}

_MODULES = {
    **dict.fromkeys(("retry", "rebuild"), "sync"),
    **dict.fromkeys(("status", "explain", "report", "unlock", "adopt", "untag", "forget", "purge", "rename"), "ledger"),
    **dict.fromkeys(("check", "attributes", "exposures", "schema"), "project"),
    "demo": "sandbox",
}
"""The module of each command that is not in the module of its name."""

_MEANT = {
    "--dry-run": "`dbt-drift plan` shows what a sync would send, and sends nothing.",
    "--models": "Name models with --select.",
    "--model": "Name models with --select.",
}
"""Hints for options that other programs have."""


class _LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"dbt_drift.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the command that was most likely meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], _COMMANDS)
            if near is None or args[0] in _COMMANDS:
                raise
            message = f"No such command {args[0]!r}. Did you mean {near!r}?"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dbt-drift")
def group() -> None:
    """Reverse ETL from dbt models to Drift.

    Declare a model's mapping under `config.meta.drift`, run `dbt build`, then `dbt-drift sync`.
    The access token comes from DRIFT_ACCESS_TOKEN, or from `dbt-drift auth login`; DRIFT_API_URL points at a sandbox
    instead of Drift.

    Exit codes: 0: all went well, 1: some rows or syncs failed, 2: nothing could be run, 3: another run has the lock,
    4: Drift or the warehouse is away.
    """


def main() -> None:
    """Run the command line; an expected error is its message on stderr and its exit code, 1 with a detailed one."""
    failure = 1 if "--detailed-exitcode" in sys.argv else 2
    show_notices(lambda notice: echo(f"WARN {notice}", err=True))
    try:
        code = group.main(standalone_mode=False)
    except DbtDriftError as error:
        echo(f"Error: {error}", err=True)
        sys.exit(1 if failure == 1 else error.exit_code)
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and error.option_name in _MEANT:
            echo(_MEANT[error.option_name], err=True)
        sys.exit(failure)
    except (click.Abort, KeyboardInterrupt):
        echo("Interrupted.", err=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - Python's own exit code 1 would say that some rows failed
        echo(traceback.format_exc(), err=True)
        echo(f"Error: {internal_error(error)}", err=True)
        sys.exit(failure)
    finally:
        live_line.clear()
    sys.exit(code if isinstance(code, int) else 0)
