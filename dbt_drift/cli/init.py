"""`dbt-drift init`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dbt_drift.cli.options import project_from, project_options
from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, live_line

if TYPE_CHECKING:
    from dbt_drift.declarations.manifest import Manifest
    from dbt_drift.init.candidates import Candidate
    from dbt_drift.init.proposal import Audience, Proposal
    from dbt_drift.project.gateway import DbtProject

_SANDBOX = "dbt-drift sandbox &\nexport DRIFT_API_URL=http://127.0.0.1:8484 DRIFT_ACCESS_TOKEN=sandbox"


@click.command("init")
@click.argument("model", required=False)
@project_options
@click.option("--yes", is_flag=True, help="Ask no questions: take the likeliest model, and write tags as comments.")
@click.option("--dry-run", is_flag=True, help="Show the change, and write nothing.")
def init_command(*, model: str | None, yes: bool, dry_run: bool, **given: Any) -> int:
    """Find the models that look like contacts, and write a first mapping into the properties file of one.

    Without MODEL, it offers the models that it finds. It only adds lines to the file. It parses the project before and
    after, and takes the change back if dbt or dbt-drift finds a mistake.
    """
    from dbt_drift.project.gateway import DbtProject

    try:
        return _declare(DbtProject.load(project_from(given)), model, yes=yes, dry_run=dry_run)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise ConfigurationError(
            "Nobody can answer: the standard input has ended.", advice="Run `dbt-drift init MODEL --yes`."
        ) from None


def _declare(project: DbtProject, model: str | None, *, yes: bool, dry_run: bool) -> int:
    from dbt_drift.declarations.manifest import read_manifest
    from dbt_drift.declarations.syncs import declare
    from dbt_drift.init.write import change_for, write

    manifest = read_manifest(project.parse())
    syncs = declare(manifest)  # a project with mistakes has to be corrected first
    asks = not yes and not dry_run
    live_line.clear()  # a question may come next
    chosen = _chosen(project, manifest, [sync.name for sync in syncs], model=model, asks=asks)
    if chosen is None:
        return 0
    proposal = chosen.proposal.without({mapped.attribute for sync in syncs for mapped in sync.attributes})
    chosen = msgspec.structs.replace(chosen, proposal=_asked(proposal) if asks else proposal)
    change = change_for(project, chosen)
    echo(change.difference)
    if dry_run:
        return 0
    if asks and not click.confirm(f"\nWrite this to {change.name}?", default=True):
        return 1
    write(project, chosen, change)
    _protect(project, asks=asks)
    echo(f"\n{chosen.name} is declared in {change.name}. Next:\n")
    steps = [] if os.environ.get("DRIFT_ACCESS_TOKEN") else _SANDBOX.splitlines()
    for step in [*steps, "dbt build", "dbt-drift plan"]:
        echo(f"    {step}")
    if steps:
        echo(
            "\nThe first two are for a local Drift. For Drift itself, use `dbt-drift auth login` or DRIFT_ACCESS_TOKEN."
        )
    return 0


def _protect(project: DbtProject, *, asks: bool) -> None:
    """Let only the target for production write to Drift itself, if the profile has one and nobody has decided it."""
    from dbt_drift.init.targets import change_for_target, lines_for, production

    target = production(project)
    if target is None or "targets" in project.settings:
        return
    change = change_for_target(project, target)
    if change is None:
        listed = "\n".join(f"    {line}" for line in lines_for(target))
        echo(f"\nTo let only the target {target} write to Drift itself, add this to dbt_project.yml:\n\n{listed}")
        return
    echo(f"\n{change.difference}")
    if not asks or click.confirm(
        f"\nWrite this to {change.name}, so that only {target} writes to Drift itself?", default=True
    ):
        change.make()


def _chosen(
    project: DbtProject, manifest: Manifest, declared: list[str], *, model: str | None, asks: bool
) -> Candidate | None:
    """Return the model to declare; None if it is declared already."""
    from dbt_drift.declarations.nodes import label
    from dbt_drift.init.candidates import candidate, candidates, is_declared

    if model is not None:
        if any(label(node) == model and is_declared(node) for node in manifest.nodes.values()):
            echo(f"{model} already has a `meta.drift`; nothing changes.")
            return None
        return candidate(project, manifest, model)
    if declared:
        echo(f"Already declared: {', '.join(declared)}")
    if declared and not asks:
        echo("Name another model to declare it too: `dbt-drift init MODEL`.")
        return None
    found = candidates(project, manifest)
    if not found:
        if declared:
            return None
        raise ConfigurationError(
            "No model has a column that looks like an email address.",
            advice="Build the models first, so that their columns are known, or name one: `dbt-drift init MODEL`.",
        )
    return found[_number(found) - 1 if asks else 0]


def _number(found: list[Candidate]) -> int:
    echo("These models look like contacts:")
    for number, one in enumerate(found, start=1):
        echo(f"  {number}  {one.name}: {escaped(', '.join(one.proposal.fields))}")
    return int(click.prompt("Which one?", type=click.IntRange(1, len(found)), default=1))


def _asked(proposal: Proposal) -> Proposal:
    """Return the proposal as the user wants it."""
    match_on: str = proposal.match_on
    if "externalId" in proposal.fields:
        keys = click.Choice(["email", "externalId"])
        match_on = click.prompt("Which attribute identifies a contact?", type=keys, default=match_on)
    tags = [msgspec.structs.replace(one, tag=tag) for one in proposal.audiences if (tag := _asked_tag(one))]
    return msgspec.structs.replace(proposal, match_on=match_on, audiences=tuple(tags), is_chosen=True)


def _asked_tag(audience: Audience) -> str:
    """Return the tag for the rows where a column is true; "" for none."""
    question = f"Tag contacts where {escaped(audience.when)} is true? y for {audience.tag!r}, n, or another name"
    answer = str(click.prompt(question, default="n")).strip()
    return {"y": audience.tag, "yes": audience.tag, "n": "", "no": ""}.get(answer.lower(), answer)
