"""Declarations that were edited since dbt parsed them: the manifest still has the old ones.

dbt keeps a checksum and the content of each properties file in partial_parse.msgpack. So a file that was only touched,
copied or checked out counts as unchanged.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dbt_drift.declarations.manifest import Manifest

_KINDS = ("models", "seeds", "snapshots")


class _Path(msgspec.Struct, frozen=True):
    searched_path: str
    relative_path: str


class _Checksum(msgspec.Struct, frozen=True):
    checksum: str = ""


class _File(msgspec.Struct, frozen=True):
    path: _Path
    project_name: str = ""
    parse_file_type: str | None = None
    checksum: _Checksum = _Checksum()
    dfy: msgspec.Raw = msgspec.Raw()
    """The content of the file; dbt's name stands for "dict from yaml"."""


class _Node(msgspec.Struct, frozen=True):
    created_at: float | None = None


class _Parsed(msgspec.Struct, frozen=True):
    files: dict[str, _File] = {}
    nodes: dict[str, _Node] = {}


def edited_since_parsed(manifest: Manifest, target_path: Path, root: Path) -> dict[str, str]:
    """Return a text about each node whose declaration differs from the manifest's, by unique id.

    A node counts only if partial_parse.msgpack belongs to the same parse as the manifest. It may be older, or come
    from another machine.
    """
    try:
        parsed = msgspec.msgpack.decode((target_path / "partial_parse.msgpack").read_bytes(), type=_Parsed)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    project = manifest.metadata.project_name
    said: dict[str, str] = {}
    for file in parsed.files.values():
        if file.parse_file_type != "schema" or file.project_name != project:
            continue
        path = f"{file.path.searched_path}/{file.path.relative_path}"
        for name, what in _edited(file, root / path):
            for node in manifest.nodes.values():
                kept = parsed.nodes.get(node.unique_id)
                is_its_own = (node.name, node.patch_path) == (name, f"{project}://{path}")
                if is_its_own and kept is not None and kept.created_at == node.created_at:
                    said[node.unique_id] = f"{path} {what}"
    return said


def _edited(file: _File, path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names whose declarations have changed in the file, and how."""
    try:
        content = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return
    # dbt 1.12 collapses blanks before it computes the checksum; older versions strip the ends.
    forms = (content.strip(), " ".join(content.split()))
    if file.checksum.checksum in {hashlib.sha256(form.encode()).hexdigest() for form in forms}:
        return
    before = _declarations(msgspec.msgpack.decode(file.dfy))
    try:
        now = _declarations(yaml.safe_load(content))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        yield from ((name, f"is no longer valid YAML: {getattr(error, 'problem', '')}{where}") for name in before)
        return
    for name in before.keys() | now.keys():
        if before.get(name) != now.get(name):
            yield name, "has changed what it says about Drift since dbt parsed it"


def _declarations(content: Any) -> dict[str, Any]:
    """Return the parts of a properties file about Drift, by the names of the nodes."""
    document = content if isinstance(content, dict) else {}
    found: dict[str, Any] = {}
    for kind in _KINDS:
        found |= _leading_to_drift(document.get(kind) or []) or {}
    return found


def _leading_to_drift(value: Any) -> dict[str, Any] | None:
    """Return the parts of properties that lead to a `meta.drift`; a list by the names, or versions, of its items."""
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, dict)]
        named = {str(item.get("name", item.get("v"))): _leading_to_drift(item) for item in items}
        return {name: found for name, found in named.items() if found} or None
    if not isinstance(value, dict):
        return None
    parts: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "meta" and isinstance(inner, dict) and "drift" in inner:
            parts["drift"] = inner["drift"]
        elif found := _leading_to_drift(inner):
            # `config: {meta: ...}` and `meta: ...` say the same.
            parts |= found if key == "config" else {str(key): found}
    return parts or None
