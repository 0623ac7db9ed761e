"""dbt-drift: reverse ETL from dbt models to Drift.

From Python, `sync` and `plan` do what the commands of the same name do.

dbt imports every installed top-level module whose name starts with ``dbt_`` on each of its own commands: what stands
here is paid, and can fail, inside the user's ``dbt build``. So both are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt_drift.api import plan, sync

__version__ = "0.1.0"

__all__ = ["__version__", "plan", "sync"]


def __getattr__(name: str) -> Any:
    if name not in {"plan", "sync"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dbt_drift import api  # noqa: PLC0415 - dbt imports this module on each of its commands

    return getattr(api, name)
