"""The macros of dbt, the adapter, the project and dbt-drift, parsed once for each state of their files.

To parse dbt's and the adapter's 700 macros takes 1.5 seconds, a third of a sync that sends nothing. What comes of it
lies in the user's cache folder, under a name that is a hash of all these files and of dbt's version.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt.adapters.base.impl import BaseAdapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.contracts.graph.manifest import MacroManifest

_KEPT = 8
"""The number of states that are kept: those of a few projects, targets and versions."""


def parsed_macros(config: RuntimeConfig, adapter: BaseAdapter) -> MacroManifest:
    """Return the macros of all packages of a project, as dbt parses them.

    Args:
        config: The project; its dependencies are loaded.
        adapter: The adapter, for its version and for dbt's own parser.
    """
    from dbt.contracts.graph.manifest import MacroManifest  # noqa: PLC0415 - dbt is slow to import
    from dbt.contracts.graph.nodes import Macro  # noqa: PLC0415 - likewise
    from dbt.parser.manifest import ManifestLoader  # noqa: PLC0415 - likewise

    file = _folder() / f"macros-{_state(config, adapter)}.msgpack"
    with contextlib.suppress(OSError, msgspec.DecodeError, LookupError, TypeError, ValueError):
        known: list[dict[str, Any]] = msgspec.msgpack.decode(file.read_bytes(), type=list[dict[str, Any]])
        macros = [Macro.from_dict(macro) for macro in known]
        os.utime(file)  # those that are not used for the longest time are deleted
        return MacroManifest({macro.unique_id: macro for macro in macros})
    loader: Any = ManifestLoader  # dbt says that it returns a Manifest
    parsed: MacroManifest = loader.load_macros(config, adapter.connections.set_query_header)
    with contextlib.suppress(OSError):  # a machine without a home, or one that is read-only
        _keep(file, parsed.macros)
    return parsed


def _folder() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - only a command with a warehouse needs it

    return user_cache_path("dbt-drift", appauthor=False)


def _state(config: RuntimeConfig, adapter: BaseAdapter) -> str:
    """Return a hash of all that decides what the macros are."""
    from importlib.metadata import version  # noqa: PLC0415 - likewise

    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - dbt is slow to import
    from dbt.parser.macros import MacroParser  # noqa: PLC0415 - likewise

    adapter_type = adapter.type()
    found = hashlib.sha256(f"1 {version('dbt-core')} {version('dbt-adapters')} {adapter_type}".encode())
    manifest = Manifest()
    for name, project in config.load_dependencies().items():
        for path in MacroParser(project, manifest).get_paths():
            content = hashlib.sha256(Path(path.absolute_path).read_bytes()).hexdigest()
            found.update(f"\n{name} {path.original_file_path} {content}".encode())
    return found.hexdigest()[:32]


def _keep(file: Path, macros: Mapping[str, Any]) -> None:
    """Write the macros as a whole, and delete the states that were not used for the longest time."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Some of the texts are instances of dbt's own string classes.
    content = msgspec.msgpack.encode([macro.to_dict(omit_none=True) for macro in macros.values()], enc_hook=str)
    descriptor, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
    Path(name).replace(file)
    states = sorted(file.parent.glob("macros-*.msgpack"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in states[_KEPT:]:
        old.unlink(missing_ok=True)
