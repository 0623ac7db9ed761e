"""The location of the files shipped with the program: the dbt package and the demo project."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_IN_WHEEL = _PACKAGE / "_bundled"


def dbt_package() -> Path:
    """Return the root of the dbt package whose macros this version of the program calls."""
    return _IN_WHEEL / "dbt_package" if _IN_WHEEL.is_dir() else _PACKAGE.parent


def integration_project() -> Path:
    """Return the root of the dbt project that `dbt-drift demo` copies and runs."""
    return (_IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent) / "integration_project"
