"""`dbt-drift alerts`: try the channels, and tell of syncs that do not run."""

from __future__ import annotations

import os
from typing import Any

import click

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.terminal import echo


@click.group("alerts")
def alerts_command() -> None:
    """Try the channels of alerts, and tell of syncs that do not run.

    The environment names the channels; `dbt-drift sync` sends the alerts by itself.
    """


@alerts_command.command("test")
def test_command() -> int:
    """Send a test alert to each channel. Needs no project."""
    from dbt_drift.alerts.tell import send_test

    outcomes = send_test(os.environ)
    for name, problem in outcomes:
        echo(f"fail  {name}: {problem}" if problem else f"ok  {name}: the test alert has arrived")
    failed = sum(bool(problem) for _, problem in outcomes)
    return 0 if not failed else 2 if failed == len(outcomes) else 1


@alerts_command.command("check")
@project_options
def check_command(**given: Any) -> int:
    """Tell of declared syncs that have not succeeded for the hours of the setting alerts.hours.

    For a schedule of its own: a sync that is not started at all cannot tell. Sends nothing to Drift.
    """
    from dbt_drift.alerts.tell import check_age

    stale = check_age(project_from(given), os.environ, lambda notice: echo(f"WARN {notice}", err=True))
    for incident in stale:
        echo(str(incident))
    if not stale:
        echo("Every sync that has run before has succeeded in time.")
    return 1 if stale else 0
