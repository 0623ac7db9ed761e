"""Writes a first declaration, and reverts it if dbt or dbt-drift refuses it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError, DbtDriftError
from dbt_drift.init.properties import new_file, with_declaration

if TYPE_CHECKING:
    from dbt_drift.init.candidates import Candidate
    from dbt_drift.project.gateway import DbtProject


class Change(Struct, frozen=True):
    """A change to a properties file. `before` is None if the file does not exist yet."""

    path: Path
    name: str
    before: bytes | None
    after: bytes

    @property
    def difference(self) -> str:
        """The change as a unified diff, with plain line ends."""
        before = (self.before or b"").decode().splitlines()
        lines = difflib.unified_diff(before, self.after.decode().splitlines(), self.name, self.name, lineterm="")
        return "\n".join(lines)

    def make(self) -> None:
        """Write the file."""
        self.path.write_bytes(self.after)

    def take_back(self) -> None:
        """Restore the previous state of the file."""
        if self.before is None:
            self.path.unlink()
        else:
            self.path.write_bytes(self.before)


def change_for(project: DbtProject, candidate: Candidate) -> Change:
    """Return the change that declares a candidate: in the file that describes it, else in a new file beside it.

    Raises:
        ConfigurationError: The declaration cannot be added without changing something else in the file.
    """
    node = candidate.node
    if node.patch_path is None:
        sql = project.root / node.original_file_path
        path = sql.with_name(f"_{node.name}.yml")
        name = path.relative_to(project.root).as_posix()
        if path.exists() or path.is_symlink():
            raise ConfigurationError(f"{name} exists, but does not describe {candidate.name}.", advice="Add it there.")
        return Change(path, name, None, new_file(node.name, candidate.proposal).encode())
    name = node.patch_path.partition("://")[2]
    path = project.root / name
    before = path.read_bytes()
    try:
        after = with_declaration(before.decode(), node.name, node.version, candidate.proposal)
    except (ConfigurationError, UnicodeDecodeError) as error:
        snippet = "\n".join(f"    {line}" for line in ["drift:", *(f"  {x}" for x in candidate.proposal.lines(2))])
        raise ConfigurationError(
            f"{name} is left as it is: {error}.",
            advice=f"Add this below `config: meta:` of {candidate.name} by hand:\n\n{snippet}",
        ) from error
    return Change(path, name, before, after.encode())


def write(project: DbtProject, candidate: Candidate, change: Change) -> None:
    """Write the file, parse the project again, and check that it declares exactly what was intended.

    Raises:
        ConfigurationError: The check failed; the file is restored.
    """
    manifest = project.target_path / "manifest.json"
    expected = {**_meta(manifest, candidate), "drift": candidate.proposal.declaration}
    change.make()
    try:
        declare(read_manifest(project.parse()))
        _check_meta(_meta(manifest, candidate), expected)
    except BaseException as error:
        change.take_back()
        project.parse()
        if not isinstance(error, DbtDriftError):
            raise
        raise ConfigurationError(f"{change.name} is left as it was, with nothing declared: {error}") from error


def _check_meta(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found != expected:
        raise ConfigurationError(f"dbt would make its meta {found}, not {expected}")


def _meta(manifest: Path, candidate: Candidate) -> dict[str, Any]:
    """Return the whole `config.meta` of a model, as dbt merges it."""
    node = msgspec.json.decode(manifest.read_bytes())["nodes"][candidate.node.unique_id]
    return dict(node["config"].get("meta") or {})
