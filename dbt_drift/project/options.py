"""What the user says of the dbt project: dbt's own flags and selectors."""

from __future__ import annotations

from typing import Any

import msgspec


class ProjectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """dbt's own flags, with dbt's own meaning; None leaves each to dbt: its environment variable, then its default."""

    project_dir: str | None = None
    profiles_dir: str | None = None
    profile: str | None = None
    target: str | None = None
    target_path: str | None = None
    vars: dict[str, Any] | None = None


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What the user selects, in dbt's own words; nothing selects all.

    Attributes:
        select: Selectors, as given to `--select`.
        exclude: Selectors, as given to `--exclude`.
        selector: The name of a selector of selectors.yml.
        state: Where `state:` and `result:` find the artifacts to compare with, from the project's root; None leaves it
            to dbt: its environment variable.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    state: str | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything is selected."""
        return bool(self.select or self.exclude or self.selector)
