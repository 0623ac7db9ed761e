"""Commands to try things with: `sandbox` and `demo`."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dbt_drift.errors import ConfigurationError
from dbt_drift.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def needing(extra: str) -> Iterator[None]:
    """Turn a missing package into the command that installs it.

    Raises:
        ConfigurationError: Something that the extra brings cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"This command needs the package {error.name}, which is not installed.",
            advice=f"Run: pip install 'dbt-drift[{extra}]'",
        ) from error


DEFAULT_PORT = 8484


@click.command("sandbox")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 for a free one."
)
@click.option("--data", type=click.Path(dir_okay=False), help="Keep the state in this file.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    help="Start with the switches, tokens, organisations and contacts of this YAML file.",
)
@click.option("--set", "switches", multiple=True, metavar="NAME=VALUE", help="Set a switch; can be repeated.")
def sandbox_command(port: int, data: str | None, config: str | None, switches: tuple[str, ...]) -> None:
    """Serve a local Drift on 127.0.0.1, with a page that shows its contacts and requests.

    Point dbt-drift at it with DRIFT_API_URL; any DRIFT_ACCESS_TOKEN is taken. Ends with Ctrl-C.
    """
    with needing("sandbox"):
        from dbt_drift.sandbox.server import serve
        from dbt_drift.sandbox.setup import read_setup

    serve(port=port, data=data, setup=read_setup(config, switches), announce=_announce)


def _announce(url: str) -> None:
    echo(f"Sandbox at {url} (open it in a browser). Ctrl-C ends it.")
    echo(f"  export DRIFT_API_URL={url} DRIFT_ACCESS_TOKEN=sandbox")


@click.command("demo")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put the project, to keep and change it.  [default: a temporary folder]",
)
@click.option("--wait/--no-wait", default=None, help="Keep the sandbox up at the end.  [default: on a terminal]")
def demo_command(directory: Path | None, *, wait: bool | None) -> int:
    """Watch a whole dbt project being built on DuckDB and synced to a sandbox."""
    with needing("demo"):
        importlib.import_module("duckdb")  # what dbt-duckdb brings: better missed now than after a build
        from dbt_drift.demo.run import DemoError, run_demo

    try:
        run_demo(directory=directory, wait=sys.stdout.isatty() if wait is None else wait)
    except DemoError as error:
        echo(f"Error: {error}", err=True)
        return 1
    return 0
