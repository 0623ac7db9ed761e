"""``run_results.json``, as far as it tells whether a model can be trusted: a typed read that skips everything else.

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
    """What came of one node.

    Attributes:
        unique_id: Which one.
        status: ``success``, ``error``, ``skipped``, ``pass``, ``fail``, ``warn`` and others.
        compiled_code: The SQL that was run; dbt 2 does not tell.
        relation_name: The relation that was built.
    """

    unique_id: str
    status: str
    compiled_code: str | None = None
    relation_name: str | None = None


class RunMetadata(Struct, frozen=True):
    """Who wrote it, and when (UTC)."""

    generated_at: dt.datetime
    invocation_id: str | None = None


class RunResults(Struct, frozen=True):
    """The members of ``run_results.json`` that count here."""

    metadata: RunMetadata
    results: list[NodeResult]
    args: dict[str, Any] = {}

    @property
    def command(self) -> str:
        """The command of dbt, such as ``build`` or ``test``; "" where it is not told."""
        return str(self.args.get("which") or "")

    @property
    def target(self) -> str | None:
        """The target that was named with `--target`; None where none was, or it is not told."""
        named = self.args.get("target")
        return named if isinstance(named, str) else None

    def __str__(self) -> str:
        name = f"`dbt {escaped(self.command)}` of " if self.command else ""
        return f"{name}{self.metadata.generated_at:%Y-%m-%d %H:%M} UTC"


def read_run_results(path: Path) -> RunResults | None:
    """Read what dbt's last command that ran anything came to; None where there is no such file.

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
            advice="Run `dbt build` to write it anew, or leave it unread with --ignore-run-results.",
        ) from error
