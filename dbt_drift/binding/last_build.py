"""Decides which models are fit to be synced after dbt's commands: built from the present file, with tests passed.

In one target folder, dbt describes its last command only, because each command replaces run_results.json. A scheduler
that gives each command a folder has the results of several: of each node, the newest result counts. After `dbt build`
or `dbt run`, only the models that they built are synced: the last build of any other model may have failed its tests.
Commands that build no models restrict nothing, but tests that they report as failed count. `dbt retry` finishes an
earlier command, so it restricts nothing either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.declarations.nodes import label
from dbt_drift.declarations.sync import Sync
from dbt_drift.escaping import escaped
from dbt_drift.project.compiled import could_come_from
from dbt_drift.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dbt_drift.binding.run_results import Build, NodeResult
    from dbt_drift.declarations.manifest import Manifest, Node

    SourceFile = Callable[[str, str], Path]
    """The path of a file, by its package and its path in the package."""

_RESTRICTING = frozenset({"build", "run"})
_FAILED = frozenset({"error", "fail", "runtime error"})
_UNBUILT = {
    **dict.fromkeys(_FAILED, "it failed"),
    "skipped": "it was skipped",
    "partial success": "some of its batches failed",
}
"""The problem of a model by its status; `no-op` and `reused` are fine."""

_ANYWAY = "Or use --ignore-run-results to sync what is in the warehouse."


class Blocked(msgspec.Struct, frozen=True):
    """A sync that is blocked, and why."""

    sync: Sync
    why: str


class BuildCheck(msgspec.Struct, frozen=True):
    """The selected syncs after a look at dbt's last command.

    Attributes:
        fit: The syncs to run.
        blocked: The blocked ones.
        notices: Notices for the user.
    """

    fit: list[Sync]
    blocked: list[Blocked] = []
    notices: list[str] = []


def check_last_build(
    syncs: Sequence[Sync], manifest: Manifest, builds: Sequence[Build], *, source_file: SourceFile, are_named: bool
) -> BuildCheck:
    """Separate the syncs that are fit from the blocked ones.

    Args:
        syncs: The selected syncs.
        manifest: The project.
        builds: dbt's commands; none if there are no results.
        source_file: Returns the path of a file, by its package and its path in the package.
        are_named: Whether the user selected models, so that it does not matter which ones dbt built last.
    """
    if not builds:
        return BuildCheck(
            list(syncs),
            notices=[
                "There is no run_results.json, so dbt-drift does not know whether dbt built and tested the models well."
            ],
        )
    fit, blocked, notices = list(syncs), [], []
    restricting = [build.run for build in builds if build.run.command in _RESTRICTING]
    if restricting and not are_named:
        built = {result.unique_id for run in restricting for result in run.results}
        fit = [sync for sync in syncs if sync.unique_id in built]
        if others := [sync.name for sync in syncs if sync.unique_id not in built]:
            commands = " and ".join(map(str, restricting))
            notices.append(
                f"{counted(len(others), 'model')} not synced, because {commands} did not build them: "
                f"{', '.join(others)}. Use --select to sync them anyway."
            )
    trouble = _trouble(manifest, builds, source_file)
    blocked = [Blocked(sync, trouble[sync.unique_id]) for sync in fit if sync.unique_id in trouble]
    return BuildCheck([sync for sync in fit if sync.unique_id not in trouble], blocked, notices)


def _newest(builds: Sequence[Build]) -> dict[str, tuple[NodeResult, Build]]:
    """Return the newest result of each node, with its command."""
    newest: dict[str, tuple[NodeResult, Build]] = {}
    for build in builds:
        for result in build.run.results:
            other = newest.get(result.unique_id)
            if other is None or other[1].ended(other[0]) <= build.ended(result):
                newest[result.unique_id] = result, build
    return newest


def _trouble(manifest: Manifest, builds: Sequence[Build], source_file: SourceFile) -> dict[str, str]:
    """Return the problem of each bad node, in words."""
    trouble: dict[str, str] = {}
    failed: dict[str, list[tuple[str, str]]] = {}
    for result, build in _newest(builds).values():
        node = manifest.nodes.get(result.unique_id) or manifest.unit_tests.get(result.unique_id)
        if node is None:
            continue
        if node.resource_type in {"test", "unit_test"}:
            for tested in _tested(node) if result.status in _FAILED else ():
                failed.setdefault(tested, []).append((label(node), str(build.run)))
        elif result.status in _UNBUILT:
            trouble[node.unique_id] = _blocked(f"{_UNBUILT[result.status]} in {build.run}", node)
        elif _has_changed(node, result, manifest, build, source_file):
            trouble[node.unique_id] = _blocked(
                f"{escaped(node.original_file_path)} has changed since {build.run}", node
            )
    for unique_id, tests in failed.items():
        if unique_id not in trouble and (node := manifest.nodes.get(unique_id)):
            labels = ", ".join(sorted(label for label, _ in tests))
            runs = " and ".join(dict.fromkeys(run for _, run in tests))
            what = f"{counted(len(tests), 'test')} of it failed in {runs}: {labels}"
            trouble[unique_id] = _blocked(what, node)
    return trouble


def _tested(test: Node) -> Iterator[str]:
    """Yield the ids of the nodes that a test covers; of a relationships test, only the model that declares it."""
    if test.attached_node:
        yield test.attached_node
    elif test.depends_on:
        yield from test.depends_on.nodes


def _has_changed(node: Node, result: NodeResult, manifest: Manifest, build: Build, source_file: SourceFile) -> bool:
    """Whether a model's file has changed since dbt built the model; False if unknown.

    A copy or a checkout changes the times of a file, so this compares contents: with the file that the build read
    or, if its manifest is gone because a later command has parsed the model again, with the SQL that the build ran.
    """
    results = build.run
    if results.command not in _RESTRICTING or node.resource_type != "model":
        return False
    try:
        content = source_file(node.package_name, node.original_file_path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        if node.raw_code is None:
            return False
        content = node.raw_code  # only the artifacts are here
    if (read := build.parsed.get(node.unique_id)) is not None:
        return content.split() != read.split()
    was_parsed_by_the_build = manifest.metadata.invocation_id == results.metadata.invocation_id
    was_parsed_until_then = node.created_at is not None and node.created_at <= results.metadata.generated_at.timestamp()
    if node.raw_code is not None and (was_parsed_by_the_build or was_parsed_until_then):
        return content.split() != node.raw_code.split()
    if result.compiled_code is not None and node.original_file_path.endswith(".sql"):
        return not could_come_from(content, result.compiled_code)
    return False


def _blocked(what: str, node: Node) -> str:
    return f"Blocked, with nothing sent: {what}.\n  Run `dbt build --select {label(node)}`, then sync. {_ANYWAY}"
