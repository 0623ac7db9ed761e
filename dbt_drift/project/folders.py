"""Finds a dbt project and its artifacts without its profile, in dbt's own order: flag, variable, file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from dbt_drift.project.options import ProjectOptions


def project_root(options: ProjectOptions) -> Path:
    """Return the absolute folder of dbt_project.yml. A folder that the user names need not exist.

    Raises:
        ConfigurationError: The user names none, and the current folder has none.
    """
    if named := options.project_dir or _variable("PROJECT_DIR"):
        return Path(os.path.abspath(named))  # noqa: PTH100 - as dbt does: links are not followed
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dbt_project.yml").exists():
            return folder
    raise ConfigurationError(
        "There is no dbt_project.yml in this folder or above it.",
        advice="Run dbt-drift inside a dbt project, or name one with --project-dir.",
    )


def artifacts_folder(options: ProjectOptions) -> Path:
    """Return the folder of manifest.json, even if the project or its profile cannot be read.

    Raises:
        ConfigurationError: There is no project.
    """
    root = project_root(options)
    named = options.target_path or _variable("TARGET_PATH") or _in_project_file(root, options.vars or {})
    return root / (named or "target")


def profiles_folder(options: ProjectOptions, root: Path) -> Path:
    """Return the absolute folder of profiles.yml, in dbt's order, and finally the project's own folder.

    Raises:
        ConfigurationError: The user names none, and no folder in dbt's order has one.
    """
    if named := options.profiles_dir or _variable("PROFILES_DIR"):
        return Path(os.path.abspath(named))  # noqa: PTH100 - as dbt does: links are not followed
    places = list(dict.fromkeys([Path.cwd(), Path.home() / ".dbt", root]))
    for folder in places:
        if (folder / "profiles.yml").exists():
            return folder
    raise ConfigurationError(
        f"There is no profiles.yml in {', '.join(map(str, places))}.",
        advice="Name its folder with --profiles-dir or DBT_PROFILES_DIR.",
    )


def _variable(name: str) -> str | None:
    # dbt 1.12 names its variables DBT_ENGINE_*, and still accepts the old names.
    return os.environ.get(f"DBT_ENGINE_{name}") or os.environ.get(f"DBT_{name}")


def _in_project_file(root: Path, variables: dict[str, Any]) -> str | None:
    from dbt.config.renderer import DbtProjectYamlRenderer  # noqa: PLC0415 - dbt is slow to import
    from dbt_common.context import set_invocation_context  # noqa: PLC0415 - dbt is slow to import
    from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415 - dbt is slow to import

    try:
        content = yaml.safe_load((root / "dbt_project.yml").read_text("utf-8"))
        written = content.get("target-path") if isinstance(content, dict) else None
        set_invocation_context(os.environ)
        return None if written is None else str(DbtProjectYamlRenderer(None, variables).render_value(written))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, DbtBaseException):
        return None  # dbt reports the problem when it reads the file
