"""Commands on a ledger without a sync: `status`, `explain`, `unlock`, `adopt`, `untag`, `forget`, `purge`, `rename`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import click

from dbt_drift.cli.options import document_option, project_from, project_options
from dbt_drift.terminal import echo, echo_document


@click.command("status")
@project_options
@click.option(
    "--runs", default=5, show_default=True, type=click.IntRange(min=0), help="How many of the last runs to show."
)
@document_option
def status_command(*, runs: int, output: str, **given: Any) -> int:
    """Show the ledger: the lock, the last runs, waiting answers, rejected rows, its size. Writes nothing."""
    from dbt_drift.cli.views.status import status_document, status_text
    from dbt_drift.operations.status import read_status

    status = read_status(project_from(given), runs=runs)
    if output == "json":
        echo_document(status_document(status))
    else:
        echo(status_text(status))
    return 0


@click.command("explain")
@click.argument("key")
@project_options
@click.option("--drift", "asks_drift", is_flag=True, help="Also read the contact in Drift, beside what was accepted.")
@document_option
def explain_command(*, key: str, asks_drift: bool, output: str, **given: Any) -> int:
    """Say everything about one contact: its row, what Drift accepted, what a sync would do, and why.

    KEY is the contact's key or its e-mail address. The output contains personal data. Exit code 1 if nobody knows the
    contact.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.views.explain import explain_document, explain_text
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url
    from dbt_drift.operations.explain import explain

    prepared = prepare(project_from(given), tell_of_last_build=True)
    with contextlib.ExitStack() as stack:
        client = None
        if asks_drift:
            client = stack.enter_context(
                DriftClient(drift_url(os.environ), credential(os.environ), policy=RetryPolicy(tries=2))
            )
        states = explain(prepared, key, client=client, notice=lambda text: echo(f"WARN {text}", err=True))
    if output == "json":
        echo_document(explain_document(key, states))
    else:
        echo(explain_text(key, states))
    return 0 if states else 1


@click.command("report")
@project_options
@click.option(
    "--file", type=click.Path(dir_okay=False), help="The page. Default: drift_report.html in dbt's target folder."
)
@click.option(
    "--runs", default=200, show_default=True, type=click.IntRange(min=0), help="How many of the last runs to read."
)
@click.option("--keys", is_flag=True, help="Show keys, and addresses in messages, as they are.")
@document_option
def report_command(*, file: str | None, runs: int, keys: bool, output: str, **given: Any) -> int:
    """Write a page that shows the state of all syncs: health, last runs, audiences, rejected rows. One HTML file."""
    from pathlib import Path

    from dbt_drift.operations.report import read_report
    from dbt_drift.project.folders import artifacts_folder
    from dbt_drift.report.page import report_page, write_page

    options = project_from(given)
    where = Path(file) if file else artifacts_folder(options) / "drift_report.html"
    where = where.absolute()  # reading the ledger moves to the project's root
    report = read_report(options, runs=runs, keys=keys)
    if output == "json":
        echo_document(report)
        return 0
    write_page(where, report_page(report))
    echo(f"Written to {where}.")
    return 0


@click.command("unlock")
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Release the lock even of a run that gives signs of life: it stops.")
def unlock_command(*, yes: bool, force: bool, **given: Any) -> int:
    """Release the lock that a run left behind. Without this, it expires two minutes after the run was killed."""
    from dbt_drift.errors import LockedError
    from dbt_drift.operations.status import find_lock, release_lock

    project, location, owner = find_lock(project_from(given))
    if owner is None:
        echo(f"Nobody holds the lock of the ledger in the schema {location.schema}.")
        return 0
    echo(f"The lock of the ledger in the schema {location.schema} is held by the {owner}.")
    if not owner.is_dead and not force:
        raise LockedError(
            "That run gives signs of life, so its lock stays.",
            advice="Stop the run, or wait for it. With --force, the run stops before it writes anything more.",
        )
    if not owner.is_dead:
        echo(
            "Warning: that run gives signs of life. The next run sends again what Drift has accepted from it and it "
            "has not journaled.",
            err=True,
        )
    if not yes:
        click.confirm("Release it?", abort=True)
    release_lock(project, location, owner)
    echo("Released.")
    return 0


