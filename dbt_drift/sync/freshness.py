"""Whether dbt's last command leaves a model fit to be synced: built, tested, and built from the file that is there now.

What dbt tells is its last command alone: each writes run_results.json anew. So after `dbt build` or `dbt run` the syncs
are those of the models that it built. Whether any other relation is fit nobody knows: its own build may have failed its
tests an hour ago. Commands that build no models say nothing about that, and restrict nothing; what they tell of failed
tests counts all the same. `dbt retry` finishes what an earlier command began, so it restricts nothing either.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.declarations.manifest import FileHash
from dbt_drift.declarations.syncs import Sync
from dbt_drift.sync.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dbt_drift.declarations.manifest import Manifest, Node
    from dbt_drift.declarations.run_results import RunResults

_RESTRICTING = frozenset({"build", "run"})
_FAILED = frozenset({"error", "fail", "runtime error"})
_UNBUILT = {
    **dict.fromkeys(_FAILED, "it failed"),
    "skipped": "it was skipped",
    "partial success": "some of its batches failed",
}
"""What is wrong with a model by its status; `no-op` and `reused` are well."""

_ANYWAY = "--ignore-run-results syncs what is in the warehouse all the same."


class Held(msgspec.Struct, frozen=True):
    """A sync that is held back, and why."""

    sync: Sync
    why: str


class Judgement(msgspec.Struct, frozen=True):
    """What dbt's last command leaves of the selected syncs.

    Attributes:
        fit: Those to sync.
        held: Those that are held back.
        notices: What somebody should know besides.
    """

    fit: list[Sync]
    held: list[Held] = []
    notices: list[str] = []


def judge(
    syncs: Sequence[Sync], manifest: Manifest, results: RunResults | None, *, root: Path, are_named: bool
) -> Judgement:
    """Tell the syncs that can be trusted from the others.

    Args:
        syncs: The selected ones.
        manifest: The project.
        results: What dbt's last command came to; None where nobody knows.
        root: Where the project's files are.
        are_named: Whether the user has selected them, whatever dbt built last.
    """
    if results is None:
        return Judgement(
            list(syncs),
            notices=["There is no run_results.json: whether the models were built and tested well is not known."],
        )
    fit, held, notices = list(syncs), [], []
    if results.command in _RESTRICTING and not are_named:
        built = {result.unique_id for result in results.results}
        fit = [sync for sync in syncs if sync.unique_id in built]
        if others := [sync.name for sync in syncs if sync.unique_id not in built]:
            notices.append(
                f"{counted(len(others), 'model')} not synced, because {results} did not build them: "
                f"{', '.join(others)}. --select names models whatever was built."
            )
    trouble = _trouble(manifest, results, root)
    held = [Held(sync, trouble[sync.unique_id]) for sync in fit if sync.unique_id in trouble]
    return Judgement([sync for sync in fit if sync.unique_id not in trouble], held, notices)


def _trouble(manifest: Manifest, results: RunResults, root: Path) -> dict[str, str]:
    """Return what is wrong with which node, in words."""
    trouble: dict[str, str] = {}
    failed: dict[str, list[str]] = {}
    for result in results.results:
        node = manifest.nodes.get(result.unique_id) or manifest.unit_tests.get(result.unique_id)
        if node is None:
            continue
        if node.resource_type in {"test", "unit_test"}:
            for tested in _tested(node) if result.status in _FAILED else ():
                failed.setdefault(tested, []).append(node.name)
        elif result.status in _UNBUILT:
            trouble[node.unique_id] = _held(f"{_UNBUILT[result.status]} in {results}", node)
        elif _has_changed(node, manifest, results, root):
            trouble[node.unique_id] = _held(f"{node.original_file_path} has changed since {results}", node)
    for unique_id, tests in failed.items():
        if unique_id not in trouble and (node := manifest.nodes.get(unique_id)):
            what = f"{counted(len(tests), 'test')} of it failed in {results}: {', '.join(sorted(tests))}"
            trouble[unique_id] = _held(what, node)
    return trouble


def _tested(test: Node) -> Iterator[str]:
    """Yield the ids of what a test is about: a relationship test is about one of the two models that it reads."""
    if test.attached_node:
        yield test.attached_node
    elif test.depends_on:
        yield from test.depends_on.nodes


def _has_changed(node: Node, manifest: Manifest, results: RunResults, root: Path) -> bool:
    """Whether a model's file was changed after dbt built it from it.

    A file that is newer may only have been copied, so its content is compared with the one that dbt read; but after a
    later `dbt parse` that is the content of now, and the time is all there is.
    """
    file = root / node.original_file_path
    parsed = node.checksum
    if results.command not in _RESTRICTING or node.resource_type != "model" or not file.is_file():
        return False
    if not isinstance(parsed, FileHash) or parsed.name != "sha256":
        return False
    if file.stat().st_mtime <= results.metadata.generated_at.timestamp():
        return False
    was_parsed_since = manifest.metadata.invocation_id != results.metadata.invocation_id
    return was_parsed_since or hashlib.sha256(file.read_text("utf-8").strip().encode()).hexdigest() != parsed.checksum


def _held(what: str, node: Node) -> str:
    return f"Held back, with nothing sent: {what}.\n  Run `dbt build --select {node.name}`, then sync. {_ANYWAY}"
