"""Commands about what a project declares: `check`, `attributes`, `exposures`, `schema`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dbt_drift.cli.options import (
    SelectingCommand,
    document_option,
    project_from,
    project_options,
    selection_from,
    selection_options,
    warn_of_undeclared,
)
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, echo_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.operations.attributes import InventoryEntry
    from dbt_drift.project.gateway import DbtProject


@click.command("check", cls=SelectingCommand)
@project_options
@selection_options
@click.option("--offline", is_flag=True, help="Do not ask Drift, and do not require the warehouse.")
@click.option("--parse", is_flag=True, help="Parse the project first, as `dbt parse` does.")
@click.option(
    "--contact",
    metavar="EMAIL",
    help="Try on this contact whether Drift applies tags: set the tag `dbt-drift check`, read it, and remove it.",
)
def check_command(*, offline: bool, parse: bool, contact: str | None, **given: Any) -> int:
    """Check the declarations, the relations that they name, and the access to Drift. Writes nothing without --contact.

    Compares the mapping with Drift's attributes if the token may list them (all_contact_read). Exit code 1 if a sync
    would lack a scope. With --state, first lists what the project no longer fills, compared with the manifest there.
    """
    from dbt_drift.binding.attribute_types import check_mapping
    from dbt_drift.binding.pinning import refuse_organisation, refuse_target
    from dbt_drift.binding.prepare import prepare
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.auth.scopes import missing_scopes
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.local_sandbox import sandbox_at
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url
    from dbt_drift.project.gateway import DbtProject

    options = project_from(given)
    if parse:
        DbtProject.load(options).parse()
    if given["state"]:
        _echo_impact(DbtProject.load(options), given["state"])
    prepared = prepare(options, selection_from(given), needs_relations=not offline, tell_of_last_build=True)
    warn_of_undeclared(prepared)
    _echo_project(prepared)
    if offline:
        return 0
    url, access = drift_url(os.environ), credential(os.environ)
    if contact is not None:
        refuse_target(prepared, url)
    with DriftClient(url, access, policy=RetryPolicy(tries=2)) as client:
        info = client.token_info()
        refuse_organisation(prepared, info.organisation_id)
        sandbox = sandbox_at(url)
        place = f"{url}, {sandbox}," if sandbox else url
        organisation = escaped(info.organisation or "unknown organisation")
        echo(f"ok  {place} accepts the token from {access.source}: {organisation}")
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


def _echo_impact(project: DbtProject, state: str) -> None:
    """Print what the project fills no longer, compared with another manifest of it."""
    from dbt_drift.declarations.manifest import read_manifest
    from dbt_drift.operations.impact import impact

    before = read_manifest(project.root / state / "manifest.json")
    for change in impact(before, read_manifest(project.target_path / "manifest.json")):
        echo(f"warn  {escaped(change)}")


def _echo_project(prepared: Prepared) -> None:
    """Print what was checked without Drift."""
    from dbt_drift.wording import counted

    for sync in prepared.syncs:
        tags = f", {counted(len(sync.audiences), 'audience')}" if sync.audiences else ""
        echo(f"ok  {sync.name}: {counted(len(sync.attributes), 'attribute')}{tags}, {escaped(sync.relation_name)}")
    for unbuilt in prepared.unbuilt:
        echo(f"ok  {unbuilt.name}: its declaration; the columns of {escaped(unbuilt.relation_name)} cannot be checked")
    for notice in prepared.notices:
        echo(f"warn  {notice}")
    for blocked in prepared.blocked:
        echo(f"blocked  {blocked.sync.name}: {blocked.why}")
    project, location = prepared.project, prepared.location
    echo(
        f"ok  ledger: schema {location.schema}, database {location.database} "
        f"(target {escaped(project.target_name)}, {project.adapter_type})"
    )


def _try_on(client: DriftClient, email: str, prepared: Prepared) -> bool:
    """Try attributes and tags on a contact; return whether the audiences can work."""
    from dbt_drift.wording import masked

    found = client.probe(email)
    if found.contact_id is None:
        echo(f"warn  Drift has no contact {masked(email)} to try")
        return False
    echo(f"ok  contact {found.contact_id}: attributes can be written")
    if found.tags == "applied":
        echo(f"ok  contact {found.contact_id}: tags are applied; the tag was removed again")
        return True
    echo(f"warn  contact {found.contact_id}: {_TAGS[found.tags]}")
    tagged = [sync.name for sync in prepared.syncs if any(one.attribute is None for one in sync.audiences)]
    if tagged and found.tags != "unseen":
        echo(f"warn  {', '.join(tagged)}: give the audiences an `attribute` instead of a `tag`")
        return False
    return True


_TAGS = {
    "ignored": "Drift accepts tags and does not apply them",
    "missing": "Drift has no contact tags",
    "unseen": "Drift accepts tags and does not list them: check the contact in Drift",
}


ATTRIBUTES_VERSION = 1
"""Incremented when the JSON changes in a way that can break a reader."""


@click.command("attributes")
@project_options
@document_option
def attributes_command(*, output: str, **given: Any) -> int:
    """List the contact attributes that Drift has, and the columns that fill them.

    Needs a token with the scope all_contact_read. Does not use the warehouse.
    """
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url
    from dbt_drift.operations.attributes import declared_syncs, inventory

    syncs = declared_syncs(project_from(given))
    with DriftClient(drift_url(os.environ), credential(os.environ), policy=RetryPolicy(tries=2)) as client:
        entries = inventory(client.attributes(), syncs)
    if output == "json":
        document = {"attributes_version": ATTRIBUTES_VERSION, "attributes": entries}
        echo_document(document)
    else:
        echo("\n".join(_lines(entries)))
    return 0


def _lines(entries: list[InventoryEntry]) -> Iterator[str]:
    """Yield the lines of a table: first the attributes that Drift lists, then the others of the mapping."""
    rows = [("attribute", "type", "label", "filled by")]
    for entry in sorted(entries, key=lambda entry: entry.type is None):
        writers = ", ".join(f"{writer.name}.{writer.column}" for writer in entry.mapped_by)
        rows.append((entry.name, "(not listed)" if entry.type is None else entry.type, entry.label or "", writers))
    cells = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1]]
    for row in cells:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()


@click.command("exposures")
@project_options
@click.option("--owner", metavar="NAME", help="The owner of models that name no owner.  [default: the project]")
@click.option("--owner-email", metavar="ADDRESS", help="The address of that owner.")
@click.option("--url", default="https://app.drift.com", show_default=True, help="The page where people see contacts.")
@click.option("--file", help="The properties file.  [default: drift_exposures.yml in the first folder of models]")
@click.option("--check", is_flag=True, help="Write nothing, and end with exit code 1 if the file is not up to date.")
def exposures_command(
    *, owner: str | None, owner_email: str | None, url: str, file: str | None, check: bool, **given: Any
) -> int:
    """Write a dbt exposure for each model that declares a sync, so that dbt's graph shows Drift.

    Overwrites one file, which contains nothing else. Changes no other file.
    """
    from dbt_drift.declarations.exposures import (
        FILE_NAME,
        Owner,
        exposures_difference,
        exposures_file,
        write_exposures,
    )
    from dbt_drift.declarations.manifest import read_manifest
    from dbt_drift.declarations.syncs import declare
    from dbt_drift.project.gateway import DbtProject
    from dbt_drift.wording import counted

    chosen = Path(file).absolute() if file else None
    project = DbtProject.load(project_from(given))
    manifest = read_manifest(project.target_path / "manifest.json")
    syncs = declare(manifest)
    general = Owner(owner or (None if owner_email else project.name), owner_email)
    content = exposures_file(manifest, syncs, owner=general, url=url)
    path = chosen or project.root / project.model_paths[0] / FILE_NAME
    if check:
        difference = exposures_difference(path, content)
        echo(difference + "Run `dbt-drift exposures`." if difference else f"ok  {path.name} is up to date")
        return 1 if difference else 0
    write_exposures(path, content, manifest, root=project.root)
    echo(f"{counted(len(syncs), 'exposure')} written to {path}. They are in the graph after `dbt parse`.")
    return 0


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of properties files with declarations, for an editor or for CI.

    To write it to a file: `dbt-drift schema > drift.schema.json`.
    """
    from dbt_drift.declarations.schema import json_schema

    echo_document(json_schema())
