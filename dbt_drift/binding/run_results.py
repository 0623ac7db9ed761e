"""``run_results.json``, the members that tell whether dbt built a model well; everything else is skipped.

dbt 1.8 to 1.12 and dbt 2 write version 6 of it, older ones version 5; nothing that is read here differs between them.
dbt 2 leaves ``args`` nearly empty.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dbt_drift.errors import ConfigurationError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from pathlib import Path


class NodeResult(Struct, frozen=True):
    """The result of one node.

    Attributes:
        unique_id: Its unique id.
        status: ``success``, ``error``, ``skipped``, ``pass``, ``fail``, ``warn`` and others.
        compiled_code: The SQL that dbt ran; dbt 2 does not write it.
        relation_name: The relation that was built.
    """

    unique_id: str
    status: str
    compiled_code: str | None = None
    relation_name: str | None = None


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


def read_run_results(path: Path) -> RunResults | None:
    """Read the results of dbt's last command that ran nodes; None if there is no file.

    Args:
        path: The file, usually ``target/run_results.json``.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunResults)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.",
            advice="Run `dbt build` to replace it, or ignore it with --ignore-run-results.",
        ) from error
