"""`dbt-drift check`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    project_from,
    project_options,
    selection_from,
    selection_options,
    warn_of_undeclared,
)
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo

if TYPE_CHECKING:
    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.engine.client import DriftClient


@click.command("check", cls=SelectingCommand)
@project_options
@selection_options
@click.option("--offline", is_flag=True, help="Do not ask Drift, and do without the warehouse where it is away.")
@click.option(
    "--contact",
    metavar="EMAIL",
    help="Try on this contact whether Drift applies tags: sets the tag `dbt-drift check`, looks, and takes it away.",
)
def command(*, offline: bool, contact: str | None, **given: Any) -> int:
    """Check the declarations, the relations that they name, and the access to Drift. Writes nothing without --contact.

    What is mapped is compared with the attributes that Drift has, if the token may list them (all_contact_read). Exit
    code 1 if a sync would lack a scope.
    """
    from dbt_drift.binding.attribute_types import check_mapping
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.auth.scopes import missing_scopes
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.local_sandbox import sandbox_at
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url
    from dbt_drift.wording import counted

    prepared = prepare(project_from(given), selection_from(given), needs_relations=not offline, tell_of_last_build=True)
    warn_of_undeclared(prepared)
    for sync in prepared.syncs:
        tags = f", {counted(len(sync.audiences), 'audience')}" if sync.audiences else ""
        echo(f"ok  {sync.name}: {counted(len(sync.attributes), 'attribute')}{tags}, {escaped(sync.relation_name)}")
    for unbuilt in prepared.unbuilt:
        echo(f"ok  {unbuilt.name}: its declaration; {escaped(unbuilt.relation_name)} is not there to check its columns")
    for notice in prepared.notices:
        echo(f"warn  {notice}")
    for blocked in prepared.blocked:
        echo(f"blocked  {blocked.sync.name}: {blocked.why}")
    project, location = prepared.project, prepared.location
    echo(
        f"ok  ledger: schema {location.schema}, database {location.database} "
        f"(target {escaped(project.target_name)}, {project.adapter_type})"
    )
    if offline:
        return 0
    url, access = drift_url(os.environ), credential(os.environ)
    with DriftClient(url, access, policy=RetryPolicy(tries=2)) as client:
        info = client.token_info()
        sandbox = sandbox_at(url)
        place = f"{url}, {sandbox}," if sandbox else url
        echo(f"ok  {place} takes the token of {access.source}: {escaped(info.organisation or 'organisation not said')}")
        for notice in check_mapping(prepared, client):
            echo(f"warn  {notice}")
        lacking = [scope for scope in missing_scopes(info) if scope.is_required]
        for scope in lacking:
            echo(f"fail  the token lacks the scope {scope.name}: {scope.purpose}")
        if lacking:
            echo("  Add it at dev.drift.com > your app > OAuth & Permissions, then install the app again.")
            return 1
        if contact is not None and not _try_on(client, contact, prepared):
            return 1
    return 0


def _try_on(client: DriftClient, email: str, prepared: Prepared) -> bool:
    """Try attributes and tags on a contact; returns whether what the audiences need works."""
    from dbt_drift.wording import masked

    found = client.probe(email)
    if found.contact_id is None:
        echo(f"warn  Drift has no contact {masked(email)} to try it on")
        return False
    echo(f"ok  contact {found.contact_id}: attributes can be written")
    if found.tags == "applied":
        echo(f"ok  contact {found.contact_id}: tags are applied, and were taken away again")
        return True
    echo(f"warn  contact {found.contact_id}: {_TAGS[found.tags]}")
    tagged = [sync.name for sync in prepared.syncs if any(one.attribute is None for one in sync.audiences)]
    if tagged and found.tags != "unseen":
        echo(f"warn  {', '.join(tagged)}: give audiences an `attribute` in the place of `tag`")
        return False
    return True


_TAGS = {
    "ignored": "Drift takes tags and does not apply them",
    "missing": "Drift has no contact tags",
    "unseen": "Drift takes tags and shows nobody's: look at the contact in Drift",
}
