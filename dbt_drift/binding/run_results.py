"""``run_results.json``, the members that tell whether dbt built a model well; everything else is skipped.

dbt 1.8 to 1.12 and dbt 2 write version 6 of it, older ones version 5; nothing that is read here differs between them.
dbt 2 leaves ``args`` nearly empty.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

Document = TypeVar("Document")

FILE_NAME = "run_results.json"


class Timing(Struct, frozen=True):
    """A step of a node's work; no time if it did not end."""

    completed_at: dt.datetime | None = None


class NodeResult(Struct, frozen=True):
    """The result of one node.

    Attributes:
        unique_id: Its unique id.
        status: ``success``, ``error``, ``skipped``, ``pass``, ``fail``, ``warn`` and others.
        compiled_code: The SQL that dbt ran; dbt 2 does not write it.
        relation_name: The relation that was built.
        timing: Its steps; none of a node that was skipped.
    """

    unique_id: str
    status: str
    compiled_code: str | None = None
    relation_name: str | None = None
    timing: list[Timing] = []


class RunMetadata(Struct, frozen=True):
    """The invocation that wrote the file, and when (UTC)."""

    generated_at: dt.datetime
    invocation_id: str | None = None


class RunResults(Struct, frozen=True):
    """The members of ``run_results.json`` that dbt-drift uses."""

    metadata: RunMetadata
    results: list[NodeResult]
    args: dict[str, Any] = {}

    @property
    def command(self) -> str:
        """The command of dbt, such as ``build`` or ``test``; "" if unknown."""
        return str(self.args.get("which") or "")

    @property
    def target(self) -> str | None:
        """The target that `--target` named; None if it named none, or if unknown."""
        named = self.args.get("target")
        return named if isinstance(named, str) else None

    def __str__(self) -> str:
        name = f"`dbt {escaped(self.command)}` of " if self.command else ""
        return f"{name}{self.metadata.generated_at:%Y-%m-%d %H:%M} UTC"


class _ParsedNode(Struct, frozen=True):
    raw_code: str | None = None


class _Invocation(Struct, frozen=True):
    invocation_id: str | None = None


class _ParsedProject(Struct, frozen=True):
    metadata: _Invocation
    nodes: dict[str, _ParsedNode]


class Build(Struct, frozen=True):
    """One dbt command that worked on nodes.

    Attributes:
        path: Its run_results.json.
        run: What that says.
        parsed: The content of each model's file as the command read it, by the node's id; empty if unknown.
    """

    path: Path
    run: RunResults
    parsed: dict[str, str] = {}

    def ended(self, result: NodeResult) -> dt.datetime:
        """When the command was done with a node; when it wrote its results, if it does not say so."""
        return max((_utc(step.completed_at) for step in result.timing if step.completed_at), default=self.written)

    @property
    def written(self) -> dt.datetime:
        """When the command wrote its results."""
        return _utc(self.run.metadata.generated_at)


def read_builds(target_path: Path, given: Sequence[str | PathLike[str]] = ()) -> list[Build]:
    """Read the results of dbt's commands, the oldest first.

    Args:
        target_path: The project's target folder, whose run_results.json is read if none are given.
        given: Files and folders; of a folder, its own run_results.json and those of the folders in it.

    Returns:
        No build if none are given and the target folder has none.

    Raises:
        ConfigurationError: A file cannot be read, or something that is given is not there.
    """
    if not given:
        run = _read(target_path / FILE_NAME, RunResults)
        return [] if run is None else [Build(target_path / FILE_NAME, run)]
    builds = []
    for path in dict.fromkeys(found.absolute() for one in given for found in _files(Path(one))):
        run = _read(path, RunResults)
        if run is None:
            raise _missing(path)
        builds.append(Build(path, run, _parsed_by(run, path.with_name("manifest.json"))))
    return sorted(builds, key=lambda build: build.written)


def _files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    found = [path for path in (given / FILE_NAME, *sorted(given.glob(f"*/{FILE_NAME}"))) if path.is_file()]
    if not found:
        raise _missing(given / FILE_NAME)
    return found


def _parsed_by(run: RunResults, manifest: Path) -> dict[str, str]:
    """Return what the command read, from the manifest beside its results, if that is the command's own."""
    project = _read(manifest, _ParsedProject)
    invocation_id = run.metadata.invocation_id
    if project is None or invocation_id is None or project.metadata.invocation_id != invocation_id:
        return {}
    return {unique_id: node.raw_code for unique_id, node in project.nodes.items() if node.raw_code is not None}


def _read(path: Path, kind: type[Document]) -> Document | None:
    """Read a file of dbt's; None if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.",
            advice="Run `dbt build` to replace it, or ignore it with --ignore-run-results.",
        ) from error


def _missing(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"There is no {escaped(str(path))}, which --run-results names.",
        advice="Name the run_results.json of a dbt command, its folder, or a folder of such folders.",
    )


def _utc(time: dt.datetime) -> dt.datetime:
    return time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
