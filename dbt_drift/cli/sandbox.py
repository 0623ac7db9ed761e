"""`dbt-drift sandbox`."""

from __future__ import annotations

import click

from dbt_drift.terminal import echo

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
def command(port: int, data: str | None, config: str | None, switches: tuple[str, ...]) -> None:
    """Serve a local Drift on 127.0.0.1, with a page that shows its contacts and requests.

    Point dbt-drift at it with DRIFT_API_URL; any DRIFT_ACCESS_TOKEN is taken. Ends with Ctrl-C.
    """
    from dbt_drift.cli.extras import needing

    with needing("sandbox"):
        from dbt_drift.sandbox.server import serve
        from dbt_drift.sandbox.setup import read_setup

    serve(port=port, data=data, setup=read_setup(config, switches), announce=_announce)


def _announce(url: str) -> None:
    echo(f"Sandbox at {url} (open it in a browser). Ctrl-C ends it.")
    echo(f"  export DRIFT_API_URL={url} DRIFT_ACCESS_TOKEN=sandbox")
