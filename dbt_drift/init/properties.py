"""Adds a declaration to a properties file, and leaves the rest of it unchanged.

A YAML library that rewrites the file would change its blanks, quotes, line ends or line wraps. So the file is only
parsed to find the place, and lines are inserted there. Comparing both parsed files ensures that nothing else has
changed its meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from dbt_drift.init.proposal import Proposal

_STEP = 2

Version = str | int | float


def new_file(model: str, proposal: Proposal) -> str:
    """Return a properties file of one model."""
    head = ["version: 2", "", "models:", f"  - name: {model}"]
    return "\n".join([*head, *_block(["config", "meta", "drift"], proposal, 4, _STEP), ""])


def with_declaration(content: str, model: str, version: Version | None, proposal: Proposal) -> str:
    """Return a properties file with a declaration added below `config.meta` of a model that it describes.

    Args:
        content: The current file, including its line ends.
        model: The name of the model.
        version: The version to declare it for; None if the model has no versions.
        proposal: The declaration.

    Raises:
        ConfigurationError: It cannot be added without changing something else.
    """
    try:
        described = _entry(yaml.compose(content, Loader=yaml.SafeLoader), model, version)
        written = _added(content, described, proposal) if described else None
        is_safe = written is not None and _meaning(written) == _expected(content, model, version, proposal)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"it is no YAML that can be read: {error}") from error
    if described is None:
        raise ConfigurationError(f"it has no entry under `models:` that is called {model!r} in so many letters")
    if written is None or not is_safe:
        raise ConfigurationError("the entry has its `config` or `meta` from an alias, an anchor or a merge key")
    return written


def _entry(document: yaml.Node | None, model: str, version: Version | None) -> yaml.MappingNode | None:
    """Return the mapping for the declaration: the model's entry, or that of its version."""
    found = _named(_value(document, "models"), "name", model)
    return found if found is None or version is None else _named(_value(found, "versions"), "v", version)


def _named(entries: yaml.Node | None, key: str, wanted: Version) -> yaml.MappingNode | None:
    if not isinstance(entries, yaml.SequenceNode):
        return None
    for one in entries.value:
        name = _value(one, key)
        if isinstance(one, yaml.MappingNode) and isinstance(name, yaml.ScalarNode) and name.value == str(wanted):
            return one
    return None


def _pair(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((pair for pair in pairs if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == key), None)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    found = _pair(node, key)
    return found[1] if found else None


def _added(content: str, entry: yaml.MappingNode, proposal: Proposal) -> str | None:
    """Return the content with the declaration; None if the entry has no place of its own for it."""
    parent, missing = entry, ["config", "meta", "drift"]
    after = _pair(entry, "name") or _pair(entry, "v")
    step = _step(entry)
    while after and not parent.flow_style and (found := _pair(parent, missing[0])):
        key, value = found
        if value.start_mark.index < key.end_mark.index:
            return None  # an alias: its content is defined elsewhere
        missing, after = missing[1:], (key, key)
        if not isinstance(value, yaml.MappingNode):  # the value is still empty
            if value.end_mark.index > value.start_mark.index:
                return None
            return _insert(content, key, _block(missing, proposal, key.start_mark.column + step, step))
        parent = value
    if after is None or not missing:
        return None
    if parent.flow_style:
        return _in_flow(content, parent, missing, proposal)
    return _insert(content, after[1], _block(missing, proposal, parent.value[0][0].start_mark.column, step))


def _insert(content: str, node: yaml.Node, lines: list[str]) -> str:
    """Insert lines below the last line of a node."""
    newline = "\r\n" if "\r\n" in content else "\n"
    at = content.find("\n", node.end_mark.index) + 1
    text = newline.join(lines)
    if not at:  # the last line has no line end
        return content + newline + text
    return content[:at] + text + newline + content[at:]


def _in_flow(content: str, node: yaml.MappingNode, missing: list[str], proposal: Proposal) -> str | None:
    """Insert the declaration at the start of `{...}`."""
    inner = node
    while found := _pair(inner, missing[0]):
        if not isinstance(found[1], yaml.MappingNode) or found[1].start_mark.index < found[0].end_mark.index:
            return None
        inner, missing = found[1], missing[1:]
    nested: Any = proposal.declaration
    for key in reversed(missing):
        nested = {key: nested}
    flow = yaml.safe_dump(nested, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    at = content.index("{", inner.start_mark.index) + 1  # an anchor may precede it
    return content[:at] + flow.strip()[1:-1] + (", " if inner.value else "") + content[at:]


def _block(keys: list[str], proposal: Proposal, column: int, step: int) -> list[str]:
    """Return the lines of a declaration below these keys, starting at a column."""
    heads = [" " * (column + step * depth) + f"{key}:" for depth, key in enumerate(keys)]
    pad = " " * (column + step * len(keys))
    return heads + [pad + line for line in proposal.lines(step)]


def _step(entry: yaml.MappingNode) -> int:
    """Return the file's indentation step, as far as the entry shows it."""
    for key, value in entry.value:
        step = value.start_mark.column - key.start_mark.column
        if isinstance(value, yaml.CollectionNode) and value.start_mark.line > key.start_mark.line and step > 0:
            return int(step)
    return _STEP


def _meaning(content: str) -> Any:
    """Return the parsed content, without objects shared between two places."""
    return _copied(yaml.safe_load(content))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _expected(content: str, model: str, version: Version | None, proposal: Proposal) -> Any:
    """Return the expected parsed content after the change."""
    said = _meaning(content)
    entry = next(one for one in said["models"] if str(one.get("name")) == model)
    if version is not None:
        entry = next(one for one in entry["versions"] if str(one.get("v")) == str(version))
    for key in ("config", "meta"):
        entry[key] = entry.get(key) or {}
        entry = entry[key]
    entry["drift"] = proposal.declaration
    return said
