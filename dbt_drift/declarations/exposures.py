"""Exposures: show in the graph of dbt docs which models Drift uses.

There is one exposure per sync, in a properties file that belongs to dbt-drift alone. Everything that is not dbt's own
is below ``config.meta``, the only place that every dbt version accepts.
"""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dbt_drift.declarations.audiences import AudienceMapping
    from dbt_drift.declarations.manifest import Manifest, Node
    from dbt_drift.declarations.sync import Sync

FILE_NAME = "drift_exposures.yml"

_FIRST_LINE = "# Written by `dbt-drift exposures`, which overwrites it: change the declarations, then run it again.\n"
# dbt evaluates the text in `depends_on`: a name that could close its quotes could inject an expression.
_HARMLESS = re.compile(r"[\w. -]+")
_MODES = {"add": "add to", "remove": "remove from", "mirror": "mirror"}


class Owner(msgspec.Struct, frozen=True):
    """The owner of an exposure; dbt requires a name or an address."""

    name: str | None = None
    email: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether a name or an address is given."""
        return bool(self.name or self.email)


def exposures_file(manifest: Manifest, syncs: Sequence[Sync], *, owner: Owner, url: str) -> str:
    """Return the content of the properties file. It is the same for the same declarations.

    Args:
        manifest: The project.
        syncs: Its syncs.
        owner: The owner for models that name none, in their meta or by their group.
        url: The URL of Drift's contacts page.
    """
    exposures = [_exposure(manifest, sync, owner, url) for sync in sorted(syncs, key=lambda sync: sync.unique_id)]
    document = {"version": 2, "exposures": exposures}
    return _FIRST_LINE + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def write_exposures(path: Path, content: str, manifest: Manifest, *, root: Path) -> None:
    """Write the file.

    Raises:
        ConfigurationError: The file is not dbt-drift's, or another file has an exposure of this name.
        OSError: The file cannot be written; it is unchanged.
    """
    _refuse_foreign(path)
    ours = {exposure["name"] for exposure in yaml.safe_load(content)["exposures"]}
    for exposure in manifest.exposures.values():
        if exposure.name in ours and (root / exposure.original_file_path).resolve() != path.resolve():
            raise ConfigurationError(
                f"There is an exposure {exposure.name} in {exposure.original_file_path} already.",
                advice="Rename or remove it, then run `dbt parse`.",
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    # dbt may read the file at any moment, so it is replaced atomically.
    place = path.resolve()
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(content)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def exposures_difference(path: Path, content: str) -> str:
    """Return what `write_exposures` would change, as a unified diff; "" if nothing.

    Raises:
        ConfigurationError: The file is not dbt-drift's.
    """
    _refuse_foreign(path)
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), content.splitlines(keepends=True), str(path), "the declarations"
    )
    return "".join(lines)


def _refuse_foreign(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise ConfigurationError(
            f"{path} is a link to a file that is not there, and is left as it is.",
            advice="Remove the link, or name another file with --file.",
        )
    if path.exists() and not path.read_text(encoding="utf-8").startswith(_FIRST_LINE[:30]):
        raise ConfigurationError(
            f"{path} was not written by dbt-drift, and is left as it is.", advice="Name another file with --file."
        )


def _exposure(manifest: Manifest, sync: Sync, general: Owner, url: str) -> dict[str, Any]:
    node = manifest.nodes[sync.unique_id]
    owner = owner_of(manifest, node)
    owner = owner if owner.is_known else general
    return {
        "name": f"drift_{sync.slug}",
        "label": f"Drift contacts from {sync.name}",
        "type": "application",
        "url": url,
        "description": _plain(_description(sync)),
        "depends_on": [_ref(node, manifest.metadata.project_name)],
        "owner": {key: _plain(value) for key, value in msgspec.structs.asdict(owner).items() if value},
        "config": {
            "meta": {
                "dbt_drift": {
                    "object": "contacts",
                    "match_on": sync.match_on,
                    "fields": {_plain(mapped.attribute): _plain(mapped.column) for mapped in sync.attributes},
                    "audiences": [
                        {_plain(key): _plain(value) for key, value in _said(audience).items()}
                        for audience in sync.audiences
                    ],
                }
            }
        },
    }


def _said(audience: AudienceMapping) -> dict[str, str]:
    which = {"tag_from": audience.tag_from} if audience.tag_from else {"tag": audience.tag}
    if audience.attribute:
        which = {"attribute": audience.attribute}
    return {**which, "mode": audience.mode, **({"when": audience.when} if audience.when else {})}


def _description(sync: Sync) -> str:
    attributes = ", ".join(f"`{mapped.attribute}`" for mapped in sync.attributes)
    lines = [f"Contacts in Drift, matched by {sync.match_on}. Written by `dbt-drift sync`: {attributes}."]
    for audience in sync.audiences:
        tag = f"the tags of `{audience.tag_from}`" if audience.tag_from else f"the tag `{audience.tag}`"
        who = f"rows where `{audience.when}`" if audience.when else "every row"
        lines.append(f"- {_MODES[audience.mode]} {tag}: {who}")
    return "\n".join([lines[0], *([""] if sync.audiences else []), *lines[1:]])


def _ref(node: Node, project: str | None) -> str:
    for part in (node.package_name, node.name, node.version):
        if isinstance(part, str) and not _HARMLESS.fullmatch(part):
            raise ConfigurationError(
                f"The manifest names {node.unique_id!r}, which cannot stand in a ref: it has other characters than "
                "letters, digits, blanks and _ . -",
                advice="Rename the model, or leave it out with `drift: false`, then run `dbt parse`.",
            )
    package = "" if node.package_name == project else f"'{node.package_name}', "
    version = "" if node.version is None else f", v={node.version!r}"
    return f"ref({package}'{node.name}'{version})"


def owner_of(manifest: Manifest, node: Node) -> Owner:
    """Return who owns a model, by its meta, or else by its dbt group."""
    own = _own(node)
    return own if own.is_known else _of_group(manifest, node)


def _own(node: Node) -> Owner:
    """Return the owner in the model's meta: a name, or a name and an address."""
    metas = (node.config.meta if node.config else None, node.meta)
    owner = next((meta.owner for meta in metas if meta and meta.owner), None)
    if isinstance(owner, str):
        return Owner(email=owner) if "@" in owner else Owner(name=owner)
    if isinstance(owner, dict):
        name, email = owner.get("name"), owner.get("email")
        return Owner(name if isinstance(name, str) else None, email if isinstance(email, str) else None)
    return Owner()


def _of_group(manifest: Manifest, node: Node) -> Owner:
    named = (node.config.group if node.config else None) or node.group
    groups = [group for group in manifest.groups.values() if group.name == named]
    if not groups:
        return Owner()
    email = groups[0].owner.email  # newer versions of dbt accept a list of addresses
    return Owner(groups[0].owner.name, email[0] if isinstance(email, list) and email else email)


def _plain(text: str) -> str:
    """Return a text without Jinja, because dbt renders properties files."""
    return re.sub(r"\{(?=[{%#])", "{ ", text)
