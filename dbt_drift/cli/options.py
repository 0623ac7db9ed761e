"""The options that commands share: dbt's own flags, with dbt's own meaning and environment variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click
import yaml

from dbt_drift.terminal import echo, live_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.project.options import ProjectOptions, Selection

Command = TypeVar("Command", bound="Callable[..., Any]")


class _Vars(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic in click 8.5, plain before
    """A YAML mapping, as dbt's `--vars` takes it."""

    name = "YAML"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            self.fail(f"{value!r} is not YAML.", param, ctx)
        if not isinstance(parsed, dict):
            self.fail(f"{value!r} is not a YAML mapping.", param, ctx)
        return parsed


def _envvars(name: str) -> list[str]:
    # dbt 1.12 calls its variables DBT_ENGINE_*, and still knows the old names.
    return [f"DBT_ENGINE_{name}", f"DBT_{name}"]


class SelectingCommand(click.Command):
    """A command whose selection options take several values each, as dbt's do: `--select orders +customers`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before every further value: these commands have no arguments."""
        given: list[str] = []
        option = ""
        for argument in args:
            if argument.startswith("-"):
                option = argument if argument in {"--select", "-s", "--exclude"} else ""
            elif option and given[-1] != option:
                given.append(option)
            given.append(argument)
        return super().parse_args(ctx, given)


_PROJECT = [
    click.option(
        "--project-dir", help="Folder of dbt_project.yml. [DBT_PROJECT_DIR, else the working folder or above]"
    ),
    click.option(
        "--profiles-dir",
        help="Folder of profiles.yml. [DBT_PROFILES_DIR, else the working folder, ~/.dbt, the project's]",
    ),
    click.option("--profile", help="Profile to use instead of the project's. [DBT_PROFILE]"),
    click.option("--target", "-t", help="Target to use instead of the profile's default. [DBT_TARGET]"),
    click.option("--target-path", help="Folder of manifest.json. [DBT_TARGET_PATH, else the project's]"),
    click.option("--vars", "variables", type=_Vars(), help="Variables, as a YAML mapping, over the project's."),
]

_SELECTION = [
    click.option("--select", "-s", multiple=True, help="Models to select, in dbt's selection grammar."),
    click.option("--exclude", multiple=True, help="Models to leave out, in dbt's selection grammar."),
    click.option("--selector", metavar="NAME", help="A selector of selectors.yml."),
    click.option("--state", metavar="DIR", help="Artifacts that state: and result: compare with. [DBT_STATE]"),
]

_DOCUMENT = [
    click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="How the outcome is printed on stdout: for people, or as one JSON document.",
    ),
]

_LOG = [
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        envvar=_envvars("QUIET"),
        help="Print only errors and the reason for exit code 1.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "debug", "json", "default"]),
        default="default",
        envvar=_envvars("LOG_FORMAT"),
        help="json: one JSON object a line; the other values, which dbt has, print lines for people.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warn", "error", "none"]),
        default="info",
        envvar=_envvars("LOG_LEVEL"),
        help="debug: also one line for each request; the other values, which dbt has, print no such lines.",
    ),
]

_run_results = click.option(
    "--run-results",
    multiple=True,
    metavar="PATH",
    help="A run_results.json that says what dbt built, or its folder; can be repeated.  [default: the target folder's]",
)
_ignore = click.option(
    "--ignore-run-results",
    is_flag=True,
    help="Sync every selected model as it is in the warehouse, whatever dbt's last command built, failed or skipped.",
)

_BUILD = [_run_results, _ignore]

_SENDING = [
    *_BUILD,
    click.option(
        "--threads", type=click.IntRange(min=1), help="The largest number of requests at once.  [default: 128]"
    ),
    click.option("--fail-fast", is_flag=True, help="Stop a sync at the first row that fails."),
    click.option(
        "--max-failures",
        type=click.IntRange(min=0),
        help="Stop a sync when more rows than this fail, whatever the share.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["warn", "blocked", "error"]),
        default="warn",
        show_default=True,
        envvar="DBT_DRIFT_FAIL_ON",
        help="The mildest status of a sync that gives exit code 1. warn: also a single row that did not get through.",
    ),
    click.option("--allow-removals", is_flag=True, help="Send what guards would block."),
    click.option(
        "--max-removals",
        type=click.IntRange(min=0),
        help="Block a sync only if it would take away more tags and values than this.",
    ),
    click.option("--limit", type=click.IntRange(min=1), help="The largest number of contacts of each model to send."),
]

key_option = click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Take only the contact with this key or e-mail address; can be repeated. Guards do not apply.",
)

wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How many seconds to wait for another run on the same ledger.  [default: end at once]",
)


def _adding(options: list[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


project_options = _adding(_PROJECT)
selection_options = _adding(_SELECTION)
document_option = _adding(_DOCUMENT)
log_options = _adding(_LOG)
output_options = _adding([*_LOG, *_DOCUMENT])
build_options = _adding(_BUILD)
sending_options = _adding(_SENDING)


def project_from(given: dict[str, Any]) -> ProjectOptions:
    """Take dbt's flags from a command's parameters. On a terminal, say that loading takes some seconds."""
    from dbt_drift.project.options import ProjectOptions

    if not given.get("quiet"):
        live_line.draw(["Loading dbt and the project"], sys.stderr)
    names = ("project_dir", "profiles_dir", "profile", "target", "target_path")
    return ProjectOptions(**{name: given[name] for name in names}, vars=given["variables"])


def build_from(given: dict[str, Any]) -> dict[str, Any]:
    """Take the parameters of `build_options` from a command's, as the keywords of `dbt_drift.sync` and `plan`."""
    if given["run_results"] and given["ignore_run_results"]:
        raise click.UsageError("--run-results does not go with --ignore-run-results.")
    return {name: given[name] for name in ("run_results", "ignore_run_results")}


def warn_of_undeclared(prepared: Prepared) -> None:
    """Print on stderr which tags contacts carry that no model declares."""
    from dbt_drift.binding.undeclared_tags import warnings

    for warning in warnings(prepared):
        echo(f"WARN {warning}", err=True)


def selection_from(given: dict[str, Any]) -> Selection:
    """Take the selection from a command's parameters. dbt takes several selectors in one argument too."""
    from dbt_drift.project.options import Selection

    return Selection(
        select=tuple(selector for argument in given["select"] for selector in argument.split()),
        exclude=tuple(selector for argument in given["exclude"] for selector in argument.split()),
        selector=given["selector"],
        state=given["state"],
    )
