"""Proposes the setting that keeps all dbt targets but one from writing to Drift itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from dbt_drift.init.write import Change

if TYPE_CHECKING:
    from dbt_drift.project.gateway import DbtProject

_PRODUCTION = ("prod", "production", "prd", "live")


def production(project: DbtProject) -> str | None:
    """Return the profile's target with a usual name for production; None if there is none."""
    return next((name for name in project.targets if name.casefold() in _PRODUCTION), None)


def lines_for(target: str) -> list[str]:
    """Return the lines of dbt_project.yml that let only this target write to Drift itself."""
    return ["vars:", "  dbt_drift:", f"    targets: [{target}]"]


def change_for_target(project: DbtProject, target: str) -> Change | None:
    """Return the change to dbt_project.yml; None if the file has variables already, so that people have to add it."""
    path = project.root / "dbt_project.yml"
    before = path.read_bytes()
    try:
        content = before.decode()
        if "vars" in yaml.safe_load(content):
            return None
        newline = "\r\n" if "\r\n" in content else "\n"
        head = "# The dbt targets that may write to Drift itself; the others plan, or sync to a sandbox."
        added = newline.join(["" if content.endswith("\n") else newline, head, *lines_for(target), ""])
        wanted = {**yaml.safe_load(content), "vars": {"dbt_drift": {"targets": [target]}}}
        if yaml.safe_load(content + added) != wanted:
            return None
    except (UnicodeDecodeError, yaml.YAMLError):
        return None
    return Change(path, path.name, before, (content + added).encode())