@click.command("adopt")
@click.argument("model")
@click.argument("tag")
@click.argument("members")
@click.option("--column", help="The column of MEMBERS with the key. Default: the same name as in MODEL.")
@project_options
def adopt_command(model: str, tag: str, members: str, *, column: str | None, **given: Any) -> int:
    """Record that contacts carry TAG, as if the mirror of MODEL had tagged them. Sends nothing.

    MEMBERS is a model, seed or snapshot that lists the contacts that carry the tag in Drift. The next sync takes
    the tag away from those that are not members of MODEL.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.adopt import adopt
    from dbt_drift.wording import counted

    adopted = adopt(prepare(project_from(given)), model, tag, members=members, column=column)
    echo(f"Adopted: {counted(adopted, 'contact')}. `dbt-drift plan` shows who would lose {tag!r}.")
    return 0


@click.command("untag")
@click.argument("model")
@click.argument("tag")
@project_options
def untag_command(model: str, tag: str, **given: Any) -> int:
    """Take TAG away from the contacts that MODEL gave it to, after MODEL no longer declares it or is gone.

    No other contact loses the tag. If the command breaks off, run it again to finish.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.cli.console import Untagging
    from dbt_drift.delivery.stop import Stop, stopping_on_signals
    from dbt_drift.operations.untag import untag
    from dbt_drift.wording import counted

    reporter = Untagging(sys.stdout, quiet=False)
    stop = Stop()
    with stopping_on_signals(stop):
        prepared = prepare(project_from(given), needs_syncs=False)
        result = untag(prepared, model, tag, os.environ, reporter, stop=stop)
    done = f"Done in {result.execution_time:.2f}s with {counted(result.requests, 'request')}."
    if result.status != "success":
        done += " Run it again to untag the contacts that still carry the tag."
    echo(done)
    return 0 if result.status == "success" else 1


@click.command("forget")
@click.argument("model")
@click.argument("tag")
@project_options
def forget_command(model: str, tag: str, **given: Any) -> int:
    """Forget that MODEL set TAG, after MODEL no longer declares it or is gone. Drift keeps the tag."""
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.untag import forget_tag
    from dbt_drift.wording import counted

    contacts = forget_tag(prepare(project_from(given), needs_syncs=False), model, tag)
    echo(f"Forgotten: {counted(contacts, 'contact')} of {model} keep the tag {tag!r} in Drift.")
    return 0


@click.command("purge")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge_command(*, keys: tuple[str, ...], yes: bool, **given: Any) -> int:
    """Remove every trace of a person from the ledger. Drift and the models keep what they have.

    KEY is the contact's key or its e-mail address. Exit code 1 if the ledger has no trace of it.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.purge import purge
    from dbt_drift.wording import counted

    prepared = prepare(project_from(given), needs_syncs=False)
    if not yes:
        click.confirm(f"Remove {counted(len(keys), 'contact')} from the ledger {prepared.location.schema}?", abort=True)
    purged = purge(prepared, keys)
    for table, count in purged.removed.items():
        echo(f"Removed {counted(count, 'row')} of {table}.")
    if not purged.removed:
        echo("The ledger has no trace of it.")
    for model in purged.models:
        echo(
            f"WARN {model} still has a row of it, so the next sync writes the contact again. Take the row out of the "
            "model, or mark it in a column that `suppress` names.",
            err=True,
        )
    return 0 if purged.removed else 1


@click.command("rename")
@click.argument("former")
@click.argument("model")
@project_options
def rename_command(former: str, model: str, **given: Any) -> int:
    """Let MODEL keep the ledger that it had under its name FORMER.

    Run it after `dbt parse` and before the next sync. Otherwise a sync treats MODEL as new: it sends every contact
    again, and no longer takes away the tags that FORMER has set.
    """
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.operations.rename import rename
    from dbt_drift.wording import counted

    remembered = rename(prepare(project_from(given)), former, model)
    echo(f"{model} keeps the ledger of {former}: {counted(remembered, 'contact')} remembered.")
    return 0
