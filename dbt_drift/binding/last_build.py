"""Whether dbt's last command leaves a model fit to be synced: built, tested, and built from the file that is there now.

What dbt tells is its last command alone: each writes run_results.json anew. So after `dbt build` or `dbt run` the syncs
are those of the models that it built. Whether any other relation is fit nobody knows: its own build may have failed its
tests an hour ago. Commands that build no models say nothing about that, and restrict nothing; what they tell of failed
tests counts all the same. `dbt retry` finishes what an earlier command began, so it restricts nothing either.
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

    from dbt_drift.binding.run_results import NodeResult, RunResults
    from dbt_drift.declarations.manifest import Manifest, Node

    SourceFile = Callable[[str, str], Path]
    """Where a file lies, by its package and its path in that."""

_RESTRICTING = frozenset({"build", "run"})
_FAILED = frozenset({"error", "fail", "runtime error"})
_UNBUILT = {
    **dict.fromkeys(_FAILED, "it failed"),
    "skipped": "it was skipped",
    "partial success": "some of its batches failed",
}
"""What is wrong with a model by its status; `no-op` and `reused` are well."""

_ANYWAY = "--ignore-run-results syncs what is in the warehouse all the same."


class Blocked(msgspec.Struct, frozen=True):
    """A sync that is blocked, and why."""

    sync: Sync
    why: str


class BuildCheck(msgspec.Struct, frozen=True):
    """What dbt's last command leaves of the selected syncs.

    Attributes:
        fit: Those to sync.
        blocked: Those that are blocked.
        notices: What somebody should know besides.
    """

    fit: list[Sync]
    blocked: list[Blocked] = []
    notices: list[str] = []


def check_last_build(
    syncs: Sequence[Sync], manifest: Manifest, results: RunResults | None, *, source_file: SourceFile, are_named: bool
) -> BuildCheck:
    """Tell the syncs that can be trusted from the others.

    Args:
        syncs: The selected ones.
        manifest: The project.
        results: What dbt's last command came to; None where nobody knows.
        source_file: Where a file lies, by its package and its path in that.
        are_named: Whether the user has selected them, whatever dbt built last.
    """
    if results is None:
        return BuildCheck(
            list(syncs),
            notices=["There is no run_results.json: whether the models were built and tested well is not known."],
        )
    fit, blocked, notices = list(syncs), [], []
    if results.command in _RESTRICTING and not are_named:
        built = {result.unique_id for result in results.results}
        fit = [sync for sync in syncs if sync.unique_id in built]
        if others := [sync.name for sync in syncs if sync.unique_id not in built]:
            notices.append(
                f"{counted(len(others), 'model')} not synced, because {results} did not build them: "
                f"{', '.join(others)}. --select names models whatever was built."
            )
    trouble = _trouble(manifest, results, source_file)
    blocked = [Blocked(sync, trouble[sync.unique_id]) for sync in fit if sync.unique_id in trouble]
    return BuildCheck([sync for sync in fit if sync.unique_id not in trouble], blocked, notices)


def _trouble(manifest: Manifest, results: RunResults, source_file: SourceFile) -> dict[str, str]:
    """Return what is wrong with which node, in words."""
    trouble: dict[str, str] = {}
    failed: dict[str, list[str]] = {}
    for result in results.results:
        node = manifest.nodes.get(result.unique_id) or manifest.unit_tests.get(result.unique_id)
        if node is None:
            continue
        if node.resource_type in {"test", "unit_test"}:
            for tested in _tested(node) if result.status in _FAILED else ():
                failed.setdefault(tested, []).append(label(node))
        elif result.status in _UNBUILT:
            trouble[node.unique_id] = _blocked(f"{_UNBUILT[result.status]} in {results}", node)
        elif _has_changed(node, result, manifest, results, source_file):
            trouble[node.unique_id] = _blocked(f"{escaped(node.original_file_path)} has changed since {results}", node)
    for unique_id, tests in failed.items():
        if unique_id not in trouble and (node := manifest.nodes.get(unique_id)):
            what = f"{counted(len(tests), 'test')} of it failed in {results}: {', '.join(sorted(tests))}"
            trouble[unique_id] = _blocked(what, node)
    return trouble


def _tested(test: Node) -> Iterator[str]:
    """Yield the ids of what a test is about: a relationship test is about one of the two models that it reads."""
    if test.attached_node:
        yield test.attached_node
    elif test.depends_on:
        yield from test.depends_on.nodes


def _has_changed(
    node: Node, result: NodeResult, manifest: Manifest, results: RunResults, source_file: SourceFile
) -> bool:
    """Whether a model's file says something else than it did when dbt built the model; False where nobody knows.

    Times tell nothing of a file that was copied or checked out, so its content is compared with what dbt kept of the
    build: what the file said, or else, where a later command has parsed the model anew, the SQL that was run.
    """
    if results.command not in _RESTRICTING or node.resource_type != "model":
        return False
    try:
        content = source_file(node.package_name, node.original_file_path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False
    was_parsed_by_the_build = manifest.metadata.invocation_id == results.metadata.invocation_id
    was_parsed_until_then = node.created_at is not None and node.created_at <= results.metadata.generated_at.timestamp()
    if node.raw_code is not None and (was_parsed_by_the_build or was_parsed_until_then):
        return content.split() != node.raw_code.split()
    if result.compiled_code is not None and node.original_file_path.endswith(".sql"):
        return not could_come_from(content, result.compiled_code)
    return False


def _blocked(what: str, node: Node) -> str:
    return f"Blocked, with nothing sent: {what}.\n  Run `dbt build --select {label(node)}`, then sync. {_ANYWAY}"
